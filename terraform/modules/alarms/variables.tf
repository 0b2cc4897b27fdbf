variable "name" {
  description = "Name of the deployment; every alarm's name begins with it."
  type        = string
}

variable "rules" {
  description = "The rules by name, from modules/compiled_rules."
  type        = any
}

variable "resources" {
  description = "Deployed names of the resources that rules refer to, by topology key, such as queues.primary."
  type        = map(string)
}

variable "optional_resources" {
  description = "Names of resources that only some deployments have, by topology key. Rules about one without a name have no alarm."
  type        = map(list(string))
  default     = {}
}

variable "reporter" {
  description = "Name of the function that sends digests, which has an alarm like a separate subsystem; null for none."
  type        = string
  default     = null
}

variable "topics" {
  description = "ARNs of the topics by tier."
  type        = object({ high = string, low = string })
}

variable "business_hours" {
  description = "When low alarms notify, as in the root module's variable; null: at any hour."
  type = object({
    zone     = string
    days     = list(string)
    open     = string
    close    = string
    holidays = list(string)
  })
}

variable "dashboard_url" {
  description = "Address of the dashboard, to which alarms link; null for no links."
  type        = string
}

variable "scheduler_trust_policy" {
  description = "Trust policy of the role with which EventBridge Scheduler switches the suppressor."
  type        = string
}

variable "partition" {
  description = "AWS partition, such as aws."
  type        = string
}

variable "kms_key_arn" {
  description = "Key that encrypts the schedules."
  type        = string
}

variable "tags" {
  description = "Tags of everything here."
  type        = map(string)
}
