variable "name" {
  description = "Name of the table."
  type        = string
}

variable "hash_key" {
  description = "Partition key, a string attribute."
  type        = string
}

variable "range_key" {
  description = "Sort key, a string attribute, or null for a table without one."
  type        = string
  default     = null
}

variable "indexes" {
  description = "Global secondary indexes by name, each with its string keys. They hold keys only: a list reads one page of keys and then its items in one batch, and a change to any other attribute costs no index write."
  type = map(object({
    hash_key  = string
    range_key = string
  }))
  default = {}
}

variable "ttl_attribute" {
  description = "Attribute with the Unix second at which an item may be deleted, or null to keep all."
  type        = string
  default     = null
}

variable "billing_mode" {
  description = "on_demand, or provisioned with autoscaling between the limits in capacity."
  type        = string
  default     = "on_demand"

  validation {
    condition     = contains(["on_demand", "provisioned"], var.billing_mode)
    error_message = "billing_mode must be on_demand or provisioned."
  }
}

variable "capacity" {
  description = "Limits and target of autoscaling, used when billing_mode is provisioned."
  type = object({
    read_min                   = number
    read_max                   = number
    write_min                  = number
    write_max                  = number
    target_utilisation_percent = number
  })
  default = null
}

variable "replicas" {
  description = "Regions that hold a replica, each with the key that encrypts it there."
  type        = map(object({ kms_key_arn = string }))
  default     = {}
}

variable "deletion_protection" {
  description = "Whether DynamoDB refuses to delete the table."
  type        = bool
}

variable "kms_key_arn" {
  description = "Key that encrypts the table."
  type        = string
}

variable "tags" {
  description = "Tags of the table, its replicas and its scaling targets."
  type        = map(string)
}
