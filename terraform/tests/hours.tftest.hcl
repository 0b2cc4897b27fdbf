# Business hours: how and when low alarms are held back.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                   = "demo"
  rules                  = {}
  resources              = {}
  topics                 = { high = "arn:aws:sns:eu-central-1:123456789012:demo-high", low = "arn:aws:sns:eu-central-1:123456789012:demo-low" }
  business_hours         = { zone = "Europe/Berlin", days = ["friday", "monday", "tuesday", "wednesday", "thursday"], open = "09:00", close = "17:30", holidays = [] }
  dashboard_url          = null
  scheduler_trust_policy = "{\"Version\":\"2012-10-17\"}"
  partition              = "aws"
  kms_key_arn            = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  tags                   = { spillway = "demo" }
}

run "the_suppressor_keeps_the_state_that_was_set_last" {
  module {
    source = "./modules/alarms"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.out_of_hours[0].treat_missing_data == "ignore" && aws_cloudwatch_metric_alarm.out_of_hours[0].metric_name == "NeverSent" && aws_cloudwatch_metric_alarm.out_of_hours[0].dimensions == tomap({ Deployment = "demo" })
    error_message = "Its metric never has data, and missing data is ignored."
  }

  assert {
    condition     = try(length(aws_cloudwatch_metric_alarm.out_of_hours[0].alarm_actions), 0) == 0
    error_message = "The suppressor itself notifies no topic."
  }
}

run "schedules_switch_the_suppressor_in_the_zones_own_time" {
  module {
    source = "./modules/alarms"
  }

  assert {
    condition     = { for key, schedule in aws_scheduler_schedule.flip : key => schedule.schedule_expression } == { opening-other = "cron(0 9 ? * MON,TUE,WED,THU,FRI *)", closing-all = "cron(30 17 ? * MON,TUE,WED,THU,FRI *)" }
    error_message = "They begin and end business hours on the configured days."
  }

  assert {
    condition     = alltrue([for schedule in aws_scheduler_schedule.flip : schedule.schedule_expression_timezone == "Europe/Berlin" && schedule.flexible_time_window[0].mode == "OFF"])
    error_message = "Scheduler computes times in the zone, with daylight saving, and starts each schedule at its time."
  }

  assert {
    condition = { for key, schedule in aws_scheduler_schedule.flip : key => [schedule.target[0].arn, jsondecode(schedule.target[0].input).AlarmName, jsondecode(schedule.target[0].input).StateValue] } == {
      opening-other = ["arn:aws:scheduler:::aws-sdk:cloudwatch:setAlarmState", "demo-out-of-hours", "OK"]
      closing-all   = ["arn:aws:scheduler:::aws-sdk:cloudwatch:setAlarmState", "demo-out-of-hours", "ALARM"]
    }
    error_message = "At opening the suppressor goes to OK, at closing to ALARM."
  }

  assert {
    condition     = alltrue([for schedule in aws_scheduler_schedule.flip : schedule.target[0].retry_policy[0].maximum_retry_attempts > 0 && schedule.target[0].retry_policy[0].maximum_event_age_in_seconds < 3600])
    error_message = "A failed switch is retried, but not as late as the next one."
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.flip[0].policy).Statement : [statement.Action, statement.Resource]] == [["cloudwatch:SetAlarmState", aws_cloudwatch_metric_alarm.out_of_hours[0].arn], ["kms:Decrypt", var.kms_key_arn]]
    error_message = "Scheduler may set this one alarm, and nothing else."
  }

  assert {
    condition     = aws_iam_role.flip[0].assume_role_policy == var.scheduler_trust_policy
    error_message = "The role has the trust policy of the deployment."
  }
}

run "on_holidays_hours_do_not_begin" {
  module {
    source = "./modules/alarms"
  }

  variables {
    # The 6th is a Monday, the 26th a Saturday.
    business_hours = { zone = "Europe/Berlin", days = ["monday", "tuesday", "wednesday", "thursday", "friday"], open = "08:15", close = "17:30", holidays = ["2026-04-03", "2026-04-06", "2026-12-25", "2026-12-26", "2028-02-29"] }
  }

  assert {
    condition = output.openings == tomap({
      "2026-04" = "cron(15 8 1,2,7,8,9,10,13,14,15,16,17,20,21,22,23,24,27,28,29,30 4 ? 2026)"
      "2026-12" = "cron(15 8 1,2,3,4,7,8,9,10,11,14,15,16,17,18,21,22,23,24,28,29,30,31 12 ? 2026)"
      "2026"    = "cron(15 8 ? 1,2,3,5,6,7,8,9,10,11 MON,TUE,WED,THU,FRI 2026)"
      "2028-02" = "cron(15 8 1,2,3,4,7,8,9,10,11,14,15,16,17,18,21,22,23,24,25,28 2 ? 2028)"
      "2028"    = "cron(15 8 ? 1,3,4,5,6,7,8,9,10,11,12 MON,TUE,WED,THU,FRI 2028)"
      "other"   = "cron(15 8 ? * MON,TUE,WED,THU,FRI 1970-2025,2027,2029-2199)"
    })
    error_message = "A month with holidays has its working days spelled out, the rest of its year and all other years go by weekdays."
  }

  assert {
    condition     = output.closings == tomap({ all = "cron(30 17 ? * MON,TUE,WED,THU,FRI *)" })
    error_message = "Closing on a holiday changes nothing, and needs no exception."
  }
}

run "a_month_of_holidays_has_no_opening" {
  module {
    source = "./modules/alarms"
  }

  variables {
    business_hours = { zone = "Etc/UTC", days = ["sunday"], open = "09:00", close = "17:00", holidays = ["2026-02-01", "2026-02-08", "2026-02-15", "2026-02-22"] }
  }

  assert {
    condition     = tolist(keys(output.openings)) == tolist(["2026", "other"])
    error_message = "A month without a working day has no schedule."
  }
}

run "without_business_hours_low_alarms_notify_at_any_hour" {
  module {
    source = "./modules/alarms"
  }

  variables {
    business_hours = null
    rules = {
      a-low = {
        name      = "a-low", subsystem = "queue", kind = "metric", tier = "low", notify = true, actions = [], summary = "A.", impact = "B."
        runbook   = "a", page = "/alarms/a-low?range=3h", runbook_page = "/runbooks/a"
        metrics   = [{ id = "a", namespace = "AWS/SQS", metric = "X", statistic = "Sum", percentile = false, dimensions = [] }], expression = null, period = 60, comparison = "GreaterThanThreshold"
        threshold = 1, datapoints_to_alarm = 1, evaluation_periods = 1, missing_data = "missing", low_samples = "evaluate", alarm_rule = null
      }
    }
  }

  assert {
    condition     = length(aws_scheduler_schedule.flip) + length(aws_cloudwatch_metric_alarm.out_of_hours) + length(aws_iam_role.flip) == 0 && output.topology.suppressor == null
    error_message = "There is no suppressor and nothing that switches it."
  }

  assert {
    condition     = length(aws_cloudwatch_composite_alarm.low["queue"].actions_suppressor) == 0 && tolist(aws_cloudwatch_composite_alarm.low["queue"].alarm_actions) == tolist([var.topics.low])
    error_message = "The low topic is notified as soon as an alarm fires."
  }
}

run "schedules_are_those_that_the_crate_evaluates_over_a_year" {
  command = plan

  module {
    source = "./tests/calendars"
  }

  assert {
    condition     = output.count == 3 && length(output.otherwise) == 0
    error_message = "Each calendar has the schedules that the file gives for it: ${jsonencode(output.otherwise)}"
  }
}
