# The only list of functions. Zips, roles, policies, log groups, variables, schedules, the topology and the limits of
# the alarms follow from it. A new function needs an entry here, its environment below, and its policy in policies.tf.
# README.md lists the environment variables.

locals {
  # The settings of each function. modules/function documents each setting.
  function_list = {
    ingest   = merge(var.ingest, { description = "Accepts events and queues them" })
    consumer = merge(var.consumer, { description = "Stores queued events", queue = "primary" })
    archiver = merge(var.archiver, { description = "Archives dead letters, indexes them, and carries replays on", queue = "dlq" })

    # Not on the event path. It draws charts at three times their size and scales them down, and a call to CloudWatch
    # may take seconds. That is why it gets more memory and a longer timeout.
    reporter = {
      description   = "Sends the morning digest of low alarms; measures the budget and the time to loss"
      timeout_s     = 120
      memory_mb     = 512
      on_event_path = false
    }
  }

  # All values here are known before an apply, so that rules, alarms and checks may use them.
  functions = { for name, function in local.function_list : name => merge({
    on_event_path           = true
    reserved_concurrency    = null
    provisioned_concurrency = 0
    queue                   = null
    batch_size              = null
    batch_window_s          = null
    maximum_concurrency     = null
  }, function) }

  function_names = { for name in keys(local.functions) : name => "${var.name}-${name}" }
  event_path     = toset([for name, function in local.functions : name if function.on_event_path])
  zips           = { for name in keys(local.functions) : name => "${var.artifacts_dir}/${name}-${var.architecture}.zip" }

  # Dead letters are spread over this number of partitions in each index, because one partition accepts 1,000 writes a
  # second.
  index_shards = 8

  # The environment of each function, except its timeout. A null value means that the variable is not set.
  common_environment = {
    SPILLWAY_DEPLOYMENT = var.name
    SPILLWAY_LOG_LEVEL  = var.observability.log_level
    SPILLWAY_RELEASE    = var.release
  }

  environments = {
    ingest = {
      SPILLWAY_QUEUE_URL         = module.queue.primary.url
      SPILLWAY_DEFAULT_SOURCE    = var.api.default_source
      SPILLWAY_DEFAULT_TYPE      = var.api.default_type
      SPILLWAY_MAX_BATCH_EVENTS  = tostring(var.api.max_batch_events)
      SPILLWAY_MAX_EVENT_BYTES   = tostring(var.api.max_event_bytes)
      SPILLWAY_MAX_REQUEST_BYTES = tostring(var.api.max_request_bytes)
    }

    consumer = {
      SPILLWAY_QUEUE_URL               = module.queue.primary.url
      SPILLWAY_DLQ_URL                 = module.queue.dlq.url
      SPILLWAY_EVENT_STORE             = local.event_store.location
      SPILLWAY_DEAD_LETTER_INDEX_TABLE = module.dead_letter_index.name
      SPILLWAY_OPS_TABLE               = module.ops_log.name
      SPILLWAY_INDEX_SHARDS            = tostring(local.index_shards)
      SPILLWAY_MAX_RECEIVE_COUNT       = tostring(var.retries.max_receive_count)
      SPILLWAY_RETRY_BASE_S            = tostring(var.retries.base_s)
      SPILLWAY_RETRY_CAP_S             = tostring(var.retries.cap_s)
      SPILLWAY_VISIBILITY_TIMEOUT_S    = tostring(module.queue.primary.visibility_timeout_s)
      SPILLWAY_SCHEMAS_BUCKET          = var.schemas_dir == null ? null : module.archive.bucket
      SPILLWAY_SCHEMAS_KEY             = try(module.archive.schema_set.key, null)
      SPILLWAY_SCHEMAS_VERSION         = try(module.archive.schema_set.version, null)
      SPILLWAY_SCHEMAS_HASH            = try(module.archive.schema_set.hash, null)
    }

    archiver = {
      SPILLWAY_QUEUE_URL                = module.queue.primary.url
      SPILLWAY_ARCHIVE_BUCKET           = module.archive.bucket
      SPILLWAY_ARCHIVE_PREFIX           = module.archive.prefixes.dead_letters
      SPILLWAY_ARCHIVE_UNINDEXED_PREFIX = module.archive.prefixes.unindexed
      SPILLWAY_DEAD_LETTER_INDEX_TABLE  = module.dead_letter_index.name
      SPILLWAY_OPS_TABLE                = module.ops_log.name
      SPILLWAY_INDEX_SHARDS             = tostring(local.index_shards)
      SPILLWAY_MAX_RECEIVE_COUNT        = tostring(var.retries.max_receive_count)
    }

    reporter = module.reporter.environment
  }

  # The scheduled invocations of functions that have any.
  schedules = {
    ingest = var.ingest.warm_up_every_minutes == 0 ? {} : {
      warm-up = {
        description   = "Keeps one sandbox of ingest initialised"
        every_minutes = var.ingest.warm_up_every_minutes
        input         = jsonencode(local.warm_up_request)
      }
    }

    # A dead letter is safe once it is in the bucket. If its index write failed, a note in the bucket says so, and this
    # task indexes it. The task also continues replays that no other program continues.
    archiver = {
      maintain = {
        description   = "Indexes dead letters whose index write failed, and carries replays on"
        every_minutes = 5
        input         = jsonencode({ task = "maintain" })
      }
    }

    reporter = module.reporter.schedules
  }
}

module "function" {
  source   = "./modules/function"
  for_each = local.functions

  name                    = local.function_names[each.key]
  description             = each.value.description
  zip                     = local.zips[each.key]
  architecture            = var.architecture
  timeout_s               = each.value.timeout_s
  memory_mb               = each.value.memory_mb
  reserved_concurrency    = each.value.reserved_concurrency
  provisioned_concurrency = each.value.provisioned_concurrency
  statements              = merge(local.statements, { reporter = module.reporter.statements })[each.key]
  schedules               = lookup(local.schedules, each.key, {})
  log_level               = var.observability.log_level
  log_retention_days      = var.observability.log_retention_days
  scheduler_trust_policy  = local.trust_policies.scheduler
  kms_key_arn             = local.kms_key_arn
  tags                    = local.tags

  environment = { for key, value in merge(local.common_environment, local.environments[each.key], {
    SPILLWAY_TIMEOUT_S = tostring(each.value.timeout_s)
  }) : key => value if value != null }

  queue = each.value.queue == null ? null : {
    arn                 = { primary = module.queue.primary.arn, dlq = module.queue.dlq.arn }[each.value.queue]
    batch_size          = each.value.batch_size
    batch_window_s      = each.value.batch_window_s
    maximum_concurrency = each.value.maximum_concurrency
  }
}

# Deployments from before this list keep their functions: only the addresses in their state change.
moved {
  from = module.ingest
  to   = module.function["ingest"]
}

moved {
  from = module.consumer
  to   = module.function["consumer"]
}

moved {
  from = module.archiver
  to   = module.function["archiver"]
}

moved {
  from = module.reporter.module.function
  to   = module.function["reporter"]
}

locals {
  # A request in API Gateway's format, to a path that ingest answers with 404 without a call to any service.
  warm_up_request = {
    resource                        = "/{proxy+}"
    path                            = "/warm-up"
    httpMethod                      = "GET"
    headers                         = {}
    multiValueHeaders               = {}
    queryStringParameters           = {}
    multiValueQueryStringParameters = {}
    pathParameters                  = {}
    stageVariables                  = {}
    body                            = null
    isBase64Encoded                 = false
    requestContext = {
      path             = "/${local.stage}/warm-up"
      stage            = local.stage
      httpMethod       = "GET"
      requestId        = "warm-up"
      resourcePath     = "/{proxy+}"
      protocol         = "HTTP/1.1"
      identity         = { sourceIp = "127.0.0.1" }
      requestTimeEpoch = 0
    }
  }
}
