# Each rule as the alarm that it says. High rules tell by themselves, at any hour, and each on its own, so that a second
# one is heard while the first still sounds. Low rules are told by their subsystem's composite (composites.tf), which can
# hold back what comes outside business hours (hours.tf). Rules of kind budget are notifications of AWS Budgets.

locals {
  measured   = { for name, rule in var.rules : name => rule if rule.kind == "metric" }
  composites = { for name, rule in var.rules : name => rule if rule.kind == "composite" }

  # A metric as it is, or metric math over several.
  plain = { for name, rule in local.measured : name => rule.expression == null }

  # Deployed names of the dimensions of each metric.
  dimensions = { for name, rule in local.measured : name => [for metric in rule.metrics : {
    for dimension in metric.dimensions : dimension.name => dimension.resource == null ? dimension.value : lookup(var.resources, dimension.resource, "")
  }] }

  unknown_resources = distinct(flatten([for name, rule in var.rules : [for metric in rule.metrics : [
    for dimension in metric.dimensions : "${name}: the topology has no `${dimension.resource}`; it must name every resource that a rule watches"
    if dimension.resource != null && !contains(keys(var.resources), coalesce(dimension.resource, "-"))
  ]]]))

  # Switched off by a limit of 0: no count is below it, and one that is missing must not be either.
  never = { for name, rule in local.measured : name => rule.comparison == "LessThanThreshold" && rule.threshold == 0 }

  # Topics that the alarm itself notifies.
  actions = { for name, rule in var.rules : name => [for tier in rule.actions : var.topics[tier]] }

  links = { for name, rule in var.rules : name => var.dashboard_url == null ? "Runbook: ${rule.runbook}" : join("\n", [
    "Now: ${var.dashboard_url}${rule.page}",
    "Runbook: ${var.dashboard_url}${rule.runbook_page}",
  ]) }

  # CloudWatch takes 1,024 characters. Links are of no use when cut; sentences are.
  descriptions = { for name, rule in var.rules : name => "${substr("${rule.summary} ${rule.impact}", 0, 1023 - length(local.links[name]))}\n${local.links[name]}" }
}

resource "aws_cloudwatch_metric_alarm" "rule" {
  for_each = local.measured

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = local.descriptions[each.key]
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  evaluation_periods  = each.value.evaluation_periods
  datapoints_to_alarm = each.value.datapoints_to_alarm
  treat_missing_data  = local.never[each.key] ? "notBreaching" : each.value.missing_data
  alarm_actions       = local.actions[each.key]
  ok_actions          = local.actions[each.key]

  namespace          = local.plain[each.key] ? each.value.metrics[0].namespace : null
  metric_name        = local.plain[each.key] ? each.value.metrics[0].metric : null
  dimensions         = local.plain[each.key] ? local.dimensions[each.key][0] : null
  period             = local.plain[each.key] ? each.value.period : null
  statistic          = local.plain[each.key] && !each.value.metrics[0].percentile ? each.value.metrics[0].statistic : null
  extended_statistic = local.plain[each.key] && each.value.metrics[0].percentile ? each.value.metrics[0].statistic : null

  evaluate_low_sample_count_percentiles = local.plain[each.key] && each.value.metrics[0].percentile ? each.value.low_samples : null

  dynamic "metric_query" {
    for_each = local.plain[each.key] ? [] : each.value.metrics

    content {
      id          = metric_query.value.id
      return_data = false

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.metric
        stat        = metric_query.value.statistic
        period      = each.value.period
        dimensions  = local.dimensions[each.key][metric_query.key]
      }
    }
  }

  dynamic "metric_query" {
    for_each = local.plain[each.key] ? [] : [each.value.expression]

    content {
      id          = local.result_id
      expression  = metric_query.value
      label       = each.key
      return_data = true
    }
  }

  tags = var.tags

  # CloudWatch refuses to delete an alarm while a composite still names it. So the composite is changed first.
  lifecycle {
    create_before_destroy = true
  }
}

locals {
  # Longer than any id in the rules, which it must not meet.
  result_id = "value_that_is_compared_with_the_threshold"
}
