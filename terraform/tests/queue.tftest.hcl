mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                   = "demo-events"
  arn_prefix             = "arn:aws:sqs:eu-central-1:123456789012"
  consumer_timeout_s     = 30
  dlq_consumer_timeout_s = 20
  kms_key_arn            = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  tags                   = { spillway = "demo" }
}

run "a_message_is_hidden_for_six_times_the_timeout_of_the_function_that_reads_it" {
  module {
    source = "./modules/queue_with_dlq"
  }

  assert {
    condition     = aws_sqs_queue.primary.visibility_timeout_seconds == 6 * 30
    error_message = "The queue's visibility timeout is six times the consumer's timeout."
  }

  assert {
    condition     = aws_sqs_queue.dlq.visibility_timeout_seconds == 6 * 20
    error_message = "The dead letter queue's visibility timeout is six times the archiver's timeout."
  }
}

run "a_message_that_waits_for_a_full_batch_is_hidden_for_that_time_too" {
  module {
    source = "./modules/queue_with_dlq"
  }

  variables {
    consumer_batch_window_s     = 60
    dlq_consumer_batch_window_s = 300
  }

  assert {
    condition     = aws_sqs_queue.primary.visibility_timeout_seconds == 6 * 30 + 60 && aws_sqs_queue.dlq.visibility_timeout_seconds == 6 * 20 + 300
    error_message = "The batch window is added: a message is hidden while it waits."
  }
}

run "a_message_is_moved_to_the_dead_letter_queue_after_twenty_receives" {
  module {
    source = "./modules/queue_with_dlq"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.primary.redrive_policy).maxReceiveCount == 20
    error_message = "maxReceiveCount is 20."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.primary.redrive_policy).deadLetterTargetArn == aws_sqs_queue.dlq.arn
    error_message = "The queue's own redrive goes to its dead letter queue."
  }

  assert {
    condition = jsondecode(aws_sqs_queue.dlq.redrive_allow_policy) == {
      redrivePermission = "byQueue"
      sourceQueueArns   = ["arn:aws:sqs:eu-central-1:123456789012:demo-events"]
    }
    error_message = "Only this queue may use the dead letter queue."
  }

  assert {
    condition     = aws_sqs_queue.dlq.redrive_policy == null || aws_sqs_queue.dlq.redrive_policy == "" || !can(jsondecode(aws_sqs_queue.dlq.redrive_policy).maxReceiveCount)
    error_message = "The dead letter queue has no receive limit: a message stays until it is archived."
  }
}

run "both_queues_keep_messages_for_the_maximum_of_sqs" {
  module {
    source = "./modules/queue_with_dlq"
  }

  assert {
    condition     = aws_sqs_queue.primary.message_retention_seconds == 14 * 24 * 3600 && aws_sqs_queue.dlq.message_retention_seconds == 14 * 24 * 3600
    error_message = "Both queues keep messages for 14 days, because a dead letter expires by its first send time."
  }
}

run "both_queues_are_encrypted_and_refuse_plain_http" {
  module {
    source = "./modules/queue_with_dlq"
  }

  assert {
    condition     = alltrue([for queue in [aws_sqs_queue.primary, aws_sqs_queue.dlq] : queue.kms_master_key_id == var.kms_key_arn])
    error_message = "Both queues are encrypted with the deployment's key."
  }

  assert {
    condition = alltrue([for queue in [aws_sqs_queue.primary, aws_sqs_queue.dlq] : anytrue([
      for statement in jsondecode(queue.policy).Statement :
      statement.Effect == "Deny" && statement.Principal == "*" && statement.Action == "sqs:*" && try(statement.Condition.Bool["aws:SecureTransport"], "") == "false"
    ])])
    error_message = "Both queues deny requests without TLS."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.primary.policy).Statement[0].Resource == "arn:aws:sqs:eu-central-1:123456789012:demo-events" && jsondecode(aws_sqs_queue.dlq.policy).Statement[0].Resource == "arn:aws:sqs:eu-central-1:123456789012:demo-events-dlq"
    error_message = "Each policy names its own queue."
  }
}

run "protected_queues_can_be_neither_deleted_nor_purged" {
  module {
    source = "./modules/queue_with_dlq"
  }

  variables {
    deletion_protection = true
  }

  assert {
    condition = alltrue([for queue in [aws_sqs_queue.primary, aws_sqs_queue.dlq] : anytrue([
      for statement in jsondecode(queue.policy).Statement :
      statement.Effect == "Deny" && statement.Principal == "*" && toset(flatten([statement.Action])) == toset(["sqs:DeleteQueue", "sqs:PurgeQueue"]) && can(regex("demo-events(-dlq)?$", statement.Resource))
    ])])
    error_message = "No caller may delete or purge a queue with accepted events."
  }
}

run "queues_without_protection_can_be_deleted" {
  module {
    source = "./modules/queue_with_dlq"
  }

  assert {
    condition     = alltrue([for queue in [aws_sqs_queue.primary, aws_sqs_queue.dlq] : [for statement in jsondecode(queue.policy).Statement : statement.Sid] == ["TlsOnly"]])
    error_message = "Without protection the policies only require TLS."
  }
}

run "a_timeout_that_lambda_does_not_accept_is_refused" {
  command = plan

  module {
    source = "./modules/queue_with_dlq"
  }

  variables {
    consumer_timeout_s     = 901
    dlq_consumer_timeout_s = 0
  }

  expect_failures = [var.consumer_timeout_s, var.dlq_consumer_timeout_s]
}

run "a_receive_count_that_sqs_does_not_accept_is_refused" {
  command = plan

  module {
    source = "./modules/queue_with_dlq"
  }

  variables {
    max_receive_count = 1001
  }

  expect_failures = [var.max_receive_count]
}

run "a_retention_that_sqs_does_not_accept_is_refused" {
  command = plan

  module {
    source = "./modules/queue_with_dlq"
  }

  variables {
    retention_s = 1209601
  }

  expect_failures = [var.retention_s]
}
