# The REST API. POST /events, other methods of that path, and /health are passed to the ingest function byte for byte.
# The function answers as on one machine. The API itself refuses other paths, which costs no invocation.

resource "aws_api_gateway_rest_api" "this" {
  name        = var.name
  description = "Accepts events for ${var.name}"

  # Every body is passed as base64. Otherwise the API would read it as UTF-8 and replace invalid bytes. The function
  # could then neither keep the body byte for byte nor refuse it.
  binary_media_types = ["*/*"]

  endpoint_configuration {
    types = ["REGIONAL"]
  }

  tags = var.tags

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_resource" "events" {
  rest_api_id = aws_api_gateway_rest_api.this.id
  parent_id   = aws_api_gateway_rest_api.this.root_resource_id
  path_part   = "events"
}

resource "aws_api_gateway_method" "post_events" {
  # checkov:skip=CKV2_AWS_53:Events are never refused for their content here: the consumer checks them, so that a wrong schema can be fixed and the events replayed.
  rest_api_id   = aws_api_gateway_rest_api.this.id
  resource_id   = aws_api_gateway_resource.events.id
  http_method   = "POST"
  authorization = var.authorization
}

resource "aws_api_gateway_integration" "post_events" {
  rest_api_id             = aws_api_gateway_rest_api.this.id
  resource_id             = aws_api_gateway_resource.events.id
  http_method             = aws_api_gateway_method.post_events.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = var.function.invoke_arn
  timeout_milliseconds    = 29000
}

resource "aws_api_gateway_resource" "health" {
  rest_api_id = aws_api_gateway_rest_api.this.id
  parent_id   = aws_api_gateway_rest_api.this.root_resource_id
  path_part   = "health"
}

locals {
  # Paths for which the function answers all methods: those that it does not support with 405 and `Allow`.
  paths = { events = aws_api_gateway_resource.events, health = aws_api_gateway_resource.health }
}

resource "aws_api_gateway_method" "any" {
  # checkov:skip=CKV2_AWS_53:The function judges these requests, as it does on one machine.
  for_each = local.paths

  rest_api_id   = aws_api_gateway_rest_api.this.id
  resource_id   = each.value.id
  http_method   = "ANY"
  authorization = var.authorization
}

resource "aws_api_gateway_integration" "any" {
  for_each = local.paths

  rest_api_id             = aws_api_gateway_rest_api.this.id
  resource_id             = each.value.id
  http_method             = aws_api_gateway_method.any[each.key].http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = var.function.invoke_arn
  timeout_milliseconds    = 29000
}

resource "aws_lambda_permission" "any" {
  for_each = local.paths

  statement_id  = "ApiAnyOf${title(each.key)}"
  action        = "lambda:InvokeFunction"
  function_name = var.function.name
  qualifier     = var.function.alias
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.this.execution_arn}/${var.stage}/*/${each.key}"
}

resource "aws_lambda_permission" "api" {
  statement_id  = "ApiPostsEvents"
  action        = "lambda:InvokeFunction"
  function_name = var.function.name
  qualifier     = var.function.alias
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.this.execution_arn}/${var.stage}/POST/events"
}

resource "aws_api_gateway_deployment" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id

  # A deployment is a snapshot, so a change of its content must create a new one. The trigger does not use whole
  # resources: they would create one on the second apply too, because reading them back fills in omitted arguments.
  triggers = {
    content = sha256(jsonencode([
      aws_api_gateway_rest_api.this.binary_media_types,
      aws_api_gateway_resource.events.path,
      aws_api_gateway_method.post_events.http_method,
      aws_api_gateway_method.post_events.authorization,
      aws_api_gateway_integration.post_events.uri,
      aws_api_gateway_integration.post_events.timeout_milliseconds,
      [for path, method in aws_api_gateway_method.any : [path, method.http_method, method.authorization]],
      [for integration in aws_api_gateway_integration.any : integration.uri],
      local.refusals,
    ]))
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [aws_api_gateway_gateway_response.refusal]
}

resource "aws_api_gateway_stage" "this" {
  # checkov:skip=CKV_AWS_120:There is nothing to cache: the API only accepts events.
  # checkov:skip=CKV2_AWS_51:A client certificate proves the API to a backend over HTTP; this backend is a Lambda function, reached through IAM.
  # checkov:skip=CKV2_AWS_77:The web ACL (api.waf) has the rule group, in a dynamic block, which checkov does not follow.
  rest_api_id          = aws_api_gateway_rest_api.this.id
  deployment_id        = aws_api_gateway_deployment.this.id
  stage_name           = var.stage
  description          = "Where events come in"
  xray_tracing_enabled = true

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format          = jsonencode(local.access_log)
  }

  tags = var.tags

  depends_on = [aws_api_gateway_account.this, aws_cloudwatch_log_group.execution]
}

resource "aws_api_gateway_method_settings" "all" {
  # checkov:skip=CKV_AWS_225:There is nothing to cache: the API only accepts events.
  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
  method_path = "*/*"

  settings {
    metrics_enabled        = true
    logging_level          = "ERROR"
    data_trace_enabled     = false
    throttling_rate_limit  = var.throttle.rate_per_s
    throttling_burst_limit = var.throttle.burst
  }
}
