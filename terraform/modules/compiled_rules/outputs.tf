output "problem" {
  description = "Why the file cannot be used; empty if it can."
  value       = local.problem
}

output "text" {
  description = "The file as it is, for the reporter, which checks it by the same hash."
  value       = local.text
}

output "limits" {
  description = "Limits that thresholds are shares of: the deployment's, or else the file's."
  value       = local.limits
}

output "rules" {
  description = "The rules by name, with this deployment's thresholds; none if there is a problem."
  value       = local.rules
}
