mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                = "demo-events"
  hash_key            = "id"
  range_key           = "source"
  deletion_protection = true
  kms_key_arn         = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  tags                = { spillway = "demo" }

  capacity = {
    read_min                   = 5
    read_max                   = 1000
    write_min                  = 25
    write_max                  = 5000
    target_utilisation_percent = 70
  }
}

# This run is first: autoscaling manages the capacity from the first apply on, so later runs of this file would find it
# unchanged.
run "a_provisioned_table_scales_reads_and_writes_within_its_limits" {
  module {
    source = "./modules/table"
  }

  variables {
    billing_mode = "provisioned"
  }

  assert {
    condition     = aws_dynamodb_table.this.billing_mode == "PROVISIONED" && aws_dynamodb_table.this.write_capacity == 25 && aws_dynamodb_table.this.read_capacity == 5
    error_message = "It starts at its lower limits."
  }

  assert {
    condition = { for kind, target in aws_appautoscaling_target.this : kind => [target.resource_id, target.scalable_dimension, target.min_capacity, target.max_capacity] } == {
      read  = ["table/demo-events", "dynamodb:table:ReadCapacityUnits", 5, 1000]
      write = ["table/demo-events", "dynamodb:table:WriteCapacityUnits", 25, 5000]
    }
    error_message = "Reads and writes scale between their limits."
  }

  assert {
    condition     = alltrue([for policy in aws_appautoscaling_policy.this : policy.target_tracking_scaling_policy_configuration[0].target_value == 70])
    error_message = "Both follow the target utilisation."
  }
}

run "a_table_can_be_restored_and_is_encrypted_and_protected" {
  module {
    source = "./modules/table"
  }

  assert {
    condition     = aws_dynamodb_table.this.point_in_time_recovery[0].enabled
    error_message = "Point-in-time recovery is on."
  }

  assert {
    condition     = aws_dynamodb_table.this.server_side_encryption[0].enabled && aws_dynamodb_table.this.server_side_encryption[0].kms_key_arn == var.kms_key_arn
    error_message = "The table is encrypted with the deployment's key."
  }

  assert {
    condition     = aws_dynamodb_table.this.deletion_protection_enabled
    error_message = "The table refuses to be deleted."
  }
}

run "a_table_is_on_demand_and_in_one_region_unless_asked_otherwise" {
  module {
    source = "./modules/table"
  }

  assert {
    condition     = aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST" && length(aws_appautoscaling_policy.this) == 0
    error_message = "On demand is the default, and needs no autoscaling."
  }

  assert {
    condition     = length(aws_dynamodb_table.this.replica) == 0 && !aws_dynamodb_table.this.stream_enabled
    error_message = "There are no replicas, and no stream, which only replicas need."
  }
}

run "a_provisioned_table_with_indexes_is_refused" {
  command = plan

  module {
    source = "./modules/table"
  }

  variables {
    billing_mode = "provisioned"
    indexes      = { by_time = { hash_key = "time_bucket", range_key = "archived_key" } }
  }

  expect_failures = [aws_dynamodb_table.this]
}

run "indexes_hold_keys_only_and_declare_each_key_once" {
  module {
    source = "./modules/table"
  }

  variables {
    hash_key  = "pk"
    range_key = "sk"
    indexes = {
      by_time  = { hash_key = "time_bucket", range_key = "archived_key" }
      by_event = { hash_key = "event_id", range_key = "archived_key" }
    }
  }

  assert {
    condition     = toset([for index in aws_dynamodb_table.this.global_secondary_index : "${index.name} ${index.hash_key} ${index.range_key} ${index.projection_type}"]) == toset(["by_time time_bucket archived_key KEYS_ONLY", "by_event event_id archived_key KEYS_ONLY"])
    error_message = "Each index has its keys and nothing else."
  }

  assert {
    condition     = toset([for attribute in aws_dynamodb_table.this.attribute : "${attribute.name} ${attribute.type}"]) == toset(["pk S", "sk S", "time_bucket S", "event_id S", "archived_key S"])
    error_message = "Every key is declared once, as a string."
  }
}

run "replicas_can_be_restored_too_and_have_their_own_key_and_the_tags" {
  module {
    source = "./modules/table"
  }

  variables {
    replicas = { eu-west-1 = { kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555" } }
  }

  assert {
    condition = alltrue([for replica in aws_dynamodb_table.this.replica :
      replica.region_name == "eu-west-1" && replica.point_in_time_recovery && replica.propagate_tags && replica.kms_key_arn == var.replicas["eu-west-1"].kms_key_arn
    ]) && length(aws_dynamodb_table.this.replica) == 1
    error_message = "A replica has point-in-time recovery, a key of its region and the table's tags."
  }

  assert {
    condition     = aws_dynamodb_table.this.stream_view_type == "NEW_AND_OLD_IMAGES"
    error_message = "A table with replicas has the stream that they need."
  }
}

run "items_expire_only_if_an_attribute_is_named" {
  module {
    source = "./modules/table"
  }

  variables {
    ttl_attribute = "expires_at"
  }

  assert {
    condition     = aws_dynamodb_table.this.ttl[0].enabled && aws_dynamodb_table.this.ttl[0].attribute_name == "expires_at"
    error_message = "Items expire at the time in the named attribute."
  }
}
