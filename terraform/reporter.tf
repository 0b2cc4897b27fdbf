# Tells in the morning what happened to low alarms overnight: docs/adr/0015-a-scheduled-function-tells-the-morning.md.

module "reporter" {
  source = "./modules/reporter"

  name               = "${var.name}-reporter"
  zip                = local.zips.reporter
  architecture       = var.architecture
  environment        = { for key, value in local.common_environment : key => value if value != null }
  openings           = module.alarms.openings
  zone               = try(var.business_hours.zone, "Etc/UTC")
  low_topic_arn      = module.topics.arns["low"]
  ops_table          = { name = module.ops_log.name, arn = module.ops_log.arn }
  budget             = module.budget.name
  archiver           = module.archiver.name
  queues             = { primary = module.queue.primary, dlq = module.queue.dlq }
  retries            = { base_s = var.retries.base_s, cap_s = var.retries.cap_s }
  log_level          = var.observability.log_level
  log_retention_days = var.observability.log_retention_days
  account_id         = local.account
  partition          = local.partition
  region             = local.region
  dns_suffix         = data.aws_partition.current.dns_suffix
  kms_key_arn        = local.kms_key_arn
  tags               = local.tags

  archive = {
    bucket         = module.archive.bucket
    arn            = module.archive.arn
    alarms_prefix  = module.archive.prefixes.alarms
    digests_prefix = module.archive.prefixes.digests
  }

  alarms = {
    deployment     = var.name
    rules          = module.rules.text
    limits         = module.rules.limits
    resources      = local.resources
    alarms         = module.alarms.topology.names
    business_hours = var.business_hours
    dashboard_url  = var.alarms.dashboard_url
  }
}
