# Schedules for each calendar in calendars.json, which also contains the expected expressions. A test of the crate
# spillway-alerts evaluates the same expressions over a year and compares them with its own business hours.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

locals {
  calendars = jsondecode(file("${path.module}/calendars.json"))
}

module "alarms" {
  source   = "../../modules/alarms"
  for_each = { for calendar in local.calendars : calendar.hours.zone => calendar.hours }

  name                   = "demo"
  rules                  = {}
  resources              = {}
  topics                 = { high = "arn:aws:sns:eu-central-1:123456789012:demo-high", low = "arn:aws:sns:eu-central-1:123456789012:demo-low" }
  business_hours         = each.value
  dashboard_url          = null
  scheduler_trust_policy = "{\"Version\":\"2012-10-17\"}"
  partition              = "aws"
  kms_key_arn            = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  tags                   = { spillway = "demo" }
}

output "count" {
  description = "How many calendars there are."
  value       = length(local.calendars)
}

output "otherwise" {
  description = "Calendars whose schedules differ from those in the file, with their schedules."
  value = { for calendar in local.calendars : calendar.hours.zone => { openings = module.alarms[calendar.hours.zone].openings, closings = module.alarms[calendar.hours.zone].closings }
  if jsonencode(calendar.openings) != jsonencode(module.alarms[calendar.hours.zone].openings) || jsonencode(calendar.closings) != jsonencode(module.alarms[calendar.hours.zone].closings) }
}
