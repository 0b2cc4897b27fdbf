# Aids for reading logs and traces. Each is off by default.

resource "aws_xray_group" "this" {
  count = var.trace_group ? 1 : 0

  group_name = var.name

  # Every trace that any of the deployment's functions took part in.
  filter_expression = join(" OR ", [for name in values(var.functions) : "service(\"${name}\")"])

  insights_configuration {
    insights_enabled      = false
    notifications_enabled = false
  }

  tags = var.tags
}

resource "aws_xray_sampling_rule" "this" {
  count = var.trace_sampling == null ? 0 : 1

  rule_name      = var.name
  priority       = 1000
  version        = 1
  reservoir_size = var.trace_sampling.per_second
  fixed_rate     = var.trace_sampling.share_of_rest
  service_name   = "${var.api_name}/${var.stage}"
  service_type   = "AWS::ApiGateway::Stage"
  host           = "*"
  http_method    = "*"
  url_path       = "*"
  resource_arn   = "*"
  tags           = var.tags
}

locals {
  queries = {
    "cold starts" = {
      groups = values(var.log_groups)
      query  = <<-EOT
        filter type = "platform.initReport"
        | stats count() as starts, avg(record.metrics.durationMs) as mean_ms, max(record.metrics.durationMs) as max_ms by @log, bin(5m)
      EOT
    }

    "functions ended by their timeout or a crash" = {
      groups = values(var.log_groups)
      query  = <<-EOT
        filter type = "platform.report" and record.status != "success"
        | fields @timestamp, @log, record.requestId, record.status, record.metrics.durationMs, record.metrics.maxMemoryUsedMB
        | sort @timestamp desc
        | limit 200
      EOT
    }

    "errors" = {
      groups = values(var.log_groups)
      query  = <<-EOT
        filter level = "ERROR"
        | sort @timestamp desc
        | limit 200
      EOT
    }

    "requests refused by the API" = {
      groups = [var.access_log_group]
      query  = <<-EOT
        filter status >= 400
        | stats count() as requests by status, error_type, bin(5m)
      EOT
    }
  }
}

resource "aws_cloudwatch_query_definition" "this" {
  for_each = var.saved_queries ? local.queries : {}

  name            = "${var.name}/${each.key}"
  log_group_names = each.value.groups
  query_string    = each.value.query
}
