variable "name" {
  description = "Name of the budget."
  type        = string
}

variable "monthly_usd" {
  description = "US dollars a month."
  type        = number
}

variable "tag_key" {
  description = "Tag whose costs are counted."
  type        = string
}

variable "tag_value" {
  description = "Value of the tag."
  type        = string
}

variable "high_topic_arn" {
  description = "Topic that hears when the limit is passed."
  type        = string
}

variable "low_topic_arn" {
  description = "Topic that hears at 80 % and when the forecast passes the limit."
  type        = string
}

variable "tags" {
  description = "Tags of the budget."
  type        = map(string)
}
