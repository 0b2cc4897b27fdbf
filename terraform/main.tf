# client ─▶ API ─▶ ingest ─▶ queue ─▶ consumer ─▶ table of events
#                              └─▶ dead letter queue ─▶ archiver ─▶ archive and its index

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name

  # The tag by which the budget counts costs. Every resource has it.
  tag  = { key = "spillway", value = var.name }
  tags = merge(var.tags, { (local.tag.key) = local.tag.value })

  stage = "v1"

  made_key_arn = one(module.key[*].arn)
  kms_key_arn  = var.kms_key_arn == null ? local.made_key_arn : var.kms_key_arn

  # SQS and S3 do not encrypt existing data again when they get another key. That data still needs the previous key.
  kms_key_arns = distinct(compact([local.kms_key_arn, local.made_key_arn]))

  # Trust policies of the roles that a service assumes. Without the condition a role could be used for another account.
  trust_policies = { for service in ["backup", "scheduler"] : service => jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "${title(service)}OfThisAccount"
      Effect    = "Allow"
      Principal = { Service = "${service}.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  }) }
}

# Kept even with a key of your own: without it, data that it encrypted is unreadable. See README.md, "Changing the key".
module "key" {
  source = "./modules/key"
  count  = var.make_key ? 1 : 0

  name                 = var.name
  account_id           = local.account
  region               = local.region
  partition            = local.partition
  deletion_window_days = var.deletion_protection ? 30 : 7
  deletion_protection  = var.deletion_protection
  tags                 = local.tags
}

module "api" {
  source = "./modules/api"

  name                = var.name
  stage               = local.stage
  function            = { name = module.function["ingest"].name, alias = module.function["ingest"].alias, invoke_arn = module.function["ingest"].invoke_arn }
  authorization       = var.api.authorization
  throttle            = { rate_per_s = var.api.throttle_rate_per_s, burst = var.api.throttle_burst }
  max_request_bytes   = var.api.max_request_bytes
  custom_domain       = var.api.custom_domain
  waf                 = var.api.waf
  cloudfront          = var.api.cloudfront
  manage_account_role = var.observability.manage_api_logs_role
  log_retention_days  = var.observability.log_retention_days
  region              = local.region
  partition           = local.partition
  dns_suffix          = data.aws_partition.current.dns_suffix
  kms_key_arn         = local.kms_key_arn
  tags                = local.tags
}

module "queue" {
  source = "./modules/queue_with_dlq"

  name                        = "${var.name}-events"
  arn_prefix                  = "arn:${local.partition}:sqs:${local.region}:${local.account}"
  consumer_timeout_s          = var.consumer.timeout_s
  consumer_batch_window_s     = var.consumer.batch_window_s
  dlq_consumer_timeout_s      = var.archiver.timeout_s
  dlq_consumer_batch_window_s = var.archiver.batch_window_s
  max_receive_count           = var.retries.max_receive_count
  deletion_protection         = var.deletion_protection
  kms_key_arn                 = local.kms_key_arn
  tags                        = local.tags
}

# The id alone is the partition key, so that an event is found by its id without its source. Id and source together
# identify an event permanently.
module "events" {
  source = "./modules/table"

  name                = "${var.name}-events"
  hash_key            = "id"
  range_key           = "source"
  billing_mode        = var.table.billing_mode
  capacity            = var.table.capacity
  replicas            = var.table.replicas
  deletion_protection = var.deletion_protection
  kms_key_arn         = local.kms_key_arn
  tags                = local.tags
}

# Dead letters arrive in bursts after long quiet periods, so this table is always on demand. README.md describes its
# items.
module "dead_letter_index" {
  source = "./modules/table"

  name      = "${var.name}-dead-letters"
  hash_key  = "pk"
  range_key = "sk"

  indexes = {
    by_age   = { hash_key = "age_bucket", range_key = "archived_key" }
    by_time  = { hash_key = "time_bucket", range_key = "archived_key" }
    by_group = { hash_key = "group_bucket", range_key = "archived_key" }
    by_type  = { hash_key = "type_bucket", range_key = "archived_key" }
    by_event = { hash_key = "event_id", range_key = "archived_key" }
  }

  deletion_protection = var.deletion_protection
  kms_key_arn         = local.kms_key_arn
  tags                = local.tags
}

module "ops_log" {
  source = "./modules/table"

  name                = "${var.name}-ops"
  hash_key            = "pk"
  range_key           = "sk"
  ttl_attribute       = "expires_at"
  deletion_protection = var.deletion_protection
  kms_key_arn         = local.kms_key_arn
  tags                = local.tags
}

module "archive" {
  source = "./modules/archive"

  bucket          = "${var.name}-archive-${local.account}-${local.region}"
  schemas_dir     = var.schemas_dir
  cold_after_days = var.archive.cold_after_days
  keep_days       = var.archive.keep_days
  request_metrics = var.archive.request_metrics
  force_destroy   = !var.deletion_protection
  kms_key_arn     = local.kms_key_arn
  tags            = local.tags
}

module "topics" {
  source = "./modules/topics"

  name          = var.name
  subscriptions = var.subscriptions
  account_id    = local.account
  kms_key_arn   = local.kms_key_arn
  tags          = local.tags
}

module "budget" {
  source = "./modules/budget"

  name        = var.name
  monthly_usd = var.monthly_budget_usd
  tag         = local.tag
  rules       = { for name, rule in module.rules.rules : name => rule if rule.kind == "budget" }
  topics      = { high = module.topics.arns["high"], low = module.topics.arns["low"] }
  tags        = local.tags
}

module "backup" {
  source = "./modules/backup"
  count  = var.backup == null ? 0 : 1

  name         = var.name
  resources    = [module.events.arn, module.dead_letter_index.arn, module.ops_log.arn, module.archive.arn]
  schedule     = var.backup.schedule
  keep_days    = var.backup.keep_days
  trust_policy = local.trust_policies.backup
  partition    = local.partition
  kms_key_arn  = local.kms_key_arn
  tags         = local.tags
}

module "observability" {
  source = "./modules/observability"

  name             = var.name
  api_name         = module.api.topology.name
  stage            = local.stage
  functions        = { for name in local.event_path : name => module.function[name].name }
  log_groups       = { for name in local.event_path : name => module.function[name].topology.log_group }
  access_log_group = module.api.topology.access_log_group
  saved_queries    = var.observability.saved_queries
  trace_group      = var.observability.trace_group
  trace_sampling   = var.observability.trace_sampling
  tags             = local.tags
}
