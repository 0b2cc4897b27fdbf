output "problem" {
  description = "Why the file cannot be used; empty if it can."
  value       = local.problem
}

output "text" {
  description = "The file as it is, for the reporter, which checks it by the same hash."
  value       = local.text
}

output "limits" {
  description = "What thresholds are shares of: the deployment's limits, and the file's where the deployment says nothing."
  value       = local.limits
}

output "rules" {
  description = "The rules by name, with thresholds as they are in this deployment; none if there is a problem."
  value       = local.rules
}
