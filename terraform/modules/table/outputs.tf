output "name" {
  description = "Name of the table."
  value       = aws_dynamodb_table.this.name
}

output "arn" {
  description = "ARN of the table."
  value       = aws_dynamodb_table.this.arn
}

output "indexes" {
  description = "Names of the global secondary indexes."
  value       = sort(keys(var.indexes))
}

output "billing_mode" {
  description = "on_demand or provisioned."
  value       = var.billing_mode
}
