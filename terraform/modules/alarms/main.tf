# Each rule as an alarm. High rules notify directly, at any hour, and each on its own, so a second one notifies
# while the first is on. Low rules notify through their subsystem's composite (composites.tf), which
# is suppressed outside business hours (hours.tf). Rules of kind budget are notifications of AWS Budgets.

locals {
  # Optional resources that each rule is about.
  optional = { for name, rule in var.rules : name => distinct(flatten([for metric in rule.metrics : [
    for dimension in metric.dimensions : dimension.resource if contains(keys(var.optional_resources), coalesce(dimension.resource, "-"))
  ]])) }

  # If there are several, as with replicas, the first has the rule's own alarm, and each other one a copy with its name.
  copies = merge([for name, rule in var.rules : {
    for other in flatten([for key in local.optional[name] : try(slice(var.optional_resources[key], 1, length(var.optional_resources[key])), [])]) : "${name}-${other}" => merge(rule, {
      metrics = [for metric in rule.metrics : merge(metric, {
        dimensions = [for dimension in metric.dimensions : {
          name     = dimension.name
          resource = contains(local.optional[name], coalesce(dimension.resource, "-")) ? null : dimension.resource
          value    = contains(local.optional[name], coalesce(dimension.resource, "-")) ? other : dimension.value
        }]
      })]
    })
  }]...)

  rules = merge(
    { for name, rule in var.rules : name => rule if alltrue([for key in local.optional[name] : length(var.optional_resources[key]) > 0]) },
    local.copies,
  )

  resources = merge({ for key, names in var.optional_resources : key => names[0] if length(names) > 0 }, var.resources)

  measured   = { for name, rule in local.rules : name => rule if rule.kind == "metric" }
  composites = { for name, rule in local.rules : name => rule if rule.kind == "composite" }

  # A single metric, or metric math over several.
  plain = { for name, rule in local.measured : name => rule.expression == null }

  # The deployed names for the dimensions of each metric.
  dimensions = { for name, rule in local.measured : name => [for metric in rule.metrics : {
    for dimension in metric.dimensions : dimension.name => dimension.resource == null ? dimension.value : lookup(local.resources, dimension.resource, "")
  }] }

  unknown_resources = distinct(flatten([for name, rule in local.rules : [for metric in rule.metrics : [
    for dimension in metric.dimensions : "${name}: the topology has no `${dimension.resource}`; it must name every resource that a rule watches"
    if dimension.resource != null && !contains(keys(local.resources), coalesce(dimension.resource, "-"))
  ]]]))

  # A limit of 0 switches the rule off: no count is below it, and missing data must not count as below either.
  never = { for name, rule in local.measured : name => rule.comparison == "LessThanThreshold" && rule.threshold == 0 }

  # The topics to which the alarm itself sends notifications.
  actions = { for name, rule in local.rules : name => [for tier in rule.actions : var.topics[tier]] }

  links = { for name, rule in local.rules : name => var.dashboard_url == null ? "Runbook: ${rule.runbook}" : join("\n", [
    "Now: ${var.dashboard_url}${rule.page}",
    "Runbook: ${var.dashboard_url}${rule.runbook_page}",
  ]) }

  # CloudWatch accepts 1,024 characters. A shortened sentence is still useful, a shortened link is not.
  descriptions = { for name, rule in local.rules : name => "${substr("${rule.summary} ${rule.impact}", 0, 1023 - length(local.links[name]))}\n${local.links[name]}" }
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

  # CloudWatch refuses to delete an alarm while a composite names it. So the composite is changed first.
  lifecycle {
    create_before_destroy = true
  }
}

locals {
  # Longer than any id in the rules, so that they cannot collide.
  result_id = "value_that_is_compared_with_the_threshold"
}
