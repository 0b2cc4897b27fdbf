# The reporter's environment and permissions, in addition to those of every function. In the morning it reports what
# happened to low alarms overnight: docs/adr/0015-a-scheduled-function-sends-the-digest.md.

module "reporter" {
  source = "./modules/reporter"

  openings      = module.alarms.openings
  zone          = try(var.business_hours.zone, "Etc/UTC")
  low_topic_arn = module.topics.arns["low"]
  ops_table     = { name = module.ops_log.name, arn = module.ops_log.arn }
  budget        = module.budget.name
  archiver      = local.function_names["archiver"]
  queues        = { primary = module.queue.primary, dlq = module.queue.dlq }
  retries       = { base_s = var.retries.base_s, cap_s = var.retries.cap_s }
  account_id    = local.account
  partition     = local.partition
  region        = local.region
  dns_suffix    = data.aws_partition.current.dns_suffix
  kms_key_arn   = local.kms_key_arn
  kms_key_arns  = local.kms_key_arns
  tags          = local.tags

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
    resources      = merge({ for key, names in local.optional_resources : key => try(names[0], "none") }, local.resources)
    alarms         = module.alarms.names
    business_hours = var.business_hours
    dashboard_url  = var.alarms.dashboard_url
  }
}
