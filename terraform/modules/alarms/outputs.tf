locals {
  names = { for name, rule in local.rules : name => "${var.name}-${name}" if rule.kind != "budget" }
}

output "topology" {
  description = "Names of the alarms: by rule, of each tier's subsystems, and of the suppressor, which is null when low alarms notify at any hour."
  value = {
    names      = local.names
    composites = local.subsystem_names
    suppressor = length(local.hours) == 0 ? null : aws_cloudwatch_metric_alarm.out_of_hours[0].alarm_name
  }

  precondition {
    condition     = length(local.unknown_resources) == 0
    error_message = join("\n", local.unknown_resources)
  }
}

output "openings" {
  description = "When business hours begin: schedule expressions in the zone of the hours. None when low alarms notify at any hour."
  value       = tomap(local.openings)
}

output "closings" {
  description = "When business hours end."
  value       = tomap(local.closings)
}

output "arns" {
  description = "ARNs of the composite alarms that notify about low rules, by subsystem."
  value       = { for subsystem, alarm in aws_cloudwatch_composite_alarm.low : subsystem => alarm.arn }
}

output "names" {
  description = "The same names by rule, known before the alarms exist, so that a module that uses them need not wait for the alarms."
  value       = local.names
}
