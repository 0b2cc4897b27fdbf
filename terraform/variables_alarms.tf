# Which alarms exist, and when people are notified.

variable "alarms" {
  description = <<-EOT
    The alarms. `rules_file` is a file of compiled rules, which `spillway alarms compile DIR --out FILE` writes; null
    for alerts/rules.json. `rules_dir` was a folder of rule files and is refused: compile it. `limits` sets limits that
    thresholds are shares of, by key, if neither that file nor this deployment's own settings are right. With
    `api.expected_requests_per_5_minutes` (requests that arrive at any hour, 0 unless set) too few requests become an
    alarm. With `dashboard_url` each alarm links to its page on the dashboard and to its runbook.
  EOT
  type = object({
    rules_file    = optional(string)
    rules_dir     = optional(string)
    limits        = optional(map(number), {})
    dashboard_url = optional(string)
  })
  default = {}

  validation {
    condition     = var.alarms.rules_dir == null
    error_message = "alarms.rules_dir is no longer read: run `spillway alarms compile DIR --out FILE` and set alarms.rules_file to FILE."
  }

  validation {
    condition     = var.alarms.dashboard_url == null || can(regex("^https?://[^ ?#]*[^ ?#/]$", var.alarms.dashboard_url))
    error_message = "alarms.dashboard_url must be an address without a slash at the end, such as https://spillway.example.com, or null for no links."
  }
}

variable "business_hours" {
  description = <<-EOT
    When low alarms notify: an IANA time zone, days from monday to sunday, local times from and to, and holidays as dates.
    An alarm that is still on when they begin notifies then, and a digest lists those that fired and cleared meanwhile. With
    null low alarms notify at any hour. High alarms always notify at any hour.
  EOT
  type = object({
    zone     = optional(string, "Etc/UTC")
    days     = optional(list(string), ["monday", "tuesday", "wednesday", "thursday", "friday"])
    open     = optional(string, "09:00")
    close    = optional(string, "17:00")
    holidays = optional(list(string), [])
  })
  default = {}

  validation {
    condition     = can(regex("^[A-Za-z]+(/[A-Za-z0-9_+-]+)*$", try(var.business_hours.zone, "UTC")))
    error_message = "business_hours.zone must be an IANA name of a time zone, such as Europe/Berlin."
  }

  validation {
    condition     = try(length(var.business_hours.days), 1) > 0 && alltrue([for day in try(var.business_hours.days, []) : contains(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"], day)])
    error_message = "business_hours.days must have at least one of monday, tuesday, wednesday, thursday, friday, saturday and sunday."
  }

  validation {
    condition     = alltrue([for time in try([var.business_hours.open, var.business_hours.close], []) : can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]$", time))])
    error_message = "business_hours.open and business_hours.close must be local times such as 09:00."
  }

  validation {
    condition     = try(tonumber(replace(var.business_hours.open, ":", "")), 900) >= 400 && try(tonumber(replace(var.business_hours.close, ":", "")) > tonumber(replace(var.business_hours.open, ":", "")), true)
    error_message = "business_hours.open must be 04:00 or later, and business_hours.close later on the same day: Scheduler skips times in the hour that daylight saving skips, and clocks change before four."
  }

  validation {
    condition     = alltrue([for day in try(var.business_hours.holidays, []) : can(regex("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", day)) && can(formatdate("D", "${day}T00:00:00Z"))])
    error_message = "business_hours.holidays must be dates such as 2026-12-25."
  }
}
