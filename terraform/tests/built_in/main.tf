# The project's own rules: as they are in the compiled file, and as modules/compiled_rules reads them.

locals {
  file     = "${path.module}/../../../alerts/rules.json"
  compiled = jsondecode(file(local.file))
}

module "rules" {
  source = "../../modules/compiled_rules"

  file   = local.file
  limits = {}
}

output "written" {
  description = "Rules by name, as they are in the file, with thresholds computed from its limits."
  value = { for rule in local.compiled.rules : rule.name => {
    name                = rule.name
    kind                = rule.kind
    tier                = rule.tier
    notifies            = rule.notify && rule.kind != "budget"
    subsystem           = rule.subsystem
    texts               = [rule.summary, rule.impact]
    runbook             = rule.runbook
    metrics             = [for metric in rule.metrics : [metric.id, metric.namespace, metric.metric, metric.statistic]]
    dimensions          = [for metric in rule.metrics : join(" ", [for dimension in metric.dimensions : dimension.value == null ? "${dimension.name}=the ${dimension.resource}" : "${dimension.name}=${dimension.value}"])]
    expression          = rule.expression == null ? "" : rule.expression
    period              = rule.period == null ? 0 : rule.period
    comparison          = rule.comparison == null ? "" : rule.comparison
    threshold           = rule.threshold == null ? 0 : rule.threshold * (rule.limit == null ? 1 : local.compiled.limits[rule.limit])
    datapoints_to_alarm = rule.datapoints_to_alarm == null ? 0 : rule.datapoints_to_alarm
    evaluation_periods  = rule.evaluation_periods == null ? 0 : rule.evaluation_periods
    missing_data        = rule.missing_data == null ? "" : rule.missing_data
    alarm_rule          = rule.alarm_rule == null ? "" : rule.alarm_rule
  } }
}

output "rules" {
  description = "Rules by name, as modules/alarms takes them."
  value       = module.rules.rules
}

output "problem" {
  description = "Why the file cannot be used; empty."
  value       = module.rules.problem
}
