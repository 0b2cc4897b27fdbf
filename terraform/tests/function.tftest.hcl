mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                   = "demo-consumer"
  description            = "Stores queued events"
  zip                    = "tests/artifacts/function.zip"
  architecture           = "arm64"
  timeout_s              = 30
  memory_mb              = 256
  environment            = { SPILLWAY_DEPLOYMENT = "demo" }
  statements             = [{ Sid = "StoreEvents", Effect = "Allow", Action = ["dynamodb:PutItem"], Resource = "arn:aws:dynamodb:eu-central-1:123456789012:table/demo-events" }]
  log_level              = "info"
  log_retention_days     = 30
  scheduler_trust_policy = "{\"Version\":\"2012-10-17\"}"
  kms_key_arn            = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  tags                   = { spillway = "demo" }
}

run "a_function_is_traced_and_logs_json_into_an_encrypted_group_with_a_retention" {
  module {
    source = "./modules/function"
  }

  assert {
    condition     = aws_lambda_function.this.tracing_config[0].mode == "Active"
    error_message = "X-Ray tracing of functions is active."
  }

  assert {
    condition     = aws_lambda_function.this.logging_config[0].log_format == "JSON" && aws_lambda_function.this.logging_config[0].log_group == aws_cloudwatch_log_group.this.name
    error_message = "A function logs JSON into the group that was made for it."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.retention_in_days == 30 && aws_cloudwatch_log_group.this.kms_key_id == var.kms_key_arn
    error_message = "Logs are encrypted, and deleted after the configured days."
  }
}

run "a_function_runs_a_bootstrap_of_the_configured_architecture" {
  module {
    source = "./modules/function"
  }

  assert {
    condition     = aws_lambda_function.this.runtime == "provided.al2023" && aws_lambda_function.this.handler == "bootstrap"
    error_message = "Functions are native executables on provided.al2023."
  }

  assert {
    condition     = aws_lambda_function.this.architectures == tolist(["arm64"])
    error_message = "The architecture is the one that the zip was built for."
  }

  assert {
    condition     = aws_lambda_function.this.source_code_hash == filebase64sha256("tests/artifacts/function.zip")
    error_message = "A changed zip is deployed because its hash changed."
  }
}

run "callers_reach_a_published_version_through_an_alias" {
  module {
    source = "./modules/function"
  }

  assert {
    condition     = aws_lambda_function.this.publish && aws_lambda_alias.live.function_version == aws_lambda_function.this.version
    error_message = "The alias names the version that was published last."
  }
}

run "a_role_has_one_policy_that_names_its_resources" {
  module {
    source = "./modules/function"
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.this.policy).Statement :
      statement.Resource != "*" || toset(statement.Action) == toset(["xray:PutTraceSegments", "xray:PutTelemetryRecords"])
    ])
    error_message = "No statement applies to every resource, except the two X-Ray actions, for which IAM has no resource types."
  }

  assert {
    condition     = contains([for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : statement.Sid], "StoreEvents")
    error_message = "The policy includes the function's own statements."
  }

  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Principal == { Service = "lambda.amazonaws.com" }
    error_message = "Only Lambda may assume the role."
  }
}

run "a_function_without_queue_and_schedules_has_no_mapping_and_no_schedule" {
  module {
    source = "./modules/function"
  }

  assert {
    condition     = length(aws_lambda_event_source_mapping.queue) == 0 && length(aws_scheduler_schedule.this) == 0 && length(aws_iam_role.scheduler) == 0
    error_message = "Without a queue there is no mapping, without schedules no role for them."
  }

  assert {
    condition     = length(aws_lambda_provisioned_concurrency_config.live) == 0 && aws_lambda_function.this.reserved_concurrent_executions == -1
    error_message = "Provisioned and reserved concurrency are off unless asked for."
  }
}

run "a_mapping_reports_failed_records_one_by_one_and_limits_concurrency" {
  module {
    source = "./modules/function"
  }

  variables {
    queue = {
      arn                 = "arn:aws:sqs:eu-central-1:123456789012:demo-events"
      batch_size          = 10
      batch_window_s      = 0
      maximum_concurrency = 7
    }
  }

  assert {
    condition     = aws_lambda_event_source_mapping.queue[0].function_response_types == toset(["ReportBatchItemFailures"])
    error_message = "A mapping takes partial batch responses; otherwise one failed record would fail its whole batch."
  }

  assert {
    condition     = aws_lambda_event_source_mapping.queue[0].scaling_config[0].maximum_concurrency == 7
    error_message = "The mapping itself limits concurrency, so that no message is received only to be throttled."
  }

  assert {
    condition     = aws_lambda_event_source_mapping.queue[0].function_name == aws_lambda_alias.live.arn
    error_message = "The mapping invokes the alias."
  }
}

run "a_schedule_invokes_the_alias_with_a_role_that_may_do_nothing_else" {
  module {
    source = "./modules/function"
  }

  variables {
    schedules = {
      maintain = { description = "Indexes what is not indexed", every_minutes = 5, input = "{\"task\":\"maintain\"}" }
      warm-up  = { description = "Keeps one sandbox initialised", every_minutes = 1, input = "{}" }
    }
  }

  assert {
    condition     = aws_scheduler_schedule.this["maintain"].schedule_expression == "rate(5 minutes)" && aws_scheduler_schedule.this["warm-up"].schedule_expression == "rate(1 minute)"
    error_message = "The rate has Scheduler's format, with the singular for one minute."
  }

  assert {
    condition     = aws_scheduler_schedule.this["maintain"].target[0].arn == aws_lambda_alias.live.arn
    error_message = "A schedule invokes the alias."
  }

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.scheduler[0].policy).Statement : statement.Action => statement.Resource } == {
      "lambda:InvokeFunction" = aws_lambda_alias.live.arn
      "kms:Decrypt"           = var.kms_key_arn
    }
    error_message = "The scheduler's role may invoke the alias and decrypt the schedule, and nothing else."
  }

  assert {
    condition     = aws_iam_role.scheduler[0].assume_role_policy == var.scheduler_trust_policy
    error_message = "The role has the trust policy of the deployment."
  }
}

run "provisioned_and_reserved_concurrency_are_set_when_asked_for" {
  module {
    source = "./modules/function"
  }

  variables {
    provisioned_concurrency = 3
    reserved_concurrency    = 20
  }

  assert {
    condition     = aws_lambda_provisioned_concurrency_config.live[0].provisioned_concurrent_executions == 3 && aws_lambda_provisioned_concurrency_config.live[0].qualifier == "live"
    error_message = "Provisioned concurrency is on the alias that callers use."
  }

  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == 20
    error_message = "Reserved concurrency is as configured."
  }
}
