output "name" {
  description = "Name of the budget, known before it is there."
  value       = var.name
}
