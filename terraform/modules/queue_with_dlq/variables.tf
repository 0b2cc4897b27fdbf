variable "name" {
  description = "Name of the queue. The dead letter queue's name is NAME-dlq."
  type        = string
}

variable "arn_prefix" {
  description = "Beginning of the ARN of a queue in this account and region: arn:PARTITION:sqs:REGION:ACCOUNT."
  type        = string
}

variable "consumer_timeout_s" {
  description = "Timeout of the function that reads the queue. A message is hidden for six times as long, as Lambda advises, so that a slow or throttled invocation does not hand it to a second one."
  type        = number

  validation {
    condition     = var.consumer_timeout_s >= 1 && var.consumer_timeout_s <= 900
    error_message = "consumer_timeout_s must be from 1 to 900: Lambda runs nothing longer."
  }
}

variable "dlq_consumer_timeout_s" {
  description = "Timeout of the function that reads the dead letter queue."
  type        = number

  validation {
    condition     = var.dlq_consumer_timeout_s >= 1 && var.dlq_consumer_timeout_s <= 900
    error_message = "dlq_consumer_timeout_s must be from 1 to 900: Lambda runs nothing longer."
  }
}

variable "consumer_batch_window_s" {
  description = "Seconds for which messages may wait, received and hidden, until their batch is full. They are hidden for as much longer."
  type        = number
  default     = 0
}

variable "dlq_consumer_batch_window_s" {
  description = "The same for the function that reads the dead letter queue."
  type        = number
  default     = 0
}

variable "max_receive_count" {
  description = "Receives after which SQS moves a message to the dead letter queue by itself."
  type        = number
  default     = 20

  validation {
    condition     = var.max_receive_count >= 1 && var.max_receive_count <= 1000 && floor(var.max_receive_count) == var.max_receive_count
    error_message = "max_receive_count must be a whole number from 1 to 1000: SQS accepts no other."
  }
}

variable "retention_s" {
  description = "Seconds that SQS keeps a message after it was first sent, in both queues together."
  type        = number
  default     = 1209600

  validation {
    condition     = var.retention_s >= 60 && var.retention_s <= 1209600
    error_message = "retention_s must be from 60 to 1209600 (14 days): SQS keeps nothing longer."
  }
}

variable "max_message_bytes" {
  description = "Largest message, body and attributes together, in bytes."
  type        = number
  default     = 262144
}

variable "deletion_protection" {
  description = "Whether the queues' policies deny that they are deleted or purged."
  type        = bool
  default     = false
}

variable "kms_key_arn" {
  description = "Key that encrypts both queues."
  type        = string
}

variable "tags" {
  description = "Tags of both queues."
  type        = map(string)
}
