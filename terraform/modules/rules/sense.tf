# What makes sense of a rule by itself.

locals {
  # The rules of files that have the right shape, with what several checks need.
  readable = flatten([for file, rules in local.raw : [for r, rule in rules : {
    file  = file
    index = r
    rule  = rule
    ids   = [for metric in try(rule.metrics, []) : metric.id]
    given = [for field, value in rule : field if value != null]
  } if !contains(local.misshapen[*].file, file)]])

  slug = "^[a-z0-9]+(-[a-z0-9]+)*$"

  # What every metric rule has.
  measured = ["period", "comparison", "threshold", "datapoints_to_alarm", "evaluation_periods", "missing_data"]

  sense = [for one in local.readable : merge(one, { found = [for problem in concat(
    can(regex(local.slug, one.rule.name)) ? [] : [
      { field = "name", text = "expected a name of lower-case letters, digits and single hyphens, such as `queue-age-high`" }
    ],
    can(regex(local.slug, one.rule.runbook)) ? [] : [
      { field = "runbook", text = "`${one.rule.runbook}` is not a page of docs/runbooks; leave out folder and .md" }
    ],
    [for field in ["summary", "impact"] : { field = field, text = "expected one sentence in `${field}`" }
    if trimspace(one.rule[field]) == "" || strcontains(one.rule[field], "\n")],
    [for link in try(one.rule.links, []) : { field = "links", text = "expected a path on the dashboard that starts with `/`, found `${link.page}`" } if !startswith(link.page, "/")],
    one.rule.tier == "low" && contains(one.given, "low_twin") ? [{ field = "low_twin", text = "only a high rule has a low twin" }] : [],
    one.rule.tier == "high" && !contains(one.given, "low_twin") && try(one.rule.notify, true) ? [
      { field = "tier", text = "expected `low_twin`: every high rule names the low one that fires earlier, so that nobody is woken unwarned" }
    ] : [],

    one.rule.kind != "composite" ? [] : concat(
      [for field in ["metrics", "expression", "period", "comparison", "threshold", "limit", "datapoints_to_alarm", "evaluation_periods", "missing_data", "low_samples"] :
        { field = field, text = "a composite rule reads other alarms, not metrics: remove `${field}`" }
      if contains(one.given, field) && (field != "metrics" || length(one.ids) > 0)],
      contains(one.given, "alarm_rule") ? [] : [{ field = "alarm_rule", text = "expected the field `alarm_rule`" }],
      [for text in try([local.alarm_rule_problems["${one.file} ${one.index}"]], []) : { field = "alarm_rule", text = text } if text != null],
    ),

    one.rule.kind == "composite" ? [] : concat(
      contains(one.given, "alarm_rule") ? [{ field = "alarm_rule", text = "only a rule of `kind: composite` has an `alarm_rule`" }] : [],
      length(one.ids) >= 1 && length(one.ids) <= 10 ? [] : [{ field = "metrics", text = "expected 1 to 10 metrics, found ${length(one.ids)}" }],
      flatten([for m, metric in try(one.rule.metrics, []) : concat(
        can(regex("^[a-z][A-Za-z0-9_]*$", metric.id)) ? [] : [{ field = "metrics", metric = m, text = "metric id `${metric.id}`: expected a lower-case letter, then letters, digits or _" }],
        contains(slice(one.ids, 0, m), metric.id) ? [{ field = "metrics", metric = m, text = "metric id `${metric.id}` is used twice" }] : [],
        [for dimension in try(metric.dimensions, []) : { field = "metrics", metric = m, text = "dimension `${dimension.name}`: expected either `resource` (a topology key) or `value`, and not both" }
        if(try(dimension.resource, null) == null) == (try(dimension.value, null) == null)],
      )]),
      length(one.ids) > 1 && !contains(one.given, "expression") ? [{ field = "metrics", text = "several metrics need an `expression` that makes one series of them" }] : [],
      [for text in try([local.expression_problems["${one.file} ${one.index}"]], []) : { field = "expression", text = text } if text != null],
      [for m, id in one.ids : { field = "metrics", metric = m, text = "the expression does not use `${id}`" }
      if try(local.expression_problems["${one.file} ${one.index}"] == null && !contains(local.expression_uses["${one.file} ${one.index}"], m), false)],
      [for field in local.measured : { field = field, text = "expected the field `${field}`" } if !contains(one.given, field)],
      contains(one.given, "limit") && !contains(keys(var.limits), try(one.rule.limit, "")) ? [
        { field = "limit", text = "no limit is called `${one.rule.limit}`; known are ${join(", ", sort(keys(var.limits)))}" }
      ] : [],
      contains(one.given, "low_samples") && !anytrue([for metric in try(one.rule.metrics, []) : startswith(metric.statistic, "p")]) ? [
        { field = "low_samples", text = "`low_samples` is for percentiles; none of the metrics has one" }
        ] : contains(one.given, "low_samples") && contains(one.given, "expression") ? [
        { field = "low_samples", text = "`low_samples` is for a rule on one percentile without an `expression`" }
      ] : [],
      !alltrue([for field in ["period", "datapoints_to_alarm", "evaluation_periods"] : contains(one.given, field)]) ? [] : [
        for problem in [{
          period = one.rule.period, needed = one.rule.datapoints_to_alarm, looked_at = one.rule.evaluation_periods, most = one.rule.period >= 3600 ? 604800 : 86400
          }] : (
          !contains([10, 20, 30], problem.period) && (problem.period < 60 || problem.period % 60 != 0 || problem.period > 86400)
          ? { field = "period", text = "expected 10, 20, 30 or a multiple of 60 up to 86400 seconds, found ${problem.period}" }
          : problem.needed < 1 || problem.needed > problem.looked_at
          ? { field = "datapoints_to_alarm", text = "expected M of N with 1 <= M <= N, found ${problem.needed} of ${problem.looked_at}" }
          : problem.looked_at * problem.period > problem.most
          ? { field = "evaluation_periods", text = "${problem.looked_at} periods of ${problem.period} s are more than the ${problem.most} s that CloudWatch looks back" }
          : { field = "", text = "" }
        )
      ],
    ),
  ) : problem if problem.text != ""] })]

  senseless = flatten([for one in local.sense : [for problem in one.found : {
    file    = one.file
    index   = one.index
    field   = problem.field
    metric  = try(problem.metric, -1)
    message = "${one.rule.name}: ${problem.text}"
  }]])

  sense_problems = [for problem in local.senseless : {
    file    = problem.file
    message = problem.message
    line = try(
      problem.metric >= 0 ? local.metrics[problem.file][problem.index][problem.metric] : local.fields[problem.file][problem.index][problem.field],
      local.starts[problem.file][problem.index],
      1,
    )
  }]
}
