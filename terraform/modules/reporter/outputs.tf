output "topology" {
  description = "Name, ARNs and limits of the function."
  value       = module.function.topology
}

output "statements" {
  description = "What it may do."
  value       = local.statements
}
