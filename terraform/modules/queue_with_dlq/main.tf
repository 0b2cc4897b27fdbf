# A queue, and the queue that takes what could not be processed.

resource "aws_sqs_queue" "primary" {
  name                              = var.name
  visibility_timeout_seconds        = 6 * var.consumer_timeout_s
  message_retention_seconds         = var.retention_s
  max_message_size                  = var.max_message_bytes
  receive_wait_time_seconds         = 20
  kms_master_key_id                 = var.kms_key_arn
  kms_data_key_reuse_period_seconds = 3600

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dlq.arn
    maxReceiveCount     = var.max_receive_count
  })

  tags = var.tags

  lifecycle {
    postcondition {
      condition     = self.visibility_timeout_seconds <= 43200
      error_message = "SQS hides a message for 12 hours at most, so the consumer's timeout can be 7200 s at most."
    }
  }
}

# On a standard queue a message keeps its first send time when it is moved here, and so expires that long after it was
# first sent. Retention is therefore the longest that SQS has.
resource "aws_sqs_queue" "dlq" {
  name                              = "${var.name}-dlq"
  visibility_timeout_seconds        = 6 * var.dlq_consumer_timeout_s
  message_retention_seconds         = var.retention_s
  max_message_size                  = var.max_message_bytes
  receive_wait_time_seconds         = 20
  kms_master_key_id                 = var.kms_key_arn
  kms_data_key_reuse_period_seconds = 3600
  tags                              = var.tags
}

resource "aws_sqs_queue_redrive_allow_policy" "dlq" {
  queue_url = aws_sqs_queue.dlq.url

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.primary.arn]
  })
}

resource "aws_sqs_queue_policy" "tls_only" {
  for_each = { primary = aws_sqs_queue.primary, dlq = aws_sqs_queue.dlq }

  queue_url = each.value.url

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = each.value.arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}
