# The project's own rules: as they stand in the files, and as modules/rules reads them.

locals {
  folder = "${path.module}/../../../alerts/rules"
  files  = { for file in fileset(local.folder, "*.yaml") : file => file("${local.folder}/${file}") }
  limits = yamldecode(file("${local.folder}/../limits.yaml"))
}

module "rules" {
  source = "../../modules/rules"

  files  = local.files
  limits = local.limits
}

output "written" {
  description = "Rules by name, as YAML has them, with what a field that is left out stands for."
  value = { for rule in flatten([for text in values(local.files) : [for rule in yamldecode(text).rules : {
    name                = rule.name
    kind                = rule.kind
    tier                = rule.tier
    told                = try(rule.notify, true) && rule.kind != "budget"
    subsystem           = yamldecode(text).subsystem
    texts               = [rule.summary, rule.impact]
    runbook             = rule.runbook
    metrics             = try([for metric in rule.metrics : [metric.id, metric.namespace, metric.metric, metric.statistic]], [])
    dimensions          = try([for metric in rule.metrics : join(" ", [for dimension in metric.dimensions : try("${dimension.name}=the ${dimension.resource}", "${dimension.name}=${dimension.value}")])], [])
    expression          = try(rule.expression, "")
    period              = try(rule.period, 0)
    comparison          = try(rule.comparison, "")
    threshold           = try(rule.threshold * try(local.limits[rule.limit], 1), 0)
    datapoints_to_alarm = try(rule.datapoints_to_alarm, 0)
    evaluation_periods  = try(rule.evaluation_periods, 0)
    missing_data        = try(rule.missing_data, "")
    alarm_rule          = try(rule.alarm_rule, "")
  }]]) : rule.name => rule }
}

output "rules" {
  description = "Rules by name, as modules/alarms takes them."
  value       = module.rules.rules
}
