variable "name" {
  description = "Name of the budget."
  type        = string
}

variable "monthly_usd" {
  description = "US dollars a month."
  type        = number
}

variable "tag" {
  description = "Tag whose costs are counted."
  type        = object({ key = string, value = string })
}

variable "rules" {
  description = "The rules of kind budget by name, from modules/compiled_rules."
  type        = any
}

variable "topics" {
  description = "ARNs of the topics by tier."
  type        = object({ high = string, low = string })
}

variable "tags" {
  description = "Tags of the budget."
  type        = map(string)
}
