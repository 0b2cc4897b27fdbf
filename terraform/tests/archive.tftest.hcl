mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  bucket          = "demo-archive"
  cold_after_days = 90
  force_destroy   = false
  kms_key_arn     = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  tags            = { spillway = "demo" }
}

run "the_archive_has_no_public_access" {
  module {
    source = "./modules/archive"
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "Public access is blocked in all four ways."
  }

  assert {
    condition     = aws_s3_bucket_ownership_controls.this.rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "Access lists are off."
  }
}

run "the_archive_refuses_requests_without_tls" {
  module {
    source = "./modules/archive"
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.tls_only.policy).Statement == [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = ["arn:aws:s3:::mocked-bucket", "arn:aws:s3:::mocked-bucket/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
    error_message = "Every request without TLS is denied, for the bucket and its objects."
  }
}

run "objects_are_encrypted_and_survive_overwriting_and_deleting" {
  module {
    source = "./modules/archive"
  }

  assert {
    condition = alltrue([for rule in aws_s3_bucket_server_side_encryption_configuration.this.rule :
      rule.bucket_key_enabled && rule.apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms" && rule.apply_server_side_encryption_by_default[0].kms_master_key_id == var.kms_key_arn
    ])
    error_message = "Objects are encrypted with the deployment's key, through a bucket key."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "Versioning is on."
  }

  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "A bucket with objects is not destroyed."
  }
}

run "dead_letters_move_to_cold_storage_but_stay_readable_and_are_kept" {
  module {
    source = "./modules/archive"
  }

  assert {
    condition = anytrue([for rule in aws_s3_bucket_lifecycle_configuration.this.rule :
      rule.filter[0].prefix == "dead-letters/" && try([for transition in rule.transition : transition.storage_class][0], "") == "GLACIER_IR" && length(rule.expiration) == 0
    ])
    error_message = "Dead letters move to a class that a replay can read at once, and are not deleted unless asked for."
  }
}

run "dead_letters_are_deleted_only_when_asked_for" {
  module {
    source = "./modules/archive"
  }

  variables {
    keep_days = 400
  }

  assert {
    condition = anytrue([for rule in aws_s3_bucket_lifecycle_configuration.this.rule :
      rule.filter[0].prefix == "dead-letters/" && try(rule.expiration[0].days, 0) == 400
    ])
    error_message = "Dead letters are deleted after the configured days."
  }
}

run "old_versions_and_delete_markers_are_removed" {
  module {
    source = "./modules/archive"
  }

  assert {
    condition = anytrue([for rule in aws_s3_bucket_lifecycle_configuration.this.rule :
      try(rule.noncurrent_version_expiration[0].noncurrent_days, 0) == 30 && try(rule.expiration[0].expired_object_delete_marker, false) && try(rule.expiration[0].days, 0) == 0
    ])
    error_message = "Old versions are deleted after 30 days, and then their delete markers."
  }
}

run "schemas_are_copied_and_a_change_changes_their_hash" {
  module {
    source = "./modules/archive"
  }

  variables {
    schemas_dir = "tests/schemas"
  }

  assert {
    condition     = aws_s3_object.schema["order.placed.json"].key == "schemas/order.placed.json"
    error_message = "A schema has its file's name as the key."
  }

  assert {
    condition     = output.schema_set.hash == aws_s3_object.schema_set[0].source_hash && aws_s3_object.schema["order.placed.json"].source_hash == filesha256("tests/schemas/order.placed.json")
    error_message = "A changed schema changes the hash, and functions restart."
  }

  assert {
    condition     = jsondecode(aws_s3_object.schema_set[0].content) == { "order.placed" = file("tests/schemas/order.placed.json") } && aws_s3_object.schema_set[0].key == "schema-sets/current.json"
    error_message = "All schemas are in one document, as they were written, without hidden files."
  }

  assert {
    condition     = output.schema_set.version == aws_s3_object.schema_set[0].version_id
    error_message = "A function names the version that it was deployed with, and finds it when the alias goes back."
  }

  assert {
    condition     = keys(aws_s3_object.schema) == ["order.placed.json"]
    error_message = "Hidden files are not copied as schemas."
  }
}

run "the_archive_counts_its_requests" {
  module {
    source = "./modules/archive"
  }

  assert {
    condition     = aws_s3_bucket_metric.requests[0].name == "EntireBucket" && length(aws_s3_bucket_metric.requests[0].filter) == 0
    error_message = "S3 publishes metrics of all requests, under the name that the rules have."
  }
}

run "the_archives_requests_need_not_be_counted" {
  module {
    source = "./modules/archive"
  }

  variables {
    request_metrics = false
  }

  assert {
    condition     = length(aws_s3_bucket_metric.requests) == 0
    error_message = "S3 publishes no metrics of requests."
  }
}
