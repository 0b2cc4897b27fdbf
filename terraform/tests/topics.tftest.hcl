# Topics: who may publish, and who is notified.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "both_topics_are_encrypted_and_only_alarms_and_budgets_of_the_account_publish" {
  module {
    source = "./modules/topics"
  }

  variables {
    name          = "demo"
    subscriptions = { high = [{ protocol = "email", endpoint = "oncall@example.com" }], low = [] }
    account_id    = "123456789012"
    kms_key_arn   = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    tags          = { spillway = "demo" }
  }

  assert {
    condition     = { for tier, topic in aws_sns_topic.this : tier => topic.name } == { high = "demo-high", low = "demo-low" }
    error_message = "There are two topics: one for each tier."
  }

  assert {
    condition     = alltrue([for topic in aws_sns_topic.this : topic.kms_master_key_id == var.kms_key_arn])
    error_message = "Topics are encrypted with the deployment's key; CloudWatch cannot use the AWS managed one."
  }

  assert {
    condition = alltrue(flatten([for policy in aws_sns_topic_policy.this : [for statement in jsondecode(policy.policy).Statement :
      statement.Effect == "Deny" || try(statement.Condition.StringEquals["aws:SourceAccount"], "") == "123456789012"
    ]]))
    error_message = "No other account can publish."
  }

  assert {
    condition     = alltrue([for policy in aws_sns_topic_policy.this : anytrue([for statement in jsondecode(policy.policy).Statement : statement.Effect == "Deny" && try(statement.Condition.Bool["aws:SecureTransport"], "") == "false"])])
    error_message = "Publishing without TLS is denied."
  }

  assert {
    condition     = keys(aws_sns_topic_subscription.this) == ["high email oncall@example.com"]
    error_message = "A subscriber to a tier is notified of that tier."
  }
}
