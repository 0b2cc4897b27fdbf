# The alarms, from the rules that `spillway alarms compile` checked.

locals {
  # What thresholds are shares of: what this deployment has, then what was set by hand. The others are those of the compiled file. Only
  # people know how many requests come in at any hour: until they set it, silence is no fault, or each new deployment would wake its owner.
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

  # How many of a function run at once at most: what its queue gives it, or else its share of the account.
  concurrency_limits = { for name in local.event_path : name =>
    local.functions[name].maximum_concurrency != null ? local.functions[name].maximum_concurrency : local.functions[name].reserved_concurrency
  }

  # What rules call by a topology key. The names are known before what has them is there: the reporter gets them in its
  # environment, so that functions, and the API in front of one, would wait for themselves.
  resources = merge({ for name in local.event_path : "functions.${name}" => local.function_names[name] }, {
    "api"            = var.name
    "api.stage"      = local.stage
    "queues.primary" = module.queue.primary.name
    "queues.dlq"     = module.queue.dlq.name
    "table"          = module.events.name
    "budget"         = module.budget.name
  })
}

module "rules" {
  source = "./modules/compiled_rules"

  file   = var.alarms.rules_file == null ? "${path.module}/../alerts/rules.json" : var.alarms.rules_file
  limits = local.limits
}

module "alarms" {
  source = "./modules/alarms"

  name           = var.name
  rules          = module.rules.rules
  resources      = local.resources
  reporter       = local.function_names["reporter"]
  topics         = { high = module.topics.arns["high"], low = module.topics.arns["low"] }
  business_hours = var.business_hours
  dashboard_url  = var.alarms.dashboard_url
  account_id     = local.account
  partition      = local.partition
  kms_key_arn    = local.kms_key_arn
  tags           = local.tags
}
