# Tools for reading logs and traces.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name             = "demo"
  api_name         = "demo"
  stage            = "v1"
  functions        = { ingest = "demo-ingest", consumer = "demo-consumer" }
  log_groups       = { ingest = "/aws/lambda/demo-ingest", consumer = "/aws/lambda/demo-consumer" }
  access_log_group = "/aws/apigateway/demo"
  tags             = { spillway = "demo" }
}

run "tools_for_logs_and_traces_are_off_unless_asked_for" {
  module {
    source = "./modules/observability"
  }

  variables {
    saved_queries  = false
    trace_group    = false
    trace_sampling = null
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
    saved_queries  = true
    trace_group    = true
    trace_sampling = { per_second = 10, share_of_rest = 0.1 }
  }

  assert {
    condition     = aws_xray_sampling_rule.this[0].service_name == "demo/v1" && aws_xray_sampling_rule.this[0].reservoir_size == 10 && aws_xray_sampling_rule.this[0].fixed_rate == 0.1
    error_message = "The rule applies to requests to this stage."
  }

  assert {
    condition     = aws_xray_group.this[0].filter_expression == "service(\"demo-consumer\") OR service(\"demo-ingest\")"
    error_message = "The group has every trace that includes one of the functions."
  }

  assert {
    condition     = toset(aws_cloudwatch_query_definition.this["errors"].log_group_names) == toset(["/aws/lambda/demo-ingest", "/aws/lambda/demo-consumer"])
    error_message = "The saved queries read the functions' logs."
  }
}
