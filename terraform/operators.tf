# Policies for users of the command line tool and the dashboard. They are outputs only: the owner of the account
# attaches them to a role or a permission set.

locals {
  index_and_ops = [module.dead_letter_index.arn, module.ops_log.arn]

  look = [
    local.event_store.read,
    {
      Sid      = "ReadTables"
      Effect   = "Allow"
      Action   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]
      Resource = concat(["${module.dead_letter_index.arn}/index/*"], local.index_and_ops)
    },
    {
      # The keys of all dead letters are read by one scan: only if the counts have few, and never more than five pages.
      Sid      = "ReadKeysOfDeadLetters"
      Effect   = "Allow"
      Action   = ["dynamodb:Scan"]
      Resource = "${module.dead_letter_index.arn}/index/by_group"
    },
    {
      Sid    = "ReadArchive"
      Effect = "Allow"
      Action = ["s3:GetObject"]
      Resource = [for prefix in [module.archive.prefixes.dead_letters, module.archive.prefixes.schemas, module.archive.prefixes.schema_sets] :
        "${module.archive.arn}/${prefix}*"
      ]
    },
    {
      Sid      = "ListArchive"
      Effect   = "Allow"
      Action   = ["s3:ListBucket"]
      Resource = module.archive.arn
      Condition = { StringLikeIfExists = { "s3:prefix" = [for prefix in [
        module.archive.prefixes.dead_letters, module.archive.prefixes.unindexed, module.archive.prefixes.schemas,
      ] : "${prefix}*"] } }
    },
    {
      Sid      = "CountMessages"
      Effect   = "Allow"
      Action   = ["sqs:GetQueueAttributes"]
      Resource = [module.queue.primary.arn, module.queue.dlq.arn]
    },
    {
      # IAM has no resource types for these calls, so they can't be limited to one deployment.
      Sid      = "ReadMetricsAndTraces"
      Effect   = "Allow"
      Action   = ["cloudwatch:GetMetricData", "xray:BatchGetTraces", "xray:GetTraceSummaries"]
      Resource = "*"
    },
    {
      # CloudWatch returns composite alarms only to callers that may ask about all alarms.
      Sid      = "ReadAlarms"
      Effect   = "Allow"
      Action   = ["cloudwatch:DescribeAlarmHistory", "cloudwatch:DescribeAlarms"]
      Resource = "*"
    },
    {
      Sid      = "ReadBudget"
      Effect   = "Allow"
      Action   = ["budgets:ViewBudget"]
      Resource = "arn:${local.partition}:budgets::${local.account}:budget/${module.budget.name}"
    },
    {
      Sid       = "DecryptThroughServices"
      Effect    = "Allow"
      Action    = ["kms:Decrypt"]
      Resource  = local.kms_key_arns
      Condition = local.operators_services
    },
  ]

  # Permissions to replay, discard, release and restore dead letters, to rebuild the index, and to list stored events. No policy
  # allows deleting a dead letter or an event.
  operate = [
    local.event_store.list,
    {
      Sid      = "PutBack"
      Effect   = "Allow"
      Action   = ["sqs:SendMessage"]
      Resource = module.queue.primary.arn
    },
    {
      Sid      = "ChangeStates"
      Effect   = "Allow"
      Action   = ["dynamodb:ConditionCheckItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
      Resource = module.dead_letter_index.arn
    },
    {
      # A replay removes each item from its list of waiting items as it puts it back.
      Sid    = "NoteWhatIsDone"
      Effect = "Allow"
      Action = [
        "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem",
      ]
      Resource = module.ops_log.arn
    },
    {
      # To rebuild the index, the states of its dead letters are read from all replays and the audit log.
      Sid      = "ReadAllThatWasDone"
      Effect   = "Allow"
      Action   = ["dynamodb:Scan"]
      Resource = module.ops_log.arn
    },
    {
      # To restore dead letters that somebody deleted, from the versions that the bucket keeps.
      Sid      = "ReadVersions"
      Effect   = "Allow"
      Action   = ["s3:GetObjectVersion"]
      Resource = "${module.archive.arn}/${module.archive.prefixes.dead_letters}*"
    },
    {
      Sid       = "ListVersions"
      Effect    = "Allow"
      Action    = ["s3:ListBucketVersions"]
      Resource  = module.archive.arn
      Condition = { StringLike = { "s3:prefix" = ["${module.archive.prefixes.dead_letters}*"] } }
    },
    {
      # Only where nothing is: a write without the header If-None-Match is refused, so that no dead letter is overwritten.
      Sid       = "RestoreDeleted"
      Effect    = "Allow"
      Action    = ["s3:PutObject"]
      Resource  = "${module.archive.arn}/${module.archive.prefixes.dead_letters}*"
      Condition = { Null = { "s3:if-none-match" = "false" } }
    },
    {
      Sid       = "EncryptThroughServices"
      Effect    = "Allow"
      Action    = ["kms:GenerateDataKey"]
      Resource  = local.kms_key_arns
      Condition = local.operators_services
    },
  ]

  operators_services = {
    StringEquals = { "kms:ViaService" = [for service in ["dynamodb", "s3", "sqs"] :
      "${service}.${local.region}.${data.aws_partition.current.dns_suffix}"
    ] }
  }
}

output "operator_policies" {
  description = "IAM policies for people: `viewer` reads everything, `operator` also replays, discards and restores dead letters, and rebuilds their index."
  value = {
    viewer   = jsonencode({ Version = "2012-10-17", Statement = local.look })
    operator = jsonencode({ Version = "2012-10-17", Statement = concat(local.look, local.operate) })
  }
}
