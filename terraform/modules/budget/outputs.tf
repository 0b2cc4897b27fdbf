output "name" {
  description = "Name of the budget, known before the budget exists."
  value       = var.name
}
