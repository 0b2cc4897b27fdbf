# One customer managed key for all data of a deployment. CloudWatch and Budgets cannot publish to a topic that is
# encrypted with the AWS managed key: its key policy cannot be changed to allow them.

resource "aws_kms_key" "this" {
  description             = "Encrypts the queues, tables, archive, topics and logs of ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = var.deletion_window_days
  policy                  = local.policy
  tags                    = var.tags
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}

locals {
  root = "arn:${var.partition}:iam::${var.account_id}:root"
  logs = "arn:${var.partition}:logs:${var.region}:${var.account_id}:log-group"

  # In a key's policy "*" means this key, the only resource that such a policy can refer to.
  # Until the protection is switched off, no user can delete or disable the key. Terraform's own prevent_destroy accepts
  # no variable: with it, no deployment could be destroyed.
  protection = [for protected in [var.deletion_protection] : {
    Sid       = "DenyDeletion"
    Effect    = "Deny"
    Principal = "*"
    Action    = ["kms:DisableKey", "kms:ScheduleKeyDeletion"]
    Resource  = "*"
  } if protected]

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.protection, [
      {
        Sid       = "AccountDecidesThroughIam"
        Effect    = "Allow"
        Principal = { AWS = local.root }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "BudgetsReachTheTopics"
        Effect    = "Allow"
        Principal = { Service = "budgets.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
      },
      {
        # The documentation says that CloudWatch names the account to a topic, but not to a key. If it does not, a plain
        # StringEquals would silence every alarm, and only the alarm's history would show an error. The topics' own
        # policies require the account.
        Sid       = "AlarmsReachTheTopics"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = { StringEqualsIfExists = { "aws:SourceAccount" = var.account_id } }
      },
      {
        Sid       = "LogGroupsOfThisDeployment"
        Effect    = "Allow"
        Principal = { Service = "logs.${var.region}.amazonaws.com" }
        Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
        Resource  = "*"
        Condition = {
          ArnLike = {
            "kms:EncryptionContext:aws:logs:arn" = [
              "${local.logs}:/aws/lambda/${var.name}-*",
              "${local.logs}:/aws/apigateway/${var.name}",
              "${local.logs}:API-Gateway-Execution-Logs_*",
              "${local.logs}:aws-waf-logs-${var.name}",
            ]
          }
        }
      },
    ])
  })
}
