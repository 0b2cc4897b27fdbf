# Each rule becomes the alarm that it defines.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                   = "demo"
  topics                 = { high = "arn:aws:sns:eu-central-1:123456789012:demo-high", low = "arn:aws:sns:eu-central-1:123456789012:demo-low" }
  business_hours         = { zone = "Europe/Berlin", days = ["monday", "tuesday", "wednesday", "thursday", "friday"], open = "09:00", close = "17:30", holidays = [] }
  dashboard_url          = "https://spillway.example.com"
  scheduler_trust_policy = "{\"Version\":\"2012-10-17\"}"
  partition              = "aws"
  kms_key_arn            = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  tags                   = { spillway = "demo" }

  # A name that includes its key, so that an error message shows a wrong one.
  resources = {
    "api"                = "the api"
    "api.stage"          = "the api.stage"
    "functions.ingest"   = "the functions.ingest"
    "functions.consumer" = "the functions.consumer"
    "functions.archiver" = "the functions.archiver"
    "queues.primary"     = "the queues.primary"
    "queues.dlq"         = "the queues.dlq"
    "table"              = "the table"
    "budget"             = "the budget"
    "topics.high"        = "the topics.high"
    "topics.low"         = "the topics.low"
  }

  optional_resources = {
    "api.certificate"  = ["the api.certificate"]
    "api.distribution" = ["the api.distribution"]
    "archive"          = ["the archive"]
    "backup.vault"     = ["the backup.vault"]
    "table.replica"    = ["the table.replica"]
  }
}

run "rules" {
  command = plan

  module {
    source = "./tests/built_in"
  }

  assert {
    condition     = output.problem == "" && length(output.written) == length(output.rules) && length(output.rules) > 70
    error_message = "Every rule of the file is read: ${output.problem}"
  }
}

run "each_rule_is_the_alarm_that_it_defines" {
  module {
    source = "./modules/alarms"
  }

  variables {
    rules = run.rules.rules
  }

  assert {
    condition = (
      toset(keys(aws_cloudwatch_metric_alarm.rule)) == toset([for name, rule in run.rules.written : name if rule.kind == "metric"]) &&
      toset(keys(aws_cloudwatch_composite_alarm.rule)) == toset([for name, rule in run.rules.written : name if rule.kind == "composite"])
    )
    error_message = "There is one alarm for each rule, except for rules of kind budget, which AWS Budgets evaluates."
  }

  assert {
    condition = alltrue([for name, alarm in aws_cloudwatch_metric_alarm.rule : (
      alarm.alarm_name == "demo-${name}" &&
      alarm.comparison_operator == run.rules.written[name].comparison &&
      abs(alarm.threshold - run.rules.written[name].threshold) < 0.000001 &&
      alarm.datapoints_to_alarm == run.rules.written[name].datapoints_to_alarm &&
      alarm.evaluation_periods == run.rules.written[name].evaluation_periods &&
      alarm.treat_missing_data == run.rules.written[name].missing_data
    )])
    error_message = "Name, comparison, threshold (a share of its limit, if it names one), M of N and missing data are the rule's."
  }

  assert {
    condition = alltrue([for name, alarm in aws_cloudwatch_metric_alarm.rule : (
      run.rules.written[name].expression != "" ? alarm.namespace == null && alarm.period == null && length(alarm.metric_query) == length(run.rules.written[name].metrics) + 1 :
      length(alarm.metric_query) == 0 && alarm.period == run.rules.written[name].period &&
      [alarm.namespace, alarm.metric_name, try(coalesce(alarm.statistic, alarm.extended_statistic), "")] == slice(run.rules.written[name].metrics[0], 1, 4) &&
      sort([for key, value in alarm.dimensions : "${key}=${value}"]) == sort(compact(regexall("[A-Za-z]+=(?:the )?[^ ]+", run.rules.written[name].dimensions[0])))
    )])
    error_message = "A rule over one metric is an alarm on that metric, its statistic and its dimensions in this deployment."
  }

  assert {
    condition = alltrue([for name, alarm in aws_cloudwatch_metric_alarm.rule : (
      toset([for query in alarm.metric_query : join(" ", [query.id, query.metric[0].namespace, query.metric[0].metric_name, query.metric[0].stat, tostring(query.metric[0].period), join(" ", [for key, value in query.metric[0].dimensions : "${key}=${value}"])]) if length(query.metric) > 0]) ==
      toset([for i, metric in run.rules.written[name].metrics : join(" ", concat(metric, [tostring(run.rules.written[name].period), join(" ", sort(regexall("[A-Za-z]+=(?:the )?[^ ]+", run.rules.written[name].dimensions[i])))]))]) &&
      [for query in alarm.metric_query : query.expression if query.return_data] == [run.rules.written[name].expression]
    ) if run.rules.written[name].expression != ""])
    error_message = "A rule with an expression is an alarm on that expression over its metrics, with its period, and only the result is compared."
  }

  assert {
    condition     = length([for name, alarm in aws_cloudwatch_metric_alarm.rule : name if alarm.extended_statistic == "p90" && alarm.statistic == null && alarm.evaluate_low_sample_count_percentiles == "evaluate"]) == length([for rule in run.rules.written : rule if rule.kind == "metric" && rule.expression == "" && try(rule.metrics[0][3], "") == "p90"])
    error_message = "Percentiles are extended statistics, and only they have a setting for few samples."
  }

  assert {
    condition     = aws_cloudwatch_composite_alarm.rule["availability-burn-14x-high"].alarm_rule == "ALARM(\"demo-availability-burn-14x-long\") AND ALARM(\"demo-availability-burn-14x-short\")"
    error_message = "A composite's rule names alarms of this deployment, in quotation marks."
  }

  assert {
    condition     = alltrue([for name, alarm in aws_cloudwatch_composite_alarm.rule : length(regexall("\\(\"demo-[a-z0-9-]+\"\\)", alarm.alarm_rule)) == length(regexall("\\(", replace(alarm.alarm_rule, "/\\((ALARM|OK|NOT|\\()/", "$1")))])
    error_message = "Every name in a composite's rule is quoted."
  }
}

run "high_alarms_notify_at_once_and_low_alarms_through_their_subsystem" {
  module {
    source = "./modules/alarms"
  }

  variables {
    rules = run.rules.rules
  }

  assert {
    condition = alltrue([for name, alarm in merge(aws_cloudwatch_metric_alarm.rule, aws_cloudwatch_composite_alarm.rule) :
      jsonencode(try(sort(alarm.alarm_actions), [])) == jsonencode(run.rules.written[name].notifies && run.rules.written[name].tier == "high" ? [var.topics.high] : []) &&
      jsonencode(try(sort(alarm.ok_actions), [])) == jsonencode(run.rules.written[name].notifies && run.rules.written[name].tier == "high" ? [var.topics.high] : [])
    ])
    error_message = "A high rule notifies the high topic when it fires and when it clears. A low rule, and a rule with `notify: false`, notifies no topic itself."
  }

  assert {
    condition = alltrue(flatten([for tier, alarms in { high = aws_cloudwatch_composite_alarm.high, low = aws_cloudwatch_composite_alarm.low } : [for subsystem, alarm in alarms :
      toset(flatten(regexall("ALARM\\(\"demo-([^\"]+)\"\\)", alarm.alarm_rule))) == toset([for name, rule in run.rules.written : name if rule.notifies && rule.tier == tier && rule.subsystem == subsystem])
    ]]))
    error_message = "The composite of a tier and subsystem is in alarm when any of their notifying rules is."
  }

  assert {
    condition = (
      toset(keys(aws_cloudwatch_composite_alarm.high)) == toset([for rule in run.rules.written : rule.subsystem if rule.notifies && rule.tier == "high"]) &&
      toset(keys(aws_cloudwatch_composite_alarm.low)) == toset([for rule in run.rules.written : rule.subsystem if rule.notifies && rule.tier == "low"])
    )
    error_message = "There is a composite for each tier and subsystem that has rules."
  }

  assert {
    condition = (
      alltrue([for alarm in aws_cloudwatch_composite_alarm.low : tolist(alarm.alarm_actions) == tolist([var.topics.low]) && tolist(alarm.ok_actions) == tolist([var.topics.low])]) &&
      alltrue([for alarm in aws_cloudwatch_composite_alarm.high : try(length(alarm.alarm_actions), 0) == 0])
    )
    error_message = "Low composites notify the low topic. High composites notify no topic, because each high alarm does."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_composite_alarm.low : alarm.actions_suppressor[0].alarm == "demo-out-of-hours" && alarm.actions_suppressor[0].wait_period >= 60 && alarm.actions_suppressor[0].extension_period >= 60])
    error_message = "Low alarms are suppressed outside business hours, and those still on afterwards notify then."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_composite_alarm.high : length(alarm.actions_suppressor) == 0]) && alltrue([for alarm in aws_cloudwatch_composite_alarm.rule : length(alarm.actions_suppressor) == 0])
    error_message = "Nothing suppresses high alarms."
  }
}

run "descriptions_link_to_the_alarm_and_to_its_runbook" {
  module {
    source = "./modules/alarms"
  }

  variables {
    rules = run.rules.rules
  }

  assert {
    condition = alltrue([for name, alarm in merge(aws_cloudwatch_metric_alarm.rule, aws_cloudwatch_composite_alarm.rule) : (
      startswith(alarm.alarm_description, join(" ", run.rules.written[name].texts)) && length(alarm.alarm_description) <= 1024 &&
      strcontains(alarm.alarm_description, "\nNow: https://spillway.example.com/alarms/${name}?range=") &&
      endswith(alarm.alarm_description, "\nRunbook: https://spillway.example.com/runbooks/${run.rules.written[name].runbook}")
    )])
    error_message = "A description has the rule's summary and impact, and links to the alarm's page and to its runbook."
  }

  assert {
    condition     = strcontains(aws_cloudwatch_metric_alarm.rule["queue-age-high"].alarm_description, "?range=3h") && strcontains(aws_cloudwatch_metric_alarm.rule["availability-burn-14x-long"].alarm_description, "?range=24h")
    error_message = "The page shows a longer range than the alarm evaluates."
  }
}

run "without_a_dashboard_there_are_no_links" {
  module {
    source = "./modules/alarms"
  }

  variables {
    rules         = run.rules.rules
    dashboard_url = null
  }

  assert {
    condition     = alltrue([for name, alarm in aws_cloudwatch_metric_alarm.rule : !strcontains(alarm.alarm_description, "http") && endswith(alarm.alarm_description, "\nRunbook: ${run.rules.written[name].runbook}")])
    error_message = "A description names the runbook."
  }
}

run "long_sentences_are_shortened_to_cloudwatchs_limit_and_links_are_not" {
  module {
    source = "./modules/alarms"
  }

  variables {
    rules = { for name, rule in run.rules.rules : name => merge(rule, { impact = format("%01100d", 0) }) if name == "queue-age-high" }
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.rule["queue-age-high"].alarm_description) == 1024 && endswith(aws_cloudwatch_metric_alarm.rule["queue-age-high"].alarm_description, "/runbooks/queue-age")
    error_message = "The description has 1,024 characters, and ends with the runbook."
  }
}

run "a_limit_of_zero_switches_a_rule_off_even_without_data" {
  module {
    source = "./modules/alarms"
  }

  variables {
    rules = { for name, rule in run.rules.rules : name => merge(rule, { threshold = 0 }) if contains(["api-requests-few-high", "dlq-depth-low"], name) }
  }

  assert {
    condition     = run.rules.rules["api-requests-few-high"].missing_data == "breaching" && aws_cloudwatch_metric_alarm.rule["api-requests-few-high"].treat_missing_data == "notBreaching"
    error_message = "No count is below 0, and missing data does not count as below 0."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.rule["dlq-depth-low"].treat_missing_data == run.rules.rules["dlq-depth-low"].missing_data
    error_message = "A rule with another comparison keeps its setting for missing data."
  }
}

run "the_reporter_has_an_alarm_of_its_own" {
  module {
    source = "./modules/alarms"
  }

  variables {
    rules    = {}
    reporter = "demo-reporter"
  }

  assert {
    condition     = alltrue([for query in aws_cloudwatch_metric_alarm.reporter[0].metric_query : query.metric[0].dimensions == tomap({ FunctionName = "demo-reporter" }) if length(query.metric) > 0])
    error_message = "The alarm is on the reporter's errors and invocations."
  }

  assert {
    condition = (
      aws_cloudwatch_composite_alarm.low["reporter"].alarm_rule == "ALARM(\"demo-reporter-fails\")" && tolist(aws_cloudwatch_composite_alarm.low["reporter"].alarm_actions) == tolist([var.topics.low]) &&
      aws_cloudwatch_composite_alarm.low["reporter"].actions_suppressor[0].alarm == "demo-out-of-hours"
    )
    error_message = "CloudWatch notifies about the reporter's failure like a low alarm, in business hours."
  }
}

run "rules_about_optional_resources_have_an_alarm_for_each_that_there_is" {
  module {
    source = "./modules/alarms"
  }

  variables {
    rules = run.rules.rules
    optional_resources = {
      "api.certificate"  = []
      "api.distribution" = []
      "archive"          = []
      "backup.vault"     = []
      "table.replica"    = ["eu-west-1", "us-east-1"]
    }
  }

  assert {
    condition = setsubtract(keys(run.rules.written), keys(output.names)) == toset(concat(
      ["archive-4xx-low", "archive-5xx-low", "backups-failed-low", "certificate-expiry-high", "certificate-expiry-low", "cloudfront-5xx-high", "cloudfront-5xx-low"],
      [for name, rule in run.rules.written : name if rule.kind == "budget"],
    ))
    error_message = "A rule about a resource that the deployment lacks has no alarm."
  }

  assert {
    condition     = !contains(keys(aws_cloudwatch_composite_alarm.low), "backup") && !strcontains(aws_cloudwatch_composite_alarm.low["api"].alarm_rule, "certificate")
    error_message = "No composite names an alarm that is not there."
  }

  assert {
    condition = { for name, alarm in aws_cloudwatch_metric_alarm.rule : name => one([for query in alarm.metric_query : query.metric[0].dimensions if length(query.metric) > 0]) if strcontains(name, "replication") } == {
      table-replication-low           = tomap({ TableName = "the table", ReceivingRegion = "eu-west-1" })
      table-replication-low-us-east-1 = tomap({ TableName = "the table", ReceivingRegion = "us-east-1" })
    }
    error_message = "Each replica has an alarm of its own."
  }

  assert {
    condition     = strcontains(aws_cloudwatch_composite_alarm.low["table"].alarm_rule, "ALARM(\"demo-table-replication-low-us-east-1\")")
    error_message = "The alarm of a second replica notifies too."
  }
}

run "a_rule_on_a_resource_that_the_deployment_lacks_is_refused" {
  command = plan

  module {
    source = "./modules/alarms"
  }

  variables {
    rules     = { for name, rule in run.rules.rules : name => rule if name == "queue-age-low" }
    resources = { "queues.dlq" = "demo-dlq" }
  }

  expect_failures = [output.topology]
}

run "budget_rules_are_notifications_of_aws_budgets" {
  module {
    source = "./modules/budget"
  }

  variables {
    monthly_usd = 50
    tag         = { key = "spillway", value = "demo" }
    rules       = { for name, rule in run.rules.rules : name => rule if rule.kind == "budget" }
  }

  assert {
    condition = toset([for notification in aws_budgets_budget.this.notification : "${notification.notification_type} ${notification.comparison_operator} ${notification.threshold} ${one(notification.subscriber_sns_topic_arns)}"]) == toset([
      for rule in run.rules.written : "${rule.metrics[0][2] == "BudgetActualPercent" ? "ACTUAL" : "FORECASTED"} GREATER_THAN ${rule.threshold} ${var.topics[rule.tier]}" if rule.kind == "budget"
    ])
    error_message = "Each notifies the topic of its tier at its percentage of the actual or forecast costs."
  }
}
