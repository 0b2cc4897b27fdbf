# What the function is given that tells in the morning what happened to low alarms overnight, and measures what no service
# does: the budget, and the time until the oldest dead letter would be lost. The function itself is one of the root's list.

locals {
  document = jsonencode(var.alarms)

  schedules = merge(
    { for key, expression in var.openings : "digest-${key}" => {
      description = "Sends the morning digest of low alarms"
      cron        = expression
      zone        = var.zone
      input       = jsonencode({ task = "digest" })
    } },
    {
      catch-up = {
        description   = "Sends low alarms that their composite hides, and a digest that failed"
        every_minutes = 5
        input         = jsonencode({ task = "catch-up" })
      }

      budget = {
        description   = "Measures the spent share of the budget"
        every_minutes = 60
        input         = jsonencode({ task = "budget" })
      }

      time-to-loss = {
        description   = "Measures the time left for dead letters that are not archived"
        every_minutes = 5
        input         = jsonencode({ task = "time-to-loss" })
      }
    },
  )
}

# The function reads the same rules that became alarms.
resource "aws_s3_object" "alarms" {
  bucket       = var.archive.bucket
  key          = "${var.archive.alarms_prefix}alarms.json"
  content      = local.document
  source_hash  = sha256(local.document)
  content_type = "application/json"
  kms_key_id   = var.kms_key_arn
  tags         = var.tags
}
