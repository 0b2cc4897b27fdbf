# The alarms, from the same rule files that `spillway alarms check` reads.

locals {
  rules_dir  = var.alarms.rules_dir == null ? "${path.module}/../alerts/rules" : var.alarms.rules_dir
  rule_files = { for file in fileset(local.rules_dir, "*.yaml") : "${local.rules_dir}/${file}" => file("${local.rules_dir}/${file}") }

  limits_file = "${local.rules_dir}/../limits.yaml"

  # Limits, of which thresholds are shares: the file's, then those of this deployment, then those set by hand. Only people know how many
  # requests to expect at any hour. Until they set it, silence is no fault; otherwise each new deployment would cause a page.
  limits = merge(
    fileexists(local.limits_file) ? yamldecode(file(local.limits_file)) : {},
    {
      "api.expected_requests_per_5_minutes" = 0
      "api.requests_per_minute"             = 60 * var.api.throttle_rate_per_s
      "functions.ingest.timeout_ms"         = 1000 * var.ingest.timeout_s
      "functions.consumer.timeout_ms"       = 1000 * var.consumer.timeout_s
      "functions.archiver.timeout_ms"       = 1000 * var.archiver.timeout_s
      "functions.consumer.concurrency"      = var.consumer.maximum_concurrency
      "functions.archiver.concurrency"      = var.archiver.maximum_concurrency
      "queues.primary.max_receive_count"    = var.retries.max_receive_count
      "queues.dlq.retention_s"              = module.queue.dlq.retention_s
    },
    var.ingest.reserved_concurrency == null ? {} : { "functions.ingest.concurrency" = var.ingest.reserved_concurrency },
    var.alarms.limits,
  )

  # What rules call by a topology key.
  resources = {
    "api"                = module.api.topology.name
    "api.stage"          = local.stage
    "functions.ingest"   = module.ingest.name
    "functions.consumer" = module.consumer.name
    "functions.archiver" = module.archiver.name
    "queues.primary"     = module.queue.primary.name
    "queues.dlq"         = module.queue.dlq.name
    "table"              = module.events.name
    "budget"             = module.budget.name
  }
}

module "rules" {
  source = "./modules/rules"

  files  = local.rule_files
  limits = local.limits
}

module "alarms" {
  source = "./modules/alarms"

  name           = var.name
  rules          = module.rules.rules
  resources      = local.resources
  reporter       = "${var.name}-reporter"
  topics         = { high = module.topics.arns["high"], low = module.topics.arns["low"] }
  business_hours = var.business_hours
  dashboard_url  = var.alarms.dashboard_url
  account_id     = local.account
  partition      = local.partition
  kms_key_arn    = local.kms_key_arn
  tags           = local.tags
}
