# The budget counts the costs of one deployment.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "the_budget_counts_by_the_tag" {
  module {
    source = "./modules/budget"
  }

  variables {
    name        = "demo"
    monthly_usd = 50
    tag         = { key = "spillway", value = "demo" }
    rules       = {}
    topics      = { high = "arn:aws:sns:eu-central-1:123456789012:demo-high", low = "arn:aws:sns:eu-central-1:123456789012:demo-low" }
    tags        = { spillway = "demo" }
  }

  assert {
    condition     = [for filter in aws_budgets_budget.this.cost_filter : [filter.name, filter.values[0]]] == [["TagKeyValue", "user:spillway$demo"]]
    error_message = "The budget counts the costs with the deployment's tag."
  }
}
