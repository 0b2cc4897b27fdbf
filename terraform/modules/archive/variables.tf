variable "bucket" {
  description = "Name of the bucket, unique in all of AWS."
  type        = string
}

variable "schemas_dir" {
  description = "Folder with one JSON Schema per event type, copied to the bucket; null for none."
  type        = string
  default     = null
}

variable "cold_after_days" {
  description = "Days after which dead letters move to Glacier Instant Retrieval."
  type        = number
}

variable "keep_days" {
  description = "Days after which dead letters are deleted; null to keep them."
  type        = number
  default     = null
}

variable "request_metrics" {
  description = "Whether S3 publishes metrics of the requests to the bucket, by the minute."
  type        = bool
  default     = true
}

variable "force_destroy" {
  description = "Whether destroying the bucket deletes its contents."
  type        = bool
}

variable "kms_key_arn" {
  description = "Key that encrypts the bucket."
  type        = string
}

variable "tags" {
  description = "Tags of the bucket and of the schemas in it."
  type        = map(string)
}
