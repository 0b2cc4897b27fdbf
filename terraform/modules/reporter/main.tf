# What the function is given that tells in the morning what happened to low alarms overnight, and measures what no service
# does: the budget, and the time until the oldest dead letter would be lost. The function itself is one of the root's list.

locals {
  document = jsonencode(var.alarms)

  schedules = merge(
    { for key, expression in var.openings : "digest-${key}" => {
      description = "Tells what happened to low alarms while nobody was there"
      cron        = expression
      zone        = var.zone
      input       = jsonencode({ task = "digest" })
    } },
    {
      catch-up = {
        description   = "Tells low alarms that another one of their subsystem hides, and a digest that failed"
        every_minutes = 5
        input         = jsonencode({ task = "catch-up" })
      }

      budget = {
        description   = "Measures how much of the budget is spent"
        every_minutes = 60
        input         = jsonencode({ task = "budget" })
      }

      time-to-loss = {
        description   = "Measures how long dead letters have that are not archived"
        every_minutes = 5
        input         = jsonencode({ task = "time-to-loss" })
      }
    },
  )
}

# The function reads the very rules that became alarms.
resource "aws_s3_object" "alarms" {
  bucket       = var.archive.bucket
  key          = "${var.archive.alarms_prefix}alarms.json"
  content      = local.document
  source_hash  = sha256(local.document)
  content_type = "application/json"
  kms_key_id   = var.kms_key_arn
  tags         = var.tags
}
