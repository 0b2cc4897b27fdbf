# What people need who look at the deployment and work on it, with the command line tool or the dashboard. The policies are
# outputs and belong to nobody: whoever runs the account puts them into a role or a permission set.

locals {
  index_and_ops = [module.dead_letter_index.arn, module.ops_log.arn]

  look = [
    {
      Sid      = "ReadTables"
      Effect   = "Allow"
      Action   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]
      Resource = concat([module.events.arn, "${module.dead_letter_index.arn}/index/*"], local.index_and_ops)
    },
    {
      Sid    = "ReadArchive"
      Effect = "Allow"
      Action = ["s3:GetObject"]
      Resource = [for prefix in [module.archive.prefixes.dead_letters, module.archive.prefixes.schemas] :
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
      # AWS has no resources for these calls, so that they can't be narrowed down to one deployment.
      Sid      = "ReadMetricsAndTraces"
      Effect   = "Allow"
      Action   = ["cloudwatch:GetMetricData", "xray:BatchGetTraces", "xray:GetTraceSummaries"]
      Resource = "*"
    },
    {
      # CloudWatch answers about composite alarms only to who may ask about all alarms.
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

  # Replays, discards and restores, and an index that is made anew. Nobody can delete a dead letter, or an event.
  operate = [
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
      # A replay's list of what still waits is taken away as it is put back.
      Sid    = "NoteWhatIsDone"
      Effect = "Allow"
      Action = [
        "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem",
      ]
      Resource = module.ops_log.arn
    },
    {
      # An index that is made anew from the archive takes the states of its letters from all replays and the audit log.
      Sid      = "ReadAllThatWasDone"
      Effect   = "Allow"
      Action   = ["dynamodb:Scan"]
      Resource = module.ops_log.arn
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
  description = "IAM policies for people: `viewer` looks at everything, `operator` also replays, discards and restores dead letters, and makes their index anew."
  value = {
    viewer   = jsonencode({ Version = "2012-10-17", Statement = local.look })
    operator = jsonencode({ Version = "2012-10-17", Statement = concat(local.look, local.operate) })
  }
}
