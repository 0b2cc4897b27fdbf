variable "name" {
  description = "Name of the deployment."
  type        = string
}

variable "api_name" {
  description = "Name of the REST API."
  type        = string
}

variable "stage" {
  description = "Stage of the REST API, where traces begin."
  type        = string
}

variable "functions" {
  description = "Names of the functions."
  type        = map(string)
}

variable "log_groups" {
  description = "Log groups of the functions."
  type        = map(string)
}

variable "access_log_group" {
  description = "Log group of the API's access logs."
  type        = string
}

variable "saved_queries" {
  description = "Whether to save queries for Logs Insights."
  type        = bool
}

variable "trace_group" {
  description = "Whether to make an X-Ray group of the deployment's traces."
  type        = bool
}

variable "trace_sampling" {
  description = "Requests traced a second in any case, and the share of the others; null for the account's own rules."
  type        = object({ per_second = number, share_of_rest = number })
}

variable "tags" {
  description = "Tags of the group and the rule."
  type        = map(string)
}
