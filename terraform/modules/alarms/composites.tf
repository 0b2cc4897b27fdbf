# Composite alarms: those that rules define, and one for each tier and subsystem.

locals {
  # In a rule's condition, each name after `("` is the name of a rule. Here it is replaced with the name of that rule's
  # alarm.
  alarm_rules = { for name, rule in local.composites : name => replace(rule.alarm_rule, "(\"", "(\"${var.name}-") }

  # Every rule that notifies, as an alarm, by tier and subsystem.
  notifying = { for tier in ["high", "low"] : tier => {
    for subsystem in distinct([for rule in local.rules : rule.subsystem if rule.tier == tier && rule.notify && rule.kind != "budget"]) :
    subsystem => sort([for name, rule in local.rules : rule.kind == "composite" ? aws_cloudwatch_composite_alarm.rule[name].alarm_name : aws_cloudwatch_metric_alarm.rule[name].alarm_name
    if rule.tier == tier && rule.subsystem == subsystem && rule.notify && rule.kind != "budget"])
  } }

  overview_links = var.dashboard_url == null ? "" : "\nNow: ${var.dashboard_url}/alarms"

  # The low ones, with the reporter, which no rule covers.
  notifying_low = merge(local.notifying.low, { for alarm in aws_cloudwatch_metric_alarm.reporter : "reporter" => [alarm.alarm_name] })

  subsystem_rules = { for tier, subsystems in { high = local.notifying.high, low = local.notifying_low } : tier => { for subsystem, names in subsystems : subsystem => join(" OR ", formatlist("ALARM(\"%s\")", names)) } }
  subsystem_names = { for tier, subsystems in { high = local.notifying.high, low = local.notifying_low } : tier => { for subsystem in keys(subsystems) : subsystem => "${var.name}-${tier}-${replace(subsystem, "_", "-")}" } }
}

# CloudWatch accepts a composite only when its parts exist. The parts here are metric alarms; composites of composites
# may need a second apply, because these are all made at once.
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
    # Deleted after the composites that name it, like metric alarms.
    create_before_destroy = true

    # To switch the actions on again, the provider would replace the alarm. As both have the same name, it would then
    # delete the new one.
    ignore_changes = [actions_enabled]
  }
}

# Which parts of the system have a high alarm. These do not notify: each high alarm has notified already.
resource "aws_cloudwatch_composite_alarm" "high" {
  for_each = local.subsystem_rules.high

  alarm_name        = local.subsystem_names.high[each.key]
  alarm_description = "A high-priority alarm of ${replace(each.key, "_", " ")}. Each of them notifies by itself.${local.overview_links}"
  alarm_rule        = each.value
  tags              = var.tags

  lifecycle {
    ignore_changes = [actions_enabled]
  }
}

# Notifies about the low alarms of one part of the system; the reporter notifies about a second one of the same part. With an
# actions suppressor it acts when the suppressor has left ALARM, if it is in ALARM itself then. So an alarm that is still on at
# opening time notifies then.
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

      # Scheduler switches the suppressor within a minute of the time. An alarm that fires in that minute at closing time waits
      # for it, and one that clears in the minute after opening does not notify.
      wait_period      = 60
      extension_period = 60
    }
  }

  # An operator who has switched its actions off also switches them on: the provider could only delete and remake it.
  lifecycle {
    ignore_changes = [actions_enabled]
  }
}
