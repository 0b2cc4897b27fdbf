# Topics, budget, key and backup: who is notified, and what protects the data.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "both_topics_are_encrypted_and_only_alarms_and_budgets_of_the_account_publish" {
  module {
    source = "./modules/topics"
  }

  variables {
    name          = "demo"
    subscriptions = { high = [{ protocol = "email", endpoint = "oncall@example.com" }], low = [] }
    account_id    = "123456789012"
    kms_key_arn   = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    tags          = { spillway = "demo" }
  }

  assert {
    condition     = { for tier, topic in aws_sns_topic.this : tier => topic.name } == { high = "demo-high", low = "demo-low" }
    error_message = "There are two topics: one wakes people, one waits."
  }

  assert {
    condition     = alltrue([for topic in aws_sns_topic.this : topic.kms_master_key_id == var.kms_key_arn])
    error_message = "Topics are encrypted with the deployment's key; CloudWatch cannot use the AWS managed one."
  }

  assert {
    condition = alltrue(flatten([for policy in aws_sns_topic_policy.this : [for statement in jsondecode(policy.policy).Statement :
      statement.Effect == "Deny" || try(statement.Condition.StringEquals["aws:SourceAccount"], "") == "123456789012"
    ]]))
    error_message = "Nobody outside the account can publish."
  }

  assert {
    condition     = alltrue([for policy in aws_sns_topic_policy.this : anytrue([for statement in jsondecode(policy.policy).Statement : statement.Effect == "Deny" && try(statement.Condition.Bool["aws:SecureTransport"], "") == "false"])])
    error_message = "Publishing without TLS is denied."
  }

  assert {
    condition     = keys(aws_sns_topic_subscription.this) == ["high email oncall@example.com"]
    error_message = "Who subscribed to a tier is told of that tier."
  }
}

run "the_budget_counts_by_the_tag" {
  module {
    source = "./modules/budget"
  }

  variables {
    name        = "demo"
    monthly_usd = 50
    tag         = { key = "spillway", value = "demo" }
    rules       = {}
    topics      = { high = "arn:aws:sns:eu-central-1:123456789012:demo-high", low = "arn:aws:sns:eu-central-1:123456789012:demo-low" }
    tags        = { spillway = "demo" }
  }

  assert {
    condition     = [for filter in aws_budgets_budget.this.cost_filter : [filter.name, filter.values[0]]] == [["TagKeyValue", "user:spillway$demo"]]
    error_message = "The budget counts what has the deployment's tag."
  }
}

run "the_key_rotates_and_serves_only_this_account" {
  module {
    source = "./modules/key"
  }

  variables {
    name                 = "demo"
    account_id           = "123456789012"
    region               = "eu-central-1"
    partition            = "aws"
    deletion_window_days = 30
    deletion_protection  = false
    tags                 = { spillway = "demo" }
  }

  assert {
    condition     = aws_kms_key.this.enable_key_rotation && aws_kms_key.this.deletion_window_in_days == 30
    error_message = "The key rotates, and its deletion can be taken back for 30 days."
  }

  assert {
    condition = alltrue([for statement in jsondecode(aws_kms_key.this.policy).Statement :
      can(statement.Principal.AWS) ? statement.Principal.AWS == "arn:aws:iam::123456789012:root" : can(statement.Condition)
    ])
    error_message = "A service may use the key only for this account or for this deployment's log groups."
  }

  assert {
    condition = alltrue([for service in ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"] : anytrue([for statement in jsondecode(aws_kms_key.this.policy).Statement :
      try(statement.Principal.Service, "") == service && toset(flatten([statement.Action])) == toset(["kms:Decrypt", "kms:GenerateDataKey*"])
    ])])
    error_message = "Alarms and budgets can publish to a topic that is encrypted with it."
  }
}

run "copies_cover_what_was_named_and_expire" {
  module {
    source = "./modules/backup"
  }

  variables {
    name         = "demo"
    resources    = ["arn:aws:dynamodb:eu-central-1:123456789012:table/demo-events", "arn:aws:s3:::demo-archive"]
    schedule     = "cron(0 3 * * ? *)"
    keep_days    = 35
    trust_policy = "{\"Version\":\"2012-10-17\"}"
    partition    = "aws"
    kms_key_arn  = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    tags         = { spillway = "demo" }
  }

  assert {
    condition     = toset(aws_backup_selection.this.resources) == toset(var.resources)
    error_message = "The plan copies what was named."
  }

  assert {
    condition     = aws_backup_vault.this.kms_key_arn == var.kms_key_arn
    error_message = "Copies are encrypted with the deployment's key."
  }

  assert {
    condition     = one(aws_backup_plan.this.rule).lifecycle[0].delete_after == 35 && one(aws_backup_plan.this.rule).recovery_point_tags == tomap({ spillway = "demo" })
    error_message = "Copies are tagged, so that the budget counts them, and expire."
  }
}

run "the_deployment_helps_reading_logs_and_traces_only_when_asked" {
  module {
    source = "./modules/observability"
  }

  variables {
    name             = "demo"
    api_name         = "demo"
    stage            = "v1"
    functions        = { ingest = "demo-ingest" }
    log_groups       = { ingest = "/aws/lambda/demo-ingest" }
    access_log_group = "/aws/apigateway/demo"
    saved_queries    = false
    trace_group      = false
    trace_sampling   = null
    tags             = { spillway = "demo" }
  }

  assert {
    condition     = length(aws_xray_group.this) + length(aws_xray_sampling_rule.this) + length(aws_cloudwatch_query_definition.this) == 0
    error_message = "Group, sampling rule and saved queries are off."
  }
}

run "traces_are_sampled_at_the_stage_where_they_begin" {
  module {
    source = "./modules/observability"
  }

  variables {
    name             = "demo"
    api_name         = "demo"
    stage            = "v1"
    functions        = { ingest = "demo-ingest", consumer = "demo-consumer" }
    log_groups       = { ingest = "/aws/lambda/demo-ingest", consumer = "/aws/lambda/demo-consumer" }
    access_log_group = "/aws/apigateway/demo"
    saved_queries    = true
    trace_group      = true
    trace_sampling   = { per_second = 10, share_of_rest = 0.1 }
    tags             = { spillway = "demo" }
  }

  assert {
    condition     = aws_xray_sampling_rule.this[0].service_name == "demo/v1" && aws_xray_sampling_rule.this[0].reservoir_size == 10 && aws_xray_sampling_rule.this[0].fixed_rate == 0.1
    error_message = "The rule is about requests to this stage."
  }

  assert {
    condition     = aws_xray_group.this[0].filter_expression == "service(\"demo-consumer\") OR service(\"demo-ingest\")"
    error_message = "The group has every trace that a function took part in."
  }

  assert {
    condition     = toset(aws_cloudwatch_query_definition.this["errors"].log_group_names) == toset(["/aws/lambda/demo-ingest", "/aws/lambda/demo-consumer"])
    error_message = "The saved queries read the functions' logs."
  }
}
