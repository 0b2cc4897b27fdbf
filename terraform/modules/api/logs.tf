resource "aws_cloudwatch_log_group" "access" {
  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

# API Gateway's own log of errors before or after the function. Without this resource API Gateway would create the group
# itself, without a key and with unlimited retention.
resource "aws_cloudwatch_log_group" "execution" {
  name              = "API-Gateway-Execution-Logs_${aws_api_gateway_rest_api.this.id}/${var.stage}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

locals {
  # One line for each request, without any of its body. `trace_id` is also in the functions' logs. API Gateway's error
  # message ($context.error.message) is left out: it may quote the Authorization header, and the client chooses that text.
  # `error_type` is one of API Gateway's fixed words.
  access_log = {
    time                   = "$context.requestTime"
    request_id             = "$context.requestId"
    extended_request_id    = "$context.extendedRequestId"
    trace_id               = "$context.xrayTraceId"
    source_ip              = "$context.identity.sourceIp"
    user_agent             = "$context.identity.userAgent"
    method                 = "$context.httpMethod"
    path                   = "$context.path"
    protocol               = "$context.protocol"
    status                 = "$context.status"
    response_bytes         = "$context.responseLength"
    latency_ms             = "$context.responseLatency"
    integration_status     = "$context.integration.status"
    integration_latency_ms = "$context.integration.latency"
    integration_error      = "$context.integration.error"
    error_type             = "$context.error.responseType"
    waf                    = "$context.wafResponseCode"
  }
}

# One setting for all REST APIs of the account in the region: the role with which they write their logs.
resource "aws_api_gateway_account" "this" {
  count = var.manage_account_role ? 1 : 0

  cloudwatch_role_arn = aws_iam_role.logs[0].arn

  depends_on = [aws_iam_role_policy_attachment.logs]
}

resource "aws_iam_role" "logs" {
  count = var.manage_account_role ? 1 : 0

  name        = "${var.name}-api-logs"
  description = "Lets the account's REST APIs write their logs"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "ApiGateway"
      Effect    = "Allow"
      Principal = { Service = "apigateway.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })

  tags = var.tags
}

# The setting belongs to the account, not to this API. So it uses the policy that AWS made for it: API Gateway refuses a
# role with fewer permissions.
resource "aws_iam_role_policy_attachment" "logs" {
  count = var.manage_account_role ? 1 : 0

  role       = aws_iam_role.logs[0].name
  policy_arn = "arn:${var.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}
