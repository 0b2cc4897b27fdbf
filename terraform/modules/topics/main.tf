# The topics of alarms and budgets: high needs a person now, low waits for business hours.

locals {
  tiers = toset(["high", "low"])

  subscriptions = merge([
    for tier, list in var.subscriptions : {
      for subscription in list : "${tier} ${subscription.protocol} ${subscription.endpoint}" => merge(subscription, { tier = tier })
    }
  ]...)
}

resource "aws_sns_topic" "this" {
  for_each = local.tiers

  name              = "${var.name}-${each.key}"
  display_name      = "${var.name} ${each.key}"
  kms_master_key_id = var.kms_key_arn
  tags              = var.tags
}

resource "aws_sns_topic_policy" "this" {
  for_each = local.tiers

  arn = aws_sns_topic.this[each.key].arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AlarmsAndBudgetsOfThisAccount"
        Effect    = "Allow"
        Principal = { Service = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"] }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.this[each.key].arn
        Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.this[each.key].arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "this" {
  for_each = local.subscriptions

  topic_arn = aws_sns_topic.this[each.value.tier].arn
  protocol  = each.value.protocol
  endpoint  = each.value.endpoint
}
