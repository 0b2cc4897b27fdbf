# The three functions: their settings, and what each may do. README.md lists the environment variables.

locals {
  functions = {
    ingest   = module.ingest.topology
    consumer = module.consumer.topology
    archiver = module.archiver.topology
  }

  # Dead letters are spread over this many partitions in each index, since one takes 1,000 writes a second.
  index_shards = 8

  # What every function is told. A null is a variable that is not set.
  common_environment = {
    SPILLWAY_DEPLOYMENT = var.name
    SPILLWAY_LOG_LEVEL  = var.observability.log_level
    SPILLWAY_RELEASE    = var.release
  }

  environments = {
    ingest = merge(local.common_environment, {
      SPILLWAY_QUEUE_URL         = module.queue.primary.url
      SPILLWAY_DEFAULT_SOURCE    = var.api.default_source
      SPILLWAY_DEFAULT_TYPE      = var.api.default_type
      SPILLWAY_MAX_BATCH_EVENTS  = tostring(var.api.max_batch_events)
      SPILLWAY_MAX_EVENT_BYTES   = tostring(var.api.max_event_bytes)
      SPILLWAY_MAX_REQUEST_BYTES = tostring(var.api.max_request_bytes)
      SPILLWAY_TIMEOUT_S         = tostring(var.ingest.timeout_s)
    })

    consumer = merge(local.common_environment, {
      SPILLWAY_QUEUE_URL               = module.queue.primary.url
      SPILLWAY_DLQ_URL                 = module.queue.dlq.url
      SPILLWAY_EVENTS_TABLE            = module.events.name
      SPILLWAY_DEAD_LETTER_INDEX_TABLE = module.dead_letter_index.name
      SPILLWAY_OPS_TABLE               = module.ops_log.name
      SPILLWAY_INDEX_SHARDS            = tostring(local.index_shards)
      SPILLWAY_MAX_RECEIVE_COUNT       = tostring(var.retries.max_receive_count)
      SPILLWAY_RETRY_BASE_S            = tostring(var.retries.base_s)
      SPILLWAY_RETRY_CAP_S             = tostring(var.retries.cap_s)
      SPILLWAY_TIMEOUT_S               = tostring(var.consumer.timeout_s)
      SPILLWAY_SCHEMAS_BUCKET          = var.schemas_dir == null ? null : module.archive.bucket
      SPILLWAY_SCHEMAS_PREFIX          = var.schemas_dir == null ? null : module.archive.prefixes.schemas
      SPILLWAY_SCHEMAS_HASH            = module.archive.schemas_hash
    })

    archiver = merge(local.common_environment, {
      SPILLWAY_QUEUE_URL                = module.queue.primary.url
      SPILLWAY_ARCHIVE_BUCKET           = module.archive.bucket
      SPILLWAY_ARCHIVE_PREFIX           = module.archive.prefixes.dead_letters
      SPILLWAY_ARCHIVE_UNINDEXED_PREFIX = module.archive.prefixes.unindexed
      SPILLWAY_DEAD_LETTER_INDEX_TABLE  = module.dead_letter_index.name
      SPILLWAY_OPS_TABLE                = module.ops_log.name
      SPILLWAY_INDEX_SHARDS             = tostring(local.index_shards)
      SPILLWAY_MAX_RECEIVE_COUNT        = tostring(var.retries.max_receive_count)
      SPILLWAY_TIMEOUT_S                = tostring(var.archiver.timeout_s)
    })
  }
}

module "ingest" {
  source = "./modules/function"

  name                    = "${var.name}-ingest"
  description             = "Takes events in and queues them"
  zip                     = local.zips.ingest
  architecture            = var.architecture
  timeout_s               = var.ingest.timeout_s
  memory_mb               = var.ingest.memory_mb
  reserved_concurrency    = var.ingest.reserved_concurrency
  provisioned_concurrency = var.ingest.provisioned_concurrency
  environment             = { for key, value in local.environments.ingest : key => value if value != null }
  statements              = local.statements.ingest
  log_level               = var.observability.log_level
  log_retention_days      = var.observability.log_retention_days
  account_id              = local.account
  kms_key_arn             = local.kms_key_arn
  tags                    = local.tags

  schedules = var.ingest.warm_up_every_minutes == 0 ? {} : {
    warm-up = {
      description   = "Keeps one sandbox of ingest initialised"
      every_minutes = var.ingest.warm_up_every_minutes
      input         = jsonencode(local.warm_up_request)
    }
  }
}

module "consumer" {
  source = "./modules/function"

  name                 = "${var.name}-consumer"
  description          = "Stores queued events"
  zip                  = local.zips.consumer
  architecture         = var.architecture
  timeout_s            = var.consumer.timeout_s
  memory_mb            = var.consumer.memory_mb
  reserved_concurrency = var.consumer.reserved_concurrency
  environment          = { for key, value in local.environments.consumer : key => value if value != null }
  statements           = local.statements.consumer
  log_level            = var.observability.log_level
  log_retention_days   = var.observability.log_retention_days
  account_id           = local.account
  kms_key_arn          = local.kms_key_arn
  tags                 = local.tags

  queue = {
    arn                 = module.queue.primary.arn
    batch_size          = var.consumer.batch_size
    batch_window_s      = var.consumer.batch_window_s
    maximum_concurrency = var.consumer.maximum_concurrency
  }
}

module "archiver" {
  source = "./modules/function"

  name                 = "${var.name}-archiver"
  description          = "Archives dead letters, indexes them, and carries replays on"
  zip                  = local.zips.archiver
  architecture         = var.architecture
  timeout_s            = var.archiver.timeout_s
  memory_mb            = var.archiver.memory_mb
  reserved_concurrency = var.archiver.reserved_concurrency
  environment          = { for key, value in local.environments.archiver : key => value if value != null }
  statements           = local.statements.archiver
  log_level            = var.observability.log_level
  log_retention_days   = var.observability.log_retention_days
  account_id           = local.account
  kms_key_arn          = local.kms_key_arn
  tags                 = local.tags

  queue = {
    arn                 = module.queue.dlq.arn
    batch_size          = var.archiver.batch_size
    batch_window_s      = var.archiver.batch_window_s
    maximum_concurrency = var.archiver.maximum_concurrency
  }

  # A dead letter is safe once the bucket has it. Those whose index write failed are noted there and indexed by this. It also
  # carries on replays that no other program does.
  schedules = {
    maintain = {
      description   = "Indexes dead letters whose index write failed, and carries replays on"
      every_minutes = 5
      input         = jsonencode({ task = "maintain" })
    }
  }
}

locals {
  # A request as API Gateway passes it on, to a path that ingest answers with 404 without calling anything.
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
