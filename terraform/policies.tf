# Each function's permissions, in addition to logs and traces: only for the calls in its code, and only on its own
# resources. The reporter's statements are in modules/reporter, and those for the event store in event_store.tf.

locals {
  # The services through which a function uses the key. A function never uses it directly.
  key_use = { for function, services in {
    ingest   = ["sqs"]
    consumer = ["sqs", "dynamodb", "s3"]
    archiver = ["sqs", "dynamodb", "s3"]
    } : function => {
    Sid      = "EncryptThroughServices"
    Effect   = "Allow"
    Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    Resource = local.kms_key_arns
    Condition = {
      StringEquals = { "kms:ViaService" = [for service in services : "${service}.${local.region}.${data.aws_partition.current.dns_suffix}"] }
    }
  } }

  read_queue = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]

  # Versions that were deployed earlier read the objects one by one. They run again when the alias goes back to one of
  # them.
  read_schemas = [
    {
      Sid      = "ReadSchemas"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:GetObjectVersion"]
      Resource = [for prefix in [module.archive.prefixes.schemas, module.archive.prefixes.schema_sets] : "${module.archive.arn}/${prefix}*"]
    },
    {
      Sid       = "ListSchemas"
      Effect    = "Allow"
      Action    = ["s3:ListBucket"]
      Resource  = module.archive.arn
      Condition = { StringLikeIfExists = { "s3:prefix" = ["${module.archive.prefixes.schemas}*"] } }
    },
  ]

  # A function that ends a message of a replay has to find out whether it was the last one.
  count_replay = {
    Sid      = "CountReplay"
    Effect   = "Allow"
    Action   = ["dynamodb:Query"]
    Resource = module.ops_log.arn
  }

  statements = {
    ingest = [
      {
        Sid      = "QueueEvents"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = module.queue.primary.arn
      },
      local.key_use.ingest,
    ]

    consumer = concat([
      {
        Sid      = "ReadQueue"
        Effect   = "Allow"
        Action   = local.read_queue
        Resource = module.queue.primary.arn
      },
      {
        Sid      = "GiveUpToDeadLetterQueue"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = module.queue.dlq.arn
      },
      local.event_store.write,
      {
        Sid      = "EndReplays"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
        Resource = [module.dead_letter_index.arn, module.ops_log.arn]
      },
      local.count_replay,
      local.key_use.consumer,
    ], [for statement in local.read_schemas : statement if var.schemas_dir != null])

    archiver = [
      {
        Sid      = "ReadDeadLetterQueue"
        Effect   = "Allow"
        Action   = local.read_queue
        Resource = module.queue.dlq.arn
      },
      {
        Sid      = "ArchiveDeadLetters"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:GetObject"]
        Resource = "${module.archive.arn}/${module.archive.prefixes.dead_letters}*"
      },
      {
        Sid      = "NoteWhatIsNotIndexed"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:DeleteObject"]
        Resource = "${module.archive.arn}/${module.archive.prefixes.unindexed}*"
      },
      {
        # Without this, S3 answers 403 instead of 404 when the function reads a missing object. Such a read has no
        # prefix for the condition, which is why it uses IfExists.
        Sid      = "ListWhatItWrites"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = module.archive.arn
        Condition = { StringLikeIfExists = { "s3:prefix" = [
          "${module.archive.prefixes.dead_letters}*",
          "${module.archive.prefixes.unindexed}*",
        ] } }
      },
      {
        Sid      = "IndexDeadLetters"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
        Resource = module.dead_letter_index.arn
      },
      {
        Sid      = "EndReplays"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
        Resource = module.ops_log.arn
      },
      local.count_replay,
      {
        Sid      = "PutReplaysBack"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = module.queue.primary.arn
      },
      {
        Sid      = "ReadReplayedDeadLetters"
        Effect   = "Allow"
        Action   = ["dynamodb:BatchGetItem"]
        Resource = [module.dead_letter_index.arn, module.ops_log.arn]
      },
      {
        # Needed for the audit entry of a message that the queue permanently rejects, and for the marks of messages that
        # no longer wait.
        Sid      = "CarryReplaysOn"
        Effect   = "Allow"
        Action   = ["dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:PutItem"]
        Resource = module.ops_log.arn
      },
      local.key_use.archiver,
    ]
  }
}
