# Reads every file of tests/refused as a set of rules of its own. What it must be refused with stands at its end.

locals {
  folder = "${path.module}/../refused"
  files  = { for file in fileset(local.folder, "*.yaml") : file => file("${local.folder}/${file}") }
  limits = yamldecode(file("${path.module}/../../../alerts/limits.yaml"))

  expected = { for file, text in local.files : file => [for line in regexall("(?m)^# (.*)$", split("# Refused with:\n", text)[1]) : line[0]] }
}

module "rules" {
  source   = "../../modules/rules"
  for_each = local.files

  files  = { (each.key) = each.value }
  limits = local.limits
}

output "count" {
  description = "How many files there are."
  value       = length(local.files)
}

output "judged_otherwise" {
  description = "Files whose problems are not those that stand at their end, with both."
  value       = { for file, expected in local.expected : file => { expected = expected, found = module.rules[file].problems } if jsonencode(expected) != jsonencode(module.rules[file].problems) }
}
