variable "name" {
  description = "Name of the deployment; the topics are NAME-high and NAME-low."
  type        = string
}

variable "subscriptions" {
  description = "Subscriptions by tier."
  type = object({
    high = list(object({ protocol = string, endpoint = string }))
    low  = list(object({ protocol = string, endpoint = string }))
  })
}

variable "account_id" {
  description = "Account whose alarms and budgets may publish."
  type        = string
}

variable "kms_key_arn" {
  description = "Key that encrypts the topics. Its policy must let CloudWatch and Budgets use it."
  type        = string
}

variable "tags" {
  description = "Tags of the topics."
  type        = map(string)
}
