# A queue, and the dead letter queue for messages that could not be processed.

resource "aws_sqs_queue" "primary" {
  name                              = var.name
  visibility_timeout_seconds        = 6 * var.consumer_timeout_s + var.consumer_batch_window_s
  message_retention_seconds         = var.retention_s
  max_message_size                  = var.max_message_bytes
  receive_wait_time_seconds         = 20
  kms_master_key_id                 = var.kms_key_arn
  kms_data_key_reuse_period_seconds = 3600

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dlq.arn
    maxReceiveCount     = var.max_receive_count
  })

  policy = local.policies.primary
  tags   = var.tags
}

# On a standard queue a message keeps its first send time when it is moved here. So its retention counts from the first
# send. The retention is therefore the maximum of SQS.
resource "aws_sqs_queue" "dlq" {
  name                              = "${var.name}-dlq"
  visibility_timeout_seconds        = 6 * var.dlq_consumer_timeout_s + var.dlq_consumer_batch_window_s
  message_retention_seconds         = var.retention_s
  max_message_size                  = var.max_message_bytes
  receive_wait_time_seconds         = 20
  kms_master_key_id                 = var.kms_key_arn
  kms_data_key_reuse_period_seconds = 3600

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [local.arns.primary]
  })

  policy = local.policies.dlq
  tags   = var.tags
}

locals {
  # Known before the queues exist, so that each queue has its policy from the first moment on.
  arns = {
    primary = "${var.arn_prefix}:${var.name}"
    dlq     = "${var.arn_prefix}:${var.name}-dlq"
  }

  policies = { for queue, arn in local.arns : queue => jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }],
      # SQS has no deletion protection of its own, and deleting a queue deletes the accepted events in it.
      [for protected in [var.deletion_protection] : {
        Sid       = "DenyDeletion"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["sqs:DeleteQueue", "sqs:PurgeQueue"]
        Resource  = arn
      } if protected],
    )
  }) }
}
