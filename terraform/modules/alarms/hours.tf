# Business hours: an alarm that is in ALARM outside them and suppresses low alarms. EventBridge Scheduler
# switches it in the zone's own time, so daylight saving is correct. Metric math cannot: its clocks are UTC.

locals {
  hours = var.business_hours == null ? [] : [var.business_hours]

  # Cron's names, in the order of the week.
  week = [
    { name = "monday", cron = "MON" }, { name = "tuesday", cron = "TUE" }, { name = "wednesday", cron = "WED" }, { name = "thursday", cron = "THU" },
    { name = "friday", cron = "FRI" }, { name = "saturday", cron = "SAT" }, { name = "sunday", cron = "SUN" },
  ]

  days     = [for hours in local.hours : join(",", [for day in local.week : day.cron if contains(hours.days, day.name)])]
  opening  = [for hours in local.hours : join(" ", [for part in reverse(split(":", hours.open)) : tonumber(part)])]
  closing  = [for hours in local.hours : join(" ", [for part in reverse(split(":", hours.close)) : tonumber(part)])]
  holidays = toset(flatten(local.hours[*].holidays))

  # cron cannot leave a day out. So a month with holidays lists its working days, a year with holidays has an expression
  # for its other months, and a last expression has all other years, up to Scheduler's last one.
  months = sort(distinct([for day in local.holidays : substr(day, 0, 7)]))
  years  = sort(distinct([for day in local.holidays : substr(day, 0, 4)]))

  working_days = { for month in local.months : month => [
    for day in range(1, 32) : day
    if can(formatdate("D", format("%s-%02dT00:00:00Z", month, day))) && !contains(local.holidays, format("%s-%02d", month, day)) &&
    contains(flatten(local.hours[*].days), try(lower(formatdate("EEEE", format("%s-%02dT00:00:00Z", month, day))), "none"))
  ] }

  other_months = { for year in local.years : year => [for month in range(1, 13) : month if !contains(local.months, format("%s-%02d", year, month))] }

  # The years without holidays, as ranges.
  ends        = concat([1969], [for year in local.years : tonumber(year)], [2200])
  other_years = [for i in range(length(local.ends) - 1) : local.ends[i + 1] - local.ends[i] == 2 ? "${local.ends[i] + 1}" : "${local.ends[i] + 1}-${local.ends[i + 1] - 1}" if local.ends[i + 1] - local.ends[i] > 1]

  openings = length(local.hours) == 0 ? {} : merge(
    { for month, days in local.working_days : month => "cron(${local.opening[0]} ${join(",", days)} ${tonumber(substr(month, 5, 2))} ? ${substr(month, 0, 4)})" if length(days) > 0 },
    { for year, months in local.other_months : year => "cron(${local.opening[0]} ? ${join(",", months)} ${local.days[0]} ${year})" if length(months) > 0 },
    { other = "cron(${local.opening[0]} ? * ${local.days[0]} ${length(local.years) == 0 ? "*" : join(",", local.other_years)})" },
  )

  # Closing on a holiday changes nothing, because the state is already closed.
  closings = { for i, hours in local.hours : "all" => "cron(${local.closing[i]} ? * ${local.days[i]} *)" }

  flips = merge(
    { for key, expression in local.openings : "opening-${key}" => { expression = expression, state = "OK", reason = "Business hours begin." } },
    { for key, expression in local.closings : "closing-${key}" => { expression = expression, state = "ALARM", reason = "Business hours are over." } },
  )
}

# No program sends this metric, and missing data is ignored: the alarm keeps the state that was set last.
resource "aws_cloudwatch_metric_alarm" "out_of_hours" {
  count = length(local.hours)

  alarm_name          = "${var.name}-out-of-hours"
  alarm_description   = "In ALARM outside business hours. Schedules switch it; it suppresses the notifications of low alarms."
  namespace           = "Spillway"
  metric_name         = "NeverSent"
  dimensions          = { Deployment = var.name }
  statistic           = "Sum"
  period              = 60
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  treat_missing_data  = "ignore"
  tags                = var.tags

  # Deleted after the composites that it suppresses were changed: before that, CloudWatch refuses to delete it.
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_scheduler_schedule" "flip" {
  for_each = local.flips

  name                         = "${var.name}-${each.key}"
  description                  = each.value.reason
  schedule_expression          = each.value.expression
  schedule_expression_timezone = local.hours[0].zone
  kms_key_arn                  = var.kms_key_arn

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = "arn:${var.partition}:scheduler:::aws-sdk:cloudwatch:setAlarmState"
    role_arn = aws_iam_role.flip[0].arn

    input = jsonencode({
      AlarmName   = aws_cloudwatch_metric_alarm.out_of_hours[0].alarm_name
      StateValue  = each.value.state
      StateReason = each.value.reason
    })

    # A late switch is better than none, but not after the next one.
    retry_policy {
      maximum_retry_attempts       = 30
      maximum_event_age_in_seconds = 1800
    }
  }
}

resource "aws_iam_role" "flip" {
  count = length(local.hours)

  name               = "${var.name}-business-hours"
  description        = "Lets EventBridge Scheduler begin and end business hours"
  assume_role_policy = var.scheduler_trust_policy
  tags               = var.tags
}

resource "aws_iam_role_policy" "flip" {
  count = length(local.hours)

  name = "what-it-needs"
  role = aws_iam_role.flip[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "FlipTheSuppressor"
        Effect   = "Allow"
        Action   = "cloudwatch:SetAlarmState"
        Resource = aws_cloudwatch_metric_alarm.out_of_hours[0].arn
      },
      {
        Sid      = "ReadTheScheduleItself"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = var.kms_key_arn
      },
    ]
  })
}
