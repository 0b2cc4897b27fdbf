variable "files" {
  description = "Rule files: text by the path under which problems name it."
  type        = map(string)
}

variable "limits" {
  description = "Limits of the deployment that thresholds are shares of, by key, such as functions.consumer.timeout_ms."
  type        = map(number)
}
