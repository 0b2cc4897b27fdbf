variable "name" {
  description = "Name of the deployment; the key's alias is alias/NAME."
  type        = string
}

variable "account_id" {
  description = "Account whose IAM policies decide who may use the key."
  type        = string
}

variable "region" {
  description = "Region of the log groups that the key encrypts."
  type        = string
}

variable "partition" {
  description = "AWS partition, such as aws."
  type        = string
}

variable "deletion_window_days" {
  description = "Days between the key's deletion and the loss of all that it encrypts."
  type        = number
}

variable "deletion_protection" {
  description = "Whether the key's policy denies its deletion."
  type        = bool
}

variable "tags" {
  description = "Tags of the key."
  type        = map(string)
}
