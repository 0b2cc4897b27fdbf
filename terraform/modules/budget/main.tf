# What the deployment may cost a month, by its tag. Budgets sees a tag only after it was activated as a cost
# allocation tag, once per account: see the README.

locals {
  notifications = [
    { type = "ACTUAL", percent = 80, topic = var.low_topic_arn },
    { type = "FORECASTED", percent = 100, topic = var.low_topic_arn },
    { type = "ACTUAL", percent = 100, topic = var.high_topic_arn },
  ]
}

resource "aws_budgets_budget" "this" {
  name         = var.name
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = tostring(var.monthly_usd)
  limit_unit   = "USD"

  cost_filter {
    name   = "TagKeyValue"
    values = [format("user:%s$%s", var.tag_key, var.tag_value)]
  }

  dynamic "notification" {
    for_each = local.notifications

    content {
      notification_type         = notification.value.type
      comparison_operator       = "GREATER_THAN"
      threshold                 = notification.value.percent
      threshold_type            = "PERCENTAGE"
      subscriber_sns_topic_arns = [notification.value.topic]
    }
  }

  tags = var.tags
}
