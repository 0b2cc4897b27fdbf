# The reporter: the function that sends the morning digest.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  alarms        = { deployment = "demo", rules = "{\"format\": 1}", business_hours = null }
  openings      = { "2026-04" = "cron(0 9 1,2,7 4 ? 2026)", "other" = "cron(0 9 ? * MON,TUE *)" }
  zone          = "Europe/Berlin"
  archive       = { bucket = "demo-archive", arn = "arn:aws:s3:::demo-archive", alarms_prefix = "alarms/", digests_prefix = "digests/" }
  low_topic_arn = "arn:aws:sns:eu-central-1:123456789012:demo-low"
  ops_table     = { name = "demo-ops", arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/demo-ops" }
  budget        = "demo"
  archiver      = "demo-archiver"
  retries       = { base_s = 5, cap_s = 900 }
  account_id    = "123456789012"
  partition     = "aws"
  region        = "eu-central-1"
  dns_suffix    = "amazonaws.com"
  kms_key_arn   = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  kms_key_arns  = ["arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"]
  tags          = { spillway = "demo" }

  queues = {
    primary = { name = "demo-events", visibility_timeout_s = 180, max_receive_count = 20 }
    dlq     = { name = "demo-events-dlq", url = "https://sqs.eu-central-1.amazonaws.com/123456789012/demo-events-dlq", arn = "arn:aws:sqs:eu-central-1:123456789012:demo-events-dlq", retention_s = 1209600 }
  }
}

run "it_reads_the_rules_from_which_the_alarms_were_made" {
  module {
    source = "./modules/reporter"
  }

  assert {
    condition     = jsondecode(aws_s3_object.alarms.content) == var.alarms && aws_s3_object.alarms.key == "alarms/alarms.json" && aws_s3_object.alarms.kms_key_id == var.kms_key_arn
    error_message = "The description of the alarms is an encrypted object in the archive."
  }

  assert {
    condition     = aws_s3_object.alarms.source_hash == sha256(jsonencode(var.alarms))
    error_message = "A change of the description changes its hash, and the function restarts."
  }
}

run "it_may_do_only_what_its_code_does" {
  module {
    source = "./modules/reporter"
  }

  assert {
    condition = sort(distinct([for action in flatten(output.statements[*].Action) : action if !startswith(action, "kms:")])) == tolist([
      "budgets:ViewBudget", "cloudwatch:DescribeAlarmHistory", "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "dynamodb:DeleteItem",
      "dynamodb:PutItem", "s3:GetObject", "s3:PutObject", "sns:Publish", "sqs:GetQueueAttributes",
    ])
    error_message = "It has no further action."
  }

  assert {
    condition     = [for statement in output.statements : statement.Sid if statement.Resource == "*"] == ["ReadAlarms", "ReadMetrics"]
    error_message = "Every statement names its resources, except for metrics, which have no resource type, and alarms: CloudWatch returns composites only to callers that may ask about all."
  }

  assert {
    condition     = !anytrue([for statement in output.statements : startswith(statement.Sid, "KeepCharts") && !strcontains(jsonencode(statement.Resource), "/digests/")])
    error_message = "It cannot write to the archived dead letters."
  }

  assert {
    condition     = alltrue([for statement in output.statements : statement.Condition["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"][0] == "digest" if statement.Sid == "SendOnce"])
    error_message = "In the ops table it writes only items of digests, not of replays or of the audit log."
  }
}

run "each_of_its_tasks_has_a_schedule" {
  module {
    source = "./modules/reporter"
  }

  assert {
    condition     = toset([for schedule in output.schedules : jsondecode(schedule.input).task]) == toset(["digest", "catch-up", "budget", "time-to-loss"])
    error_message = "Each task of the function has a schedule."
  }

  assert {
    condition     = output.schedules["catch-up"].every_minutes == 5 && output.schedules["time-to-loss"].every_minutes == 5
    error_message = "Hidden low alarms and the time to loss are checked every five minutes."
  }
}

run "it_is_invoked_when_business_hours_begin_and_at_intervals" {
  module {
    source = "./modules/function"
  }

  variables {
    name                   = "demo-reporter"
    zip                    = "tests/artifacts/function.zip"
    architecture           = "arm64"
    environment            = { SPILLWAY_DEPLOYMENT = "demo", SPILLWAY_LOG_LEVEL = "info" }
    log_level              = "info"
    log_retention_days     = 30
    description            = "Sends digests"
    scheduler_trust_policy = "{\"Version\":\"2012-10-17\"}"
    memory_mb              = 512
    timeout_s              = 120
    statements             = []

    schedules = {
      digest-other = { description = "Sends the digest", cron = "cron(0 9 ? * MON,TUE *)", zone = "Europe/Berlin", input = "{\"task\":\"digest\"}" }
      budget       = { description = "Measures", every_minutes = 60, input = "{\"task\":\"budget\"}" }
    }
  }

  assert {
    condition     = aws_scheduler_schedule.this["digest-other"].schedule_expression == "cron(0 9 ? * MON,TUE *)" && aws_scheduler_schedule.this["digest-other"].schedule_expression_timezone == "Europe/Berlin"
    error_message = "A digest is due when business hours begin in their zone."
  }

  assert {
    condition     = aws_scheduler_schedule.this["budget"].schedule_expression == "rate(60 minutes)"
    error_message = "Measurements are made at the configured interval."
  }
}
