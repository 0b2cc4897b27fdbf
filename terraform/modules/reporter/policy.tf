# The function's permissions, in addition to logs and traces.

locals {
  statements = [
    {
      # CloudWatch returns composite alarms only to callers that may ask about all alarms. A night with seventy alarms
      # then needs one request, not seventy.
      Sid      = "ReadAlarms"
      Effect   = "Allow"
      Action   = ["cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmHistory"]
      Resource = "*"
    },
    {
      # IAM has no resource type for this action.
      Sid      = "ReadMetrics"
      Effect   = "Allow"
      Action   = ["cloudwatch:GetMetricData"]
      Resource = "*"
    },
    {
      Sid      = "ReadBudget"
      Effect   = "Allow"
      Action   = ["budgets:ViewBudget"]
      Resource = "arn:${var.partition}:budgets::${var.account_id}:budget/${var.budget}"
    },
    {
      Sid      = "CountDeadLetters"
      Effect   = "Allow"
      Action   = ["sqs:GetQueueAttributes"]
      Resource = var.queues.dlq.arn
    },
    {
      Sid      = "SendOnce"
      Effect   = "Allow"
      Action   = ["dynamodb:PutItem", "dynamodb:DeleteItem"]
      Resource = var.ops_table.arn
      Condition = {
        "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["digest"] }
      }
    },
    {
      Sid      = "ReadRules"
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = "${var.archive.arn}/${var.archive.alarms_prefix}*"
    },
    {
      # The function signs the URLs of charts with its own permissions.
      Sid      = "KeepCharts"
      Effect   = "Allow"
      Action   = ["s3:PutObject", "s3:GetObject"]
      Resource = "${var.archive.arn}/${var.archive.digests_prefix}*"
    },
    {
      Sid      = "NotifyLow"
      Effect   = "Allow"
      Action   = ["sns:Publish"]
      Resource = var.low_topic_arn
    },
    {
      Sid      = "EncryptThroughServices"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource = var.kms_key_arns
      Condition = {
        StringEquals = { "kms:ViaService" = [for service in ["dynamodb", "s3", "sns"] : "${service}.${var.region}.${var.dns_suffix}"] }
      }
    },
  ]
}
