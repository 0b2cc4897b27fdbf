variable "file" {
  description = "Path of the compiled rules."
  type        = string
}

variable "limits" {
  description = "Limits of the deployment that thresholds are shares of, by key, such as functions.consumer.timeout_ms."
  type        = map(number)
}
