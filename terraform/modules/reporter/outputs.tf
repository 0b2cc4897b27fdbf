output "environment" {
  description = "Its environment, beside what all functions have."
  value = {
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
  }
}

output "schedules" {
  description = "When it is invoked, and with which input."
  value       = local.schedules
}

output "statements" {
  description = "What it may do."
  value       = local.statements
}
