output "topology" {
  description = "Name, ARNs and limits of the function."
  value       = module.function.topology
}

output "schedules" {
  description = "When it is invoked, and with what."
  value       = local.schedules
}

output "statements" {
  description = "What it may do."
  value       = local.statements
}
