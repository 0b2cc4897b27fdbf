variable "alarms" {
  description = "Description of the alarms: rules, limits, resources, names, business hours, address of the dashboard."
  type        = any
}

variable "openings" {
  description = "When business hours begin: schedule expressions by name. None when low alarms notify at any hour."
  type        = map(string)
}

variable "zone" {
  description = "Time zone of these expressions."
  type        = string
}

variable "archive" {
  description = "The bucket that keeps the description of the alarms and the charts, with the prefixes for them."
  type        = object({ bucket = string, arn = string, alarms_prefix = string, digests_prefix = string })
}

variable "low_topic_arn" {
  description = "Topic that gets the digest."
  type        = string
}

variable "ops_table" {
  description = "Table that notes the openings whose digest was sent."
  type        = object({ name = string, arn = string })
}

variable "budget" {
  description = "Name of the budget that is measured."
  type        = string
}

variable "archiver" {
  description = "Name of the archiver function, the dimension of the time to loss."
  type        = string
}

variable "queues" {
  description = "The queue and its dead letter queue."
  type = object({
    primary = object({ name = string, visibility_timeout_s = number, max_receive_count = number })
    dlq     = object({ name = string, url = string, arn = string, retention_s = number })
  })
}

variable "retries" {
  description = "Waits between receives, in seconds."
  type        = object({ base_s = number, cap_s = number })
}

variable "account_id" {
  description = "Account of the deployment."
  type        = string
}

variable "partition" {
  description = "AWS partition, such as aws."
  type        = string
}

variable "region" {
  description = "Region of the deployment."
  type        = string
}

variable "dns_suffix" {
  description = "End of the names of AWS's services, such as amazonaws.com."
  type        = string
}

variable "kms_key_arn" {
  description = "Key that encrypts what is written for it."
  type        = string
}

variable "kms_key_arns" {
  description = "All keys that what it reads may be encrypted with, the present one among them."
  type        = list(string)
}

variable "tags" {
  description = "Tags of everything here."
  type        = map(string)
}
