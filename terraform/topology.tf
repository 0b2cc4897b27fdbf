output "topology" {
  description = "Every name, ARN, URL and limit of the deployment, from which the dashboard and the command line tool find it (`terraform output -json topology`)."

  # The functions on the event path are in one object; each other function has its own key.
  value = merge({ for name, function in module.function : name => function.topology if !contains(local.event_path, name) }, {
    # Version of this document's format. It changes when a field is renamed or removed, but not when one is added.
    version   = 1
    name      = var.name
    release   = var.release
    account   = local.account
    partition = local.partition
    region    = local.region
    tag       = local.tag

    api       = module.api.topology
    functions = { for name in local.event_path : name => module.function[name].topology }
    queues    = { primary = module.queue.primary, dlq = module.queue.dlq }

    table = {
      name         = module.events.name
      arn          = module.events.arn
      billing_mode = module.events.billing_mode
      capacity     = var.table.billing_mode == "provisioned" ? var.table.capacity : null
      replicas     = sort(keys(var.table.replicas))
    }

    event_store = local.event_store.location

    dead_letter_index = {
      name    = module.dead_letter_index.name
      arn     = module.dead_letter_index.arn
      indexes = module.dead_letter_index.indexes
      shards  = local.index_shards
    }

    ops_log = { name = module.ops_log.name, arn = module.ops_log.arn }

    archive = {
      bucket           = module.archive.bucket
      arn              = module.archive.arn
      prefix           = module.archive.prefixes.dead_letters
      unindexed_prefix = module.archive.prefixes.unindexed
      schemas_prefix   = var.schemas_dir == null ? null : module.archive.prefixes.schemas
      schema_set_key   = try(module.archive.schema_set.key, null)
      keep_days        = var.archive.keep_days
    }

    # `limits` are the values that thresholds of the rules are shares of. `business_hours` is null if low alarms are
    # notified at any hour. `resources` are those that have no other place here, by the keys in the rules.
    alarms = merge(module.alarms.topology, {
      limits         = module.rules.limits
      business_hours = var.business_hours
      dashboard_url  = var.alarms.dashboard_url
      resources      = merge({ for key, name in local.resources : key => name if startswith(key, "topics.") }, { for key, names in local.optional_resources : key => names[0] if length(names) > 0 }, local.distribution)
    })

    topics = module.topics.arns
    budget = { name = module.budget.name, monthly_usd = var.monthly_budget_usd }

    events = {
      default_source   = var.api.default_source
      default_type     = var.api.default_type
      max_batch_events = var.api.max_batch_events
      max_event_bytes  = var.api.max_event_bytes
    }

    retries = var.retries

    traces = {
      group    = module.observability.trace_group
      sampling = var.observability.trace_sampling
    }

    backup_vault = var.backup == null ? null : module.backup[0].vault
    kms_key_arn  = local.kms_key_arn
  })

  precondition {
    condition     = module.rules.problem == ""
    error_message = module.rules.problem
  }
}
