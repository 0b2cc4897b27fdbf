# Alarm on the reporter itself: its failures, and missing measurements, are otherwise silent.

resource "aws_cloudwatch_metric_alarm" "reporter" {
  count = var.reporter == null ? 0 : 1

  alarm_name          = "${var.name}-reporter-fails"
  alarm_description   = "The function ${var.reporter} fails, or is not invoked: no digests, no time to loss of dead letters, no share of the budget. Its log says why: /aws/lambda/${var.reporter}"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 4
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
  tags                = var.tags

  dynamic "metric_query" {
    for_each = { errors = "Errors", invocations = "Invocations" }

    content {
      id          = metric_query.key
      return_data = false

      metric {
        namespace   = "AWS/Lambda"
        metric_name = metric_query.value
        stat        = "Sum"
        period      = 900
        dimensions  = { FunctionName = var.reporter }
      }
    }
  }

  metric_query {
    id          = "fails"
    expression  = "IF(FILL(invocations, 0) < 1, 1, FILL(errors, 0))"
    label       = "reporter-fails"
    return_data = true
  }

  # Deleted after the composite that refers to it, like other alarms.
  lifecycle {
    create_before_destroy = true
  }
}
