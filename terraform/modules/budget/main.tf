# The monthly budget of the deployment, by its tag. Budgets uses a tag only after it is activated as a cost allocation
# tag, once per account: see the README.

locals {
  types = { BudgetActualPercent = "ACTUAL", BudgetForecastPercent = "FORECASTED" }

  # Budgets evaluates its rules itself, a few times a day, and notifies at any hour. It has no "or equal" comparison.
  notifications = [for rule in values(var.rules) : {
    type       = lookup(local.types, rule.metrics[0].metric, rule.metrics[0].metric)
    comparison = startswith(rule.comparison, "Greater") ? "GREATER_THAN" : "LESS_THAN"
    percent    = rule.threshold
    topic      = var.topics[rule.actions[0]]
  } if length(rule.actions) > 0]
}

resource "aws_budgets_budget" "this" {
  name         = var.name
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = tostring(var.monthly_usd)
  limit_unit   = "USD"

  cost_filter {
    name   = "TagKeyValue"
    values = [format("user:%s$%s", var.tag.key, var.tag.value)]
  }

  dynamic "notification" {
    for_each = local.notifications

    content {
      notification_type         = notification.value.type
      comparison_operator       = notification.value.comparison
      threshold                 = notification.value.percent
      threshold_type            = "PERCENTAGE"
      subscriber_sns_topic_arns = [notification.value.topic]
    }
  }

  tags = var.tags
}
