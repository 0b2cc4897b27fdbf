# Reads alarm rules, and refuses what `spillway alarms check` refuses, in the same words. The crate spillway-alerts
# (alerts/src/rules) is the model of every sentence here; tests/refused holds files that both must judge alike.

locals {
  documents = { for file, text in var.files : file => yamldecode(text) if can(yamldecode(text)) }

  # The first line from which on nothing can be read. yamldecode's own error would not say which file it is about.
  unreadable = [for file, text in var.files : {
    file    = file
    line    = max(0, [for count in range(length(split("\n", text))) : count if can(yamldecode(join("\n", slice(split("\n", text), 0, count))))]...) + 1
    message = "not YAML from this line on"
  } if !can(yamldecode(text))]

  raw = { for file, document in local.documents : file => try([for rule in document.rules : rule], []) }

  # By file and line; on one line in the order in which they are looked for.
  problems = concat(local.unreadable, local.shape_problems, local.sense_problems, local.taken_problems, local.reference_problems)
  sorted   = { for index, problem in local.problems : format("%s %09d %06d", problem.file, problem.line, index) => "${problem.file}:${problem.line}: ${problem.message}" }

  rules = {
    for rule in flatten([for file, rules in local.raw : [for rule in rules : {
      name                = rule.name
      subsystem           = local.documents[file].subsystem
      kind                = rule.kind
      tier                = rule.tier
      notify              = try(rule.notify, true)
      summary             = rule.summary
      impact              = rule.impact
      runbook             = rule.runbook
      metrics             = try([for metric in rule.metrics : { id = metric.id, namespace = metric.namespace, metric = metric.metric, statistic = metric.statistic, dimensions = [for dimension in try(metric.dimensions, []) : { name = dimension.name, resource = try(dimension.resource, null), value = try(dimension.value, null) }] }], [])
      expression          = try(rule.expression, null)
      period              = try(rule.period, null)
      comparison          = try(rule.comparison, null)
      threshold           = try(tonumber(format("%.12g", rule.threshold * (try(rule.limit, null) == null ? 1 : var.limits[rule.limit]))), null)
      datapoints_to_alarm = try(rule.datapoints_to_alarm, null)
      evaluation_periods  = try(rule.evaluation_periods, null)
      missing_data        = try(rule.missing_data, null)
      low_samples         = try(rule.low_samples, "evaluate")
      alarm_rule          = try(rule.alarm_rule, null)
    }] if length(local.problems) == 0]) : rule.name => rule
  }
}
