# The function that sends the morning digest of low alarms. It also measures what no service does: the
# budget, and the time until the oldest dead letter would be lost.

locals {
  # Charts are drawn at three times their size and scaled down; a call of CloudWatch may take seconds.
  timeout_s = 120
  memory_mb = 512

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

module "function" {
  source = "../function"

  name               = var.name
  description        = "Sends the morning digest of low alarms; measures the budget and the time to loss"
  zip                = var.zip
  architecture       = var.architecture
  timeout_s          = local.timeout_s
  memory_mb          = local.memory_mb
  statements         = local.statements
  log_level          = var.log_level
  log_retention_days = var.log_retention_days
  account_id         = var.account_id
  kms_key_arn        = var.kms_key_arn
  tags               = var.tags

  environment = merge(var.environment, {
    SPILLWAY_ALARMS_HASH          = aws_s3_object.alarms.source_hash
    SPILLWAY_ALARMS_KEY           = aws_s3_object.alarms.key
    SPILLWAY_ARCHIVE_BUCKET       = var.archive.bucket
    SPILLWAY_DIGESTS_PREFIX       = var.archive.digests_prefix
    SPILLWAY_LOW_TOPIC_ARN        = var.low_topic_arn
    SPILLWAY_OPS_TABLE            = var.ops_table.name
    SPILLWAY_BUDGET               = var.budget
    SPILLWAY_ACCOUNT              = var.account_id
    SPILLWAY_PARTITION            = var.partition
    SPILLWAY_ARCHIVER             = var.archiver
    SPILLWAY_QUEUE                = var.queues.primary.name
    SPILLWAY_DLQ                  = var.queues.dlq.name
    SPILLWAY_DLQ_URL              = var.queues.dlq.url
    SPILLWAY_DLQ_RETENTION_S      = tostring(var.queues.dlq.retention_s)
    SPILLWAY_MAX_RECEIVE_COUNT    = tostring(var.queues.primary.max_receive_count)
    SPILLWAY_VISIBILITY_TIMEOUT_S = tostring(var.queues.primary.visibility_timeout_s)
    SPILLWAY_RETRY_BASE_S         = tostring(var.retries.base_s)
    SPILLWAY_RETRY_CAP_S          = tostring(var.retries.cap_s)
    SPILLWAY_TIMEOUT_S            = tostring(local.timeout_s)
  })

  schedules = local.schedules
}
