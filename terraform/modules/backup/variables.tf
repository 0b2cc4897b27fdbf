variable "name" {
  description = "Name of the vault, the plan and the selection."
  type        = string
}

variable "resources" {
  description = "ARNs of what is copied."
  type        = list(string)
}

variable "schedule" {
  description = "When copies are made: a cron expression of AWS, in UTC."
  type        = string
}

variable "keep_days" {
  description = "Days that a copy is kept."
  type        = number
}

variable "trust_policy" {
  description = "Trust policy of the role with which AWS Backup copies and restores."
  type        = string
}

variable "partition" {
  description = "AWS partition, such as aws."
  type        = string
}

variable "kms_key_arn" {
  description = "Key that encrypts the vault."
  type        = string
}

variable "tags" {
  description = "Tags of the vault, the plan, the role and the copies."
  type        = map(string)
}
