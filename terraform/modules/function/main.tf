# A Lambda function with its log group, one role with one policy, and an alias that all callers use.

locals {
  log_group = "/aws/lambda/${var.name}"
}

# Created here and not by Lambda on first use, so that retention and key apply from the first line on.
resource "aws_cloudwatch_log_group" "this" {
  name              = local.log_group
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_lambda_function" "this" {
  # checkov:skip=CKV_AWS_116:Only schedules invoke it asynchronously, and their next run makes up for a lost one; queue messages have their own dead letter queue.
  # checkov:skip=CKV_AWS_117:It reaches only AWS services by IAM; in a VPC it would need an endpoint for each and start later.
  # checkov:skip=CKV_AWS_173:The variables hold names, addresses and limits, no secrets; a key would add a KMS call to each cold start.
  # checkov:skip=CKV_AWS_272:The zips come from this repository's own build and are pinned by their hash.
  function_name                  = var.name
  description                    = var.description
  role                           = aws_iam_role.this.arn
  runtime                        = "provided.al2023"
  handler                        = "bootstrap"
  architectures                  = [var.architecture]
  filename                       = var.zip
  source_code_hash               = filebase64sha256(var.zip)
  timeout                        = var.timeout_s
  memory_size                    = var.memory_mb
  reserved_concurrent_executions = var.reserved_concurrency == null ? -1 : var.reserved_concurrency

  # Errors and traces identify the code by this version.
  publish = true

  environment {
    variables = var.environment
  }

  tracing_config {
    mode = "Active"
  }

  logging_config {
    log_format            = "JSON"
    log_group             = aws_cloudwatch_log_group.this.name
    application_log_level = upper(var.log_level)
    system_log_level      = "INFO"
  }

  tags = var.tags

  # Lambda checks the permissions of the role when the function is created and when it starts.
  depends_on = [aws_iam_role_policy.this]
}

# Callers use the alias, so a new version replaces the old one in one step, and a rollback is one step too.
resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = "What runs"
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version
}

resource "aws_lambda_provisioned_concurrency_config" "live" {
  count = var.provisioned_concurrency > 0 ? 1 : 0

  function_name                     = aws_lambda_function.this.function_name
  qualifier                         = aws_lambda_alias.live.name
  provisioned_concurrent_executions = var.provisioned_concurrency
}

resource "aws_lambda_event_source_mapping" "queue" {
  count = var.queue == null ? 0 : 1

  event_source_arn                   = var.queue.arn
  function_name                      = aws_lambda_alias.live.arn
  batch_size                         = var.queue.batch_size
  maximum_batching_window_in_seconds = var.queue.batch_window_s
  function_response_types            = ["ReportBatchItemFailures"]
  tags                               = var.tags

  scaling_config {
    maximum_concurrency = var.queue.maximum_concurrency
  }
}
