output "problems" {
  description = "What is wrong with the files: FILE:LINE: RULE: what was found and what was expected, in the order of the files."
  value       = [for key in sort(keys(local.sorted)) : local.sorted[key]]
}

output "rules" {
  description = "The rules by name, with thresholds as they are in this deployment; none if there is any problem."
  value       = local.rules
}
