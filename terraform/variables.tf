# Everything has a default: `terraform apply` alone creates a whole deployment. Options are off if they cost more or
# need a resource of the operator's.

variable "name" {
  description = "Name of the deployment: the beginning of every resource's name, and the value of the tag `spillway`. Roles and the budget are the account's, so a second region needs another name."
  type        = string
  default     = "spillway"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name must have 3 to 24 characters: lower-case letters, digits and single hyphens, a letter first and no hyphen last. The bucket's name begins with it, and S3 limits its length."
  }
}

variable "region" {
  description = "AWS region; null takes it from the environment (AWS_REGION) or the profile."
  type        = string
  default     = null
}

variable "tags" {
  description = "Further tags for every resource, such as an owner."
  type        = map(string)
  default     = {}

  validation {
    condition     = !anytrue([for key in keys(var.tags) : key == "spillway" || startswith(lower(key), "aws:")])
    error_message = "tags must not have the key `spillway`, which every resource has for the budget, or keys that begin with `aws:`, which belong to AWS."
  }

  validation {
    condition     = length(var.tags) <= 9
    error_message = "tags must be 9 at most: an object in S3 accepts 10, and one of them is `spillway`."
  }
}

variable "api" {
  description = <<-EOT
    The REST API. `authorization` is NONE, or AWS_IAM for requests signed with AWS credentials. `throttle_rate_per_s`
    and `throttle_burst` limit the stage. `max_request_bytes`, `max_event_bytes` and
    `max_batch_events` are enforced by the ingest function. `default_source` and `default_type` are for JSON
    without an envelope. Off unless set: `custom_domain` (a name, its certificate in this region, its Route 53 zone),
    `waf` (a web ACL, with the most requests in 5 minutes from one address), `cloudfront` (names and their certificate
    in us-east-1, price class, a web ACL for the edge).
  EOT
  type = object({
    authorization       = optional(string, "NONE")
    throttle_rate_per_s = optional(number, 10000)
    throttle_burst      = optional(number, 5000)
    max_request_bytes   = optional(number, 1048576)
    max_event_bytes     = optional(number, 245760)
    max_batch_events    = optional(number, 1000)
    default_source      = optional(string, "/spillway/api")
    default_type        = optional(string, "json")
    custom_domain = optional(object({
      name            = string
      certificate_arn = string
      zone_id         = optional(string)
    }))
    waf = optional(object({
      requests_per_address = optional(number, 10000)
    }))
    cloudfront = optional(object({
      aliases         = optional(list(string), [])
      certificate_arn = optional(string)
      price_class     = optional(string, "PriceClass_100")
      web_acl_arn     = optional(string)
    }))
  })
  default = {}

  validation {
    condition     = contains(["NONE", "AWS_IAM"], var.api.authorization)
    error_message = "api.authorization must be NONE or AWS_IAM."
  }

  validation {
    condition     = var.api.throttle_rate_per_s > 0 && var.api.throttle_burst >= 1
    error_message = "api.throttle_rate_per_s must be above 0 and api.throttle_burst at least 1: with less the API refuses every request."
  }

  validation {
    condition     = var.api.max_event_bytes >= 1024 && var.api.max_event_bytes <= 253952
    error_message = "api.max_event_bytes must be from 1024 to 253952: an SQS message has 262144 bytes, and 8192 of them are left to the attributes of the event and of its replays."
  }

  validation {
    condition     = var.api.max_request_bytes >= var.api.max_event_bytes && var.api.max_request_bytes <= 4194304
    error_message = "api.max_request_bytes must be at least api.max_event_bytes and at most 4194304: Lambda takes 6 MB, and the API passes the body on as base64, which is a third longer."
  }

  validation {
    condition     = var.api.max_batch_events >= 1 && floor(var.api.max_batch_events) == var.api.max_batch_events
    error_message = "api.max_batch_events must be a whole number of at least 1."
  }

  validation {
    condition     = length(var.api.default_source) > 0 && length(var.api.default_type) > 0
    error_message = "api.default_source and api.default_type must not be empty: a CloudEvent has both."
  }

  validation {
    condition     = try(var.api.waf.requests_per_address, 10000) >= 10 && try(var.api.waf.requests_per_address, 10000) <= 2000000000
    error_message = "api.waf.requests_per_address must be from 10 to 2000000000 requests in 5 minutes: WAF accepts no other value."
  }

  validation {
    condition     = length(try(var.api.cloudfront.aliases, [])) == 0 || try(startswith(var.api.cloudfront.certificate_arn, "arn:aws:acm:us-east-1:"), false)
    error_message = "api.cloudfront.aliases need api.cloudfront.certificate_arn, a certificate for them in us-east-1: CloudFront accepts it from no other region."
  }
}

variable "table" {
  description = "The table of events. `billing_mode` is on_demand, or provisioned with autoscaling between the limits in `capacity` (units a second). `replicas` makes a table on demand a global one: regions, each with the key that encrypts it there."
  type = object({
    billing_mode = optional(string, "on_demand")
    capacity = optional(object({
      read_min                   = optional(number, 5)
      read_max                   = optional(number, 1000)
      write_min                  = optional(number, 25)
      write_max                  = optional(number, 5000)
      target_utilisation_percent = optional(number, 70)
    }), {})
    replicas = optional(map(object({ kms_key_arn = string })), {})
  })
  default = {}

  validation {
    condition     = contains(["on_demand", "provisioned"], var.table.billing_mode)
    error_message = "table.billing_mode must be on_demand or provisioned."
  }

  validation {
    condition     = var.table.capacity.read_min >= 1 && var.table.capacity.read_max >= var.table.capacity.read_min && var.table.capacity.write_min >= 1 && var.table.capacity.write_max >= var.table.capacity.write_min
    error_message = "table.capacity needs 1 <= read_min <= read_max and 1 <= write_min <= write_max."
  }

  validation {
    condition     = var.table.capacity.target_utilisation_percent >= 20 && var.table.capacity.target_utilisation_percent <= 90
    error_message = "table.capacity.target_utilisation_percent must be from 20 to 90: DynamoDB accepts no other value."
  }

  validation {
    condition     = var.table.billing_mode == "on_demand" || length(var.table.replicas) == 0
    error_message = "table.replicas need table.billing_mode on_demand: DynamoDB replicates a provisioned table only with autoscaling, which Terraform can add only to an existing table."
  }

  validation {
    condition     = alltrue([for region, replica in var.table.replicas : strcontains(replica.kms_key_arn, ":kms:${region}:")])
    error_message = "Each of table.replicas needs the kms_key_arn of a key in its own region: the other regions cannot use this deployment's key."
  }
}

variable "archive" {
  description = "The archive of dead letters: days until they move to Glacier Instant Retrieval, from which a replay still reads immediately, and days until they are deleted; null keeps them. `request_metrics` lets S3 count requests and errors, at the price of a dozen custom metrics; without them no alarm watches the bucket."
  type = object({
    cold_after_days = optional(number, 90)
    keep_days       = optional(number)
    request_metrics = optional(bool, true)
  })
  default = {}

  validation {
    condition     = var.archive.cold_after_days >= 1
    error_message = "archive.cold_after_days must be at least 1."
  }

  validation {
    condition     = var.archive.keep_days == null || try(var.archive.keep_days >= var.archive.cold_after_days + 90, false)
    error_message = "archive.keep_days must be at least archive.cold_after_days + 90, or null to keep all: Glacier Instant Retrieval charges for 90 days at least."
  }
}

variable "backup" {
  description = "AWS Backup of the tables and the archive, off when null: a cron expression in UTC, and days that a copy is kept. Point-in-time recovery of the tables is on in any case."
  type = object({
    schedule  = optional(string, "cron(0 3 * * ? *)")
    keep_days = optional(number, 35)
  })
  default = null

  validation {
    condition     = can(regex("^cron\\(([^ ]+ ){5}[^ ]+\\)$", try(var.backup.schedule, "cron(0 3 * * ? *)")))
    error_message = "backup.schedule must be a cron expression of AWS with six fields, such as cron(0 3 * * ? *)."
  }

  validation {
    condition     = try(var.backup.keep_days, 35) >= 1
    error_message = "backup.keep_days must be at least 1."
  }
}

variable "deletion_protection" {
  description = "Whether tables, queues and the made key refuse to be deleted, and the archive refuses to be destroyed while it has objects. Set it to false, and apply, before `terraform destroy`."
  type        = bool
  default     = true
}

variable "make_key" {
  description = "Whether the deployment makes a key. It remains beside `kms_key_arn`, so that data encrypted with it can be read. Set false only if there never was one, or no data needs it any more."
  type        = bool
  default     = true

  validation {
    condition     = var.make_key || var.kms_key_arn != null
    error_message = "make_key must be true unless kms_key_arn names a key: the deployment's data must be encrypted."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts queues, tables, archive, topics and logs from now on; null takes the made one. Its policy must have the statements of modules/key."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key (not of an alias), such as arn:aws:kms:eu-central-1:123456789012:key/…, or null to have one made."
  }
}

variable "observability" {
  description = <<-EOT
    Logs and traces. `log_level` and `log_retention_days` apply to every function. Off unless set: `saved_queries` for
    Logs Insights, `trace_group` in X-Ray, `trace_sampling` (requests traced a second in any case, and the share of the
    others; the account's own rules, by default one a second and 5 %, otherwise). `manage_api_logs_role` sets the role with
    which all REST APIs of the account write logs: false if another stack has set it.
  EOT
  type = object({
    log_level            = optional(string, "info")
    log_retention_days   = optional(number, 30)
    saved_queries        = optional(bool, false)
    trace_group          = optional(bool, false)
    trace_sampling       = optional(object({ per_second = number, share_of_rest = number }))
    manage_api_logs_role = optional(bool, true)
  })
  default = {}

  validation {
    condition     = contains(["error", "warn", "info", "debug", "trace"], var.observability.log_level)
    error_message = "observability.log_level must be error, warn, info, debug or trace."
  }

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.observability.log_retention_days)
    error_message = "observability.log_retention_days must be one that CloudWatch Logs supports: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }

  validation {
    condition     = try(var.observability.trace_sampling.per_second, 1) >= 0 && try(var.observability.trace_sampling.share_of_rest, 0) >= 0 && try(var.observability.trace_sampling.share_of_rest, 0) <= 1
    error_message = "observability.trace_sampling needs per_second of at least 0 and share_of_rest from 0 to 1."
  }
}

variable "monthly_budget_usd" {
  description = "Budget of the deployment per month, in US dollars. The low topic is notified at 80 % and when the forecast exceeds it, the high topic when it is exceeded."
  type        = number
  default     = 50

  validation {
    condition     = var.monthly_budget_usd > 0
    error_message = "monthly_budget_usd must be above 0."
  }
}

variable "subscriptions" {
  description = "Who is notified: `high` needs a person now, `low` waits for business hours. Each has a protocol and an endpoint of SNS. An e-mail address must be confirmed from the mail that SNS sends."
  type = object({
    high = optional(list(object({ protocol = string, endpoint = string })), [])
    low  = optional(list(object({ protocol = string, endpoint = string })), [])
  })
  default = {}

  validation {
    condition     = alltrue([for s in concat(var.subscriptions.high, var.subscriptions.low) : contains(["email", "email-json", "https", "sms", "sqs", "lambda"], s.protocol)])
    error_message = "subscriptions: protocol must be email, email-json, https, sms, sqs or lambda. The topics refuse plain http."
  }

  validation {
    condition     = alltrue([for s in concat(var.subscriptions.high, var.subscriptions.low) : !startswith(s.protocol, "email") || can(regex("^[^@ ]+@[^@ ]+$", s.endpoint))])
    error_message = "subscriptions: the endpoint of an email subscription must be an e-mail address."
  }
}
