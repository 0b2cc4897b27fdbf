# The alarms, from the rules that `spillway alarms compile` checked.

locals {
  # The limits that thresholds are shares of: first those of this deployment, then those that the operator set. All
  # others are those of the compiled file. Only the operator knows how many requests to expect at any hour. Until that
  # is set, silence is not a fault; otherwise each new deployment would page its owner.
  limits = merge(
    {
      "api.expected_requests_per_5_minutes" = 0
      "api.requests_per_minute"             = 60 * var.api.throttle_rate_per_s
      "queues.primary.max_receive_count"    = var.retries.max_receive_count
      "queues.dlq.retention_s"              = module.queue.dlq.retention_s
    },
    { for name in local.event_path : "functions.${name}.timeout_ms" => 1000 * local.functions[name].timeout_s },
    { for name, most in local.concurrency_limits : "functions.${name}.concurrency" => most if most != null },
    var.alarms.limits,
  )

  # Maximum concurrency of each function: the maximum that its queue allows, or else its reserved share of the account.
  concurrency_limits = { for name in local.event_path : name =>
    local.functions[name].maximum_concurrency != null ? local.functions[name].maximum_concurrency : local.functions[name].reserved_concurrency
  }

  # The names for the topology keys in the rules. They are known before the resources exist. The reporter gets the names
  # in its environment. A reference to the resources would make functions, and the API in front of one, depend on
  # themselves.
  resources = merge({ for name in local.event_path : "functions.${name}" => local.function_names[name] }, {
    "api"            = var.name
    "api.stage"      = local.stage
    "queues.primary" = module.queue.primary.name
    "queues.dlq"     = module.queue.dlq.name
    "table"          = module.events.name
    "budget"         = module.budget.name
    "topics.high"    = "${var.name}-high"
    "topics.low"     = "${var.name}-low"
  })

  # Resources that only some deployments have: a list for each topology key, because a table can have several replicas.
  # CloudFront publishes its metrics in us-east-1 only, and an alarm reads those of its own region. Like the names above, these
  # do not refer to the API; the distribution's id, which is known only after it exists, is added below.
  optional_resources = {
    "api.certificate"  = var.api.custom_domain == null ? [] : [var.api.custom_domain.certificate_arn]
    "api.distribution" = var.api.cloudfront == null || local.region != "us-east-1" ? [] : ["none"]
    "archive"          = var.archive.request_metrics ? [module.archive.bucket] : []
    "backup.vault"     = var.backup == null ? [] : [var.name]
    "table.replica"    = sort(keys(var.table.replicas))
  }

  distribution = length(local.optional_resources["api.distribution"]) == 0 ? {} : { "api.distribution" = module.api.distribution_id }
}

module "rules" {
  source = "./modules/compiled_rules"

  file   = var.alarms.rules_file == null ? "${path.module}/../alerts/rules.json" : var.alarms.rules_file
  limits = local.limits
}

module "alarms" {
  source = "./modules/alarms"

  name                   = var.name
  rules                  = module.rules.rules
  resources              = merge(local.resources, local.distribution)
  optional_resources     = local.optional_resources
  reporter               = local.function_names["reporter"]
  topics                 = { high = module.topics.arns["high"], low = module.topics.arns["low"] }
  business_hours         = var.business_hours
  dashboard_url          = var.alarms.dashboard_url
  scheduler_trust_policy = local.trust_policies.scheduler
  partition              = local.partition
  kms_key_arn            = local.kms_key_arn
  tags                   = local.tags
}
