variable "name" {
  description = "Name of the function, its role and its log group."
  type        = string
}

variable "description" {
  description = "What it does, in a few words."
  type        = string
}

variable "zip" {
  description = "Path of the zip with the executable bootstrap."
  type        = string
}

variable "architecture" {
  description = "arm64 or x86_64: what the bootstrap was built for."
  type        = string
}

variable "timeout_s" {
  description = "Seconds after which Lambda ends an invocation."
  type        = number
}

variable "memory_mb" {
  description = "Memory in MB. CPU grows with it: 1769 MB is one whole core."
  type        = number
}

variable "reserved_concurrency" {
  description = "Concurrency that the account reserves for it, which is also its maximum; null for neither."
  type        = number
  default     = null
}

variable "provisioned_concurrency" {
  description = "Sandboxes kept initialised, which AWS bills by the hour."
  type        = number
  default     = 0
}

variable "environment" {
  description = "Environment variables."
  type        = map(string)
}

variable "statements" {
  description = "What it may do besides writing its logs and traces: statements of an IAM policy, each with its resources named."
  type        = any
}

variable "queue" {
  description = "Queue that it reads, or null."
  type = object({
    arn                 = string
    batch_size          = number
    batch_window_s      = number
    maximum_concurrency = number
  })
  default = null
}

variable "schedules" {
  description = "Scheduled invocations by name: at an interval in minutes, or by a cron expression in a time zone."
  type = map(object({
    description   = string
    every_minutes = optional(number, 1)
    cron          = optional(string)
    zone          = optional(string, "UTC")
    input         = string
  }))
  default = {}
}

variable "log_level" {
  description = "Least severe level that is logged."
  type        = string
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
}

variable "scheduler_trust_policy" {
  description = "Trust policy of the role with which EventBridge Scheduler invokes it."
  type        = string
}

variable "kms_key_arn" {
  description = "Key that encrypts its logs and schedules."
  type        = string
}

variable "tags" {
  description = "Tags of everything here."
  type        = map(string)
}
