output "primary" {
  description = "Name, URL, ARN and limits of the queue."
  value = {
    name                 = aws_sqs_queue.primary.name
    url                  = aws_sqs_queue.primary.url
    arn                  = aws_sqs_queue.primary.arn
    visibility_timeout_s = aws_sqs_queue.primary.visibility_timeout_seconds
    retention_s          = aws_sqs_queue.primary.message_retention_seconds
    max_message_bytes    = aws_sqs_queue.primary.max_message_size
    max_receive_count    = var.max_receive_count
  }
}

output "dlq" {
  description = "Name, URL, ARN and limits of the dead letter queue. It has no receive limit: its messages stay until they are archived or expire."
  value = {
    name                 = aws_sqs_queue.dlq.name
    url                  = aws_sqs_queue.dlq.url
    arn                  = aws_sqs_queue.dlq.arn
    visibility_timeout_s = aws_sqs_queue.dlq.visibility_timeout_seconds
    retention_s          = aws_sqs_queue.dlq.message_retention_seconds
    max_message_bytes    = aws_sqs_queue.dlq.max_message_size
    max_receive_count    = null
  }
}
