# Composite alarms: those that rules describe, and one for each tier and subsystem.

locals {
  # Names in a rule are those of rules, each after `("`; here they become those of alarms.
  alarm_rules = { for name, rule in local.composites : name => replace(rule.alarm_rule, "(\"", "(\"${var.name}-") }

  # Every rule that somebody is told of, as an alarm, by tier and subsystem.
  told = { for tier in ["high", "low"] : tier => {
    for subsystem in distinct([for rule in var.rules : rule.subsystem if rule.tier == tier && rule.notify && rule.kind != "budget"]) :
    subsystem => sort([for name, rule in var.rules : rule.kind == "composite" ? aws_cloudwatch_composite_alarm.rule[name].alarm_name : aws_cloudwatch_metric_alarm.rule[name].alarm_name
    if rule.tier == tier && rule.subsystem == subsystem && rule.notify && rule.kind != "budget"])
  } }

  overview_links = var.dashboard_url == null ? "" : "\nNow: ${var.dashboard_url}/alarms"

  # The low ones, with the function that nothing in the rules is about.
  told_low = merge(local.told.low, { for alarm in aws_cloudwatch_metric_alarm.reporter : "reporter" => [alarm.alarm_name] })

  subsystem_rules = { for tier, subsystems in { high = local.told.high, low = local.told_low } : tier => { for subsystem, names in subsystems : subsystem => join(" OR ", formatlist("ALARM(\"%s\")", names)) } }
  subsystem_names = { for tier, subsystems in { high = local.told.high, low = local.told_low } : tier => { for subsystem in keys(subsystems) : subsystem => "${var.name}-${tier}-${replace(subsystem, "_", "-")}" } }
}

# CloudWatch takes a composite only when its parts are there. The parts here are metric alarms; composites of composites
# may need a second apply, as these are made all at once.
resource "aws_cloudwatch_composite_alarm" "rule" {
  for_each = local.composites

  alarm_name        = "${var.name}-${each.key}"
  alarm_description = local.descriptions[each.key]
  alarm_rule        = local.alarm_rules[each.key]
  alarm_actions     = local.actions[each.key]
  ok_actions        = local.actions[each.key]
  tags              = var.tags

  depends_on = [aws_cloudwatch_metric_alarm.rule]

  lifecycle {
    # Deleted after the composites that name it, as metric alarms are.
    create_before_destroy = true

    # The provider would replace the alarm to switch its actions on again, and delete the new one for the old: both have one name.
    ignore_changes = [actions_enabled]
  }
}

# Which parts of the system are in trouble. Nobody is told by these: each high alarm has told already.
resource "aws_cloudwatch_composite_alarm" "high" {
  for_each = local.subsystem_rules.high

  alarm_name        = local.subsystem_names.high[each.key]
  alarm_description = "A high-priority alarm of ${replace(each.key, "_", " ")}. Each of them tells by itself.${local.overview_links}"
  alarm_rule        = each.value
  tags              = var.tags

  lifecycle {
    ignore_changes = [actions_enabled]
  }
}

# Tells of the low alarms of one part of the system; of a second one of the same part the reporter tells. With an actions suppressor it acts when the suppressor has left
# ALARM, if it is in ALARM itself then: so what is still wrong at opening time is told then.
resource "aws_cloudwatch_composite_alarm" "low" {
  for_each = local.subsystem_rules.low

  alarm_name        = local.subsystem_names.low[each.key]
  alarm_description = "A low-priority alarm of ${replace(each.key, "_", " ")}; the reason names it.${local.overview_links}"
  alarm_rule        = each.value
  alarm_actions     = [var.topics.low]
  ok_actions        = [var.topics.low]
  tags              = var.tags

  dynamic "actions_suppressor" {
    for_each = aws_cloudwatch_metric_alarm.out_of_hours

    content {
      alarm = actions_suppressor.value.alarm_name

      # Scheduler flips the suppressor within a minute of the time: what fires in that minute at closing time waits for it,
      # and what clears in the minute after opening is not told as if it were on.
      wait_period      = 60
      extension_period = 60
    }
  }

  # Whoever has switched its actions off by hand switches them on again: the provider could only delete it and make it anew.
  lifecycle {
    ignore_changes = [actions_enabled]
  }
}
