# The root module: how the parts fit together.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "by_default_all_options_are_off" {
  assert {
    condition     = length(module.backup) == 0 && output.topology.backup_vault == null
    error_message = "Backup is off."
  }

  assert {
    condition     = output.topology.api.cloudfront_domain == null && output.topology.api.web_acl_arn == null && startswith(output.topology.api.url, "https://mocked-api.execute-api.")
    error_message = "CloudFront, web ACL and custom domain are off."
  }

  assert {
    condition     = toset(keys(output.topology.alarms.resources)) == toset(["archive", "topics.high", "topics.low"]) && !contains(keys(output.topology.alarms.names), "backups-failed-low")
    error_message = "Rules about what is off have no alarm."
  }

  assert {
    condition     = output.topology.table.billing_mode == "on_demand" && length(output.topology.table.replicas) == 0
    error_message = "Provisioned capacity and replicas are off."
  }

  assert {
    condition     = alltrue([for function in output.topology.functions : function.provisioned_concurrency == 0 && function.reserved_concurrency == null])
    error_message = "Provisioned and reserved concurrency are off."
  }

  assert {
    condition     = output.topology.traces.group == null && output.topology.traces.sampling == null && output.topology.archive.schemas_prefix == null
    error_message = "Trace group, trace sampling and schemas are off."
  }
}

run "the_topology_has_every_name_and_limit" {
  assert {
    condition     = can(jsondecode(jsonencode(output.topology))) && output.topology.version == 1
    error_message = "The topology is one JSON document that names the version of its format."
  }

  assert {
    condition     = output.topology.account == "123456789012" && output.topology.region == "eu-central-1" && output.topology.name == "spillway"
    error_message = "It says where the deployment is."
  }

  assert {
    condition     = toset(keys(output.topology.functions)) == toset(["ingest", "consumer", "archiver"]) && output.topology.functions.consumer.name == "spillway-consumer"
    error_message = "It names the functions."
  }

  assert {
    condition     = output.topology.queues.primary.visibility_timeout_s == 6 * output.topology.functions.consumer.timeout_s && output.topology.queues.dlq.visibility_timeout_s == 6 * output.topology.functions.archiver.timeout_s
    error_message = "Each queue hides messages for six times the timeout of the function that reads it."
  }

  assert {
    condition     = output.topology.queues.primary.max_receive_count == 20 && output.topology.queues.primary.retention_s == 1209600 && output.topology.queues.dlq.retention_s == 1209600
    error_message = "It names the limits after which a message is moved, and lost."
  }

  assert {
    condition     = output.topology.tag == { key = "spillway", value = "spillway" } && output.topology.budget.name == "spillway" && toset(keys(output.topology.topics)) == toset(["high", "low"])
    error_message = "It names tag, budget and topics."
  }
}

run "each_function_may_do_only_what_its_code_does" {
  assert {
    condition     = alltrue(flatten([for statements in local.statements : [for statement in statements : [for resource in flatten([statement.Resource]) : resource != "*" && startswith(resource, "arn:")]]]))
    error_message = "Every statement names its resources."
  }

  assert {
    condition     = alltrue(flatten([for statements in local.statements : [for statement in statements : [for action in flatten([statement.Action]) : !strcontains(action, "*")]]]))
    error_message = "Every statement names its actions."
  }

  assert {
    condition = jsonencode({ for function, statements in local.statements : function => sort(distinct([for action in flatten(statements[*].Action) : action if !startswith(action, "kms:")])) }) == jsonencode({
      ingest = ["sqs:SendMessage"]
      consumer = [
        "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem",
        "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage",
      ]
      archiver = [
        "dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem",
        "dynamodb:Query", "dynamodb:UpdateItem",
        "s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject",
        "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage",
      ]
    })
    error_message = "No function has a further action."
  }

  assert {
    condition = { for service, policy in local.trust_policies : service => jsondecode(policy).Statement } == { for service in ["backup", "scheduler"] : service => [{
      Sid       = "${title(service)}OfThisAccount"
      Effect    = "Allow"
      Principal = { Service = "${service}.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = "123456789012" } }
    }] }
    error_message = "Backup and Scheduler assume their roles for this account only."
  }

  assert {
    condition     = alltrue([for use in local.key_use : can(use.Condition.StringEquals["kms:ViaService"])])
    error_message = "A function uses the key only through the services that need it."
  }

  assert {
    condition     = !anytrue([for statement in local.statements.archiver : contains(flatten([statement.Action]), "s3:DeleteObject") && strcontains(jsonencode(statement.Resource), "dead-letters/")])
    error_message = "No function can delete a dead letter."
  }
}

run "the_topology_names_the_alarms_and_thresholds_follow_this_deployments_limits" {
  variables {
    consumer       = { timeout_s = 60, maximum_concurrency = 20 }
    api            = { throttle_rate_per_s = 100 }
    alarms         = { limits = { "api.expected_requests_per_5_minutes" = 7 }, dashboard_url = "https://spillway.example.com" }
    business_hours = { zone = "America/New_York", holidays = ["2026-12-25"] }
  }

  assert {
    condition     = output.topology.alarms.names["queue-age-high"] == "spillway-queue-age-high" && output.topology.alarms.composites.low["dead_letters"] == "spillway-low-dead-letters" && output.topology.alarms.suppressor == "spillway-out-of-hours"
    error_message = "The topology names alarms by rule, composites by tier and subsystem, and the suppressor."
  }

  assert {
    condition     = module.rules.rules["consumer-duration-low"].threshold == 48000 && module.rules.rules["consumer-concurrency-low"].threshold == 16 && module.rules.rules["api-requests-many-low"].threshold == 3600
    error_message = "Thresholds are shares of this deployment's limits."
  }

  assert {
    condition     = module.rules.rules["api-requests-few-low"].threshold == 7 && output.topology.alarms.limits["api.expected_requests_per_5_minutes"] == 7 && output.topology.alarms.limits["queues.primary.max_in_flight"] == 120000
    error_message = "A limit that only the operator knows is the variable's, or else the file's."
  }

  assert {
    condition     = output.topology.alarms.business_hours.zone == "America/New_York" && output.topology.alarms.business_hours.open == "09:00" && output.topology.alarms.business_hours.holidays == tolist(["2026-12-25"])
    error_message = "The topology has the business hours, for the dashboard."
  }
}

run "default_thresholds_are_those_that_the_rules_were_tested_with" {
  assert {
    condition     = [for key, value in module.rules.limits : key if value != jsondecode(file("../alerts/rules.json")).limits[key]] == ["api.expected_requests_per_5_minutes"]
    error_message = "Defaults of the variables and of the compiled rules agree, except for the expected requests: ${jsonencode(module.rules.limits)}"
  }

  assert {
    condition = module.rules.limits["api.expected_requests_per_5_minutes"] == 0 && alltrue([for name in ["api-requests-few-low", "api-requests-few-high"] :
      module.rules.rules[name].threshold == 0 && module.rules.rules[name].comparison == "LessThanThreshold"
    ])
    error_message = "A new deployment without requests has no alarm."
  }
}

run "every_limit_that_terraform_sets_follows_its_setting" {
  variables {
    api      = { throttle_rate_per_s = 100 }
    ingest   = { timeout_s = 11, reserved_concurrency = 77 }
    consumer = { timeout_s = 31, maximum_concurrency = 11 }
    archiver = { timeout_s = 32, maximum_concurrency = 6 }
    retries  = { max_receive_count = 19 }
    alarms   = { limits = { "api.expected_requests_per_5_minutes" = 31 } }
  }

  # The limits of the rules that still come from the file: those that only the operator knows, and those that AWS fixes.
  assert {
    condition = toset([for key, value in jsondecode(file("../alerts/rules.json")).limits : key if module.rules.limits[key] == value]) == toset([
      "account.concurrency", "queues.primary.max_in_flight", "queues.dlq.retention_s",
    ])
    error_message = "A rule's threshold is a share of the configured limit, not of a default: ${jsonencode(module.rules.limits)}"
  }

  assert {
    condition     = module.rules.limits["functions.ingest.timeout_ms"] == 11000 && module.rules.limits["functions.consumer.timeout_ms"] == 31000 && module.rules.limits["functions.archiver.timeout_ms"] == 32000
    error_message = "Timeouts of the functions, in milliseconds."
  }

  assert {
    condition     = module.rules.limits["functions.ingest.concurrency"] == 77 && module.rules.limits["functions.consumer.concurrency"] == 11 && module.rules.limits["functions.archiver.concurrency"] == 6
    error_message = "The maximum concurrency of each function."
  }

  assert {
    condition     = module.rules.limits["api.requests_per_minute"] == 6000 && module.rules.limits["queues.primary.max_receive_count"] == 19
    error_message = "The API's throttle, and the receives before a message is a dead letter."
  }
}

run "the_reporter_is_invoked_when_business_hours_begin_and_has_an_alarm" {
  variables {
    business_hours = { zone = "America/New_York", holidays = ["2026-12-25"] }
  }

  assert {
    condition     = output.topology.alarms.composites.low["reporter"] == "spillway-low-reporter"
    error_message = "A low alarm notifies if the reporter fails."
  }

  assert {
    condition     = output.topology.reporter.name == "spillway-reporter" && toset(keys(module.alarms.openings)) == toset(["2026", "2026-12", "other"])
    error_message = "There is a reporter, which is invoked at each opening."
  }
}

run "dead_letters_are_found_by_time_group_type_and_event" {
  assert {
    condition     = output.topology.dead_letter_index.indexes == tolist(["by_age", "by_event", "by_group", "by_time", "by_type"])
    error_message = "The index table has an index for each way to find a dead letter."
  }
}

run "a_consumer_that_checks_schemas_has_their_location_and_may_read_them" {
  variables {
    schemas_dir = "tests/schemas"
  }

  assert {
    condition     = local.environments.consumer.SPILLWAY_SCHEMAS_KEY == "schema-sets/current.json" && output.topology.archive.schema_set_key == "schema-sets/current.json" && local.environments.consumer.SPILLWAY_SCHEMAS_VERSION != null && local.environments.consumer.SPILLWAY_SCHEMAS_HASH != null
    error_message = "The consumer's environment has the schemas' key, version and hash."
  }

  assert {
    condition     = alltrue([for action in ["s3:GetObject", "s3:GetObjectVersion"] : contains(flatten(local.statements.consumer[*].Action), action)])
    error_message = "The consumer may read schemas."
  }
}

run "the_made_key_is_kept_beside_a_key_of_the_operator" {
  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/99999999-2222-3333-4444-555555555555"
  }

  assert {
    condition     = length(module.key) == 1 && output.topology.kms_key_arn == var.kms_key_arn
    error_message = "The made key is not destroyed: the queues and the archive have data that it encrypted."
  }

  assert {
    condition     = alltrue([for use in local.key_use : toset(use.Resource) == toset([var.kms_key_arn, module.key[0].arn])])
    error_message = "Functions may use both keys."
  }
}

run "a_key_of_the_operator_is_used_everywhere_and_none_is_made" {
  variables {
    make_key    = false
    kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/99999999-2222-3333-4444-555555555555"
  }

  assert {
    condition     = length(module.key) == 0 && output.topology.kms_key_arn == var.kms_key_arn
    error_message = "The key that was given is the deployment's key."
  }
}

run "a_warm_up_looks_like_a_request_that_does_nothing" {
  variables {
    ingest = { warm_up_every_minutes = 5 }
  }

  assert {
    condition     = local.warm_up_request.path == "/warm-up" && local.warm_up_request.httpMethod == "GET" && local.warm_up_request.requestContext.stage == "v1"
    error_message = "The warm-up has the format of a REST API request, to a path that accepts no events."
  }
}

run "all_options_together_make_a_deployment" {
  variables {
    name         = "everything"
    tags         = { owner = "platform" }
    architecture = "x86_64"
    release      = "1.2.3"
    schemas_dir  = "tests/schemas"

    api = {
      authorization = "AWS_IAM"
      custom_domain = { name = "events.example.com", certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/11111111-2222-3333-4444-555555555555" }
      waf           = {}
      cloudfront    = {}
    }

    ingest   = { provisioned_concurrency = 2, reserved_concurrency = 20, warm_up_every_minutes = 5 }
    consumer = { batch_size = 100, batch_window_s = 1, maximum_concurrency = 50, reserved_concurrency = 50 }
    table    = { replicas = { eu-west-1 = { kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555" } } }
    archive  = { keep_days = 400 }
    backup   = {}

    observability = {
      saved_queries  = true
      trace_group    = true
      trace_sampling = { per_second = 10, share_of_rest = 0.1 }
    }

    subscriptions = { high = [{ protocol = "email", endpoint = "oncall@example.com" }] }
  }

  assert {
    condition     = jsonencode(local.tags) == jsonencode({ owner = "platform", spillway = "everything" })
    error_message = "Resources have the deployment's tag and the operator's tags."
  }

  assert {
    condition     = output.topology.api.url == "https://mocked.cloudfront.net/events" && output.topology.backup_vault == "everything" && output.topology.traces.group == "everything"
    error_message = "The topology has the options that are on."
  }

  assert {
    condition     = output.topology.functions.consumer.maximum_concurrency == 50 && output.topology.functions.ingest.provisioned_concurrency == 2 && output.topology.table.replicas == tolist(["eu-west-1"])
    error_message = "Limits and replicas are as configured."
  }

  assert {
    condition = output.topology.alarms.resources == {
      "api.certificate" = "arn:aws:acm:eu-central-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
      "archive"         = "everything-archive-123456789012-eu-central-1"
      "backup.vault"    = "everything"
      "table.replica"   = "eu-west-1"
      "topics.high"     = "everything-high"
      "topics.low"      = "everything-low"
    } && contains(keys(output.topology.alarms.names), "certificate-expiry-high") && !contains(keys(output.topology.alarms.names), "cloudfront-5xx-high")
    error_message = "Alarms watch each optional resource, but CloudFront only from us-east-1."
  }
}

run "a_missing_file_ends_the_plan" {
  command = plan

  variables {
    alarms = { rules_file = "tests/compiled/none.json" }
  }

  expect_failures = [output.topology]
}

run "a_changed_file_ends_the_plan" {
  command = plan

  variables {
    alarms = { rules_file = "tests/compiled/changed.json" }
  }

  expect_failures = [output.topology]
}

run "another_format_ends_the_plan" {
  command = plan

  variables {
    alarms = { rules_file = "tests/compiled/other_format.json" }
  }

  expect_failures = [output.topology]
}

run "a_folder_of_rule_files_is_refused_with_what_to_do_instead" {
  command = plan

  variables {
    alarms = { rules_dir = "../alerts/rules" }
  }

  expect_failures = [var.alarms]
}
