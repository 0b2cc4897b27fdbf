# Each validation rule of the variables refuses the values that it should refuse. A run breaks one rule of each variable
# that it names.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "wrong_names_paths_and_addresses_are_refused" {
  command = plan

  variables {
    name          = "Spillway_Production"
    tags          = { spillway = "other" }
    artifacts_dir = "tests/schemas"
    schemas_dir   = "tests/artifacts"
    kms_key_arn   = "alias/spillway"
    api           = { cloudfront = { aliases = ["events.example.com"], certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/1" } }
    table         = { replicas = { eu-west-1 = { kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/1" } } }
    subscriptions = { high = [{ protocol = "email", endpoint = "oncall" }] }
  }

  expect_failures = [var.name, var.tags, var.artifacts_dir, var.schemas_dir, var.kms_key_arn, var.api, var.table, var.subscriptions]
}

run "combinations_that_aws_refuses_are_refused" {
  command = plan

  variables {
    tags  = { for number in range(10) : "tag-${number}" => "value" }
    table = { billing_mode = "provisioned", replicas = { eu-west-1 = { kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/1" } } }
  }

  expect_failures = [var.tags, var.table]
}

run "values_that_aws_does_not_know_are_refused" {
  command = plan

  variables {
    architecture  = "riscv"
    api           = { authorization = "BASIC" }
    table         = { billing_mode = "PAY_PER_REQUEST" }
    observability = { log_level = "verbose" }
    backup        = { schedule = "0 3 * * *" }
    subscriptions = { low = [{ protocol = "http", endpoint = "http://example.com" }] }
  }

  expect_failures = [var.architecture, var.api, var.table, var.observability, var.backup, var.subscriptions]
}

run "durations_that_aws_does_not_accept_are_refused" {
  command = plan

  variables {
    ingest        = { timeout_s = 29 }
    consumer      = { timeout_s = 901 }
    archiver      = { timeout_s = 0 }
    archive       = { cold_after_days = 0 }
    observability = { log_retention_days = 31 }
    backup        = { keep_days = 0 }
  }

  expect_failures = [var.ingest, var.consumer, var.archiver, var.archive, var.observability, var.backup]
}

run "amounts_that_are_too_small_or_too_large_are_refused" {
  command = plan

  variables {
    ingest             = { memory_mb = 64 }
    consumer           = { memory_mb = 64 }
    archiver           = { memory_mb = 20480 }
    table              = { capacity = { write_min = 100, write_max = 50 } }
    monthly_budget_usd = 0
    archive            = { keep_days = 100 }
    api                = { throttle_burst = 0 }
  }

  expect_failures = [var.ingest, var.consumer, var.archiver, var.table, var.monthly_budget_usd, var.archive, var.api]
}

run "batches_and_shares_out_of_range_are_refused" {
  command = plan

  variables {
    consumer      = { batch_size = 11 }
    archiver      = { batch_size = 100 }
    api           = { max_request_bytes = 6291456 }
    observability = { trace_sampling = { per_second = 1, share_of_rest = 5 } }
    table         = { capacity = { target_utilisation_percent = 95 } }
    ingest        = { warm_up_every_minutes = 0.5 }
  }

  expect_failures = [var.consumer, var.archiver, var.api, var.observability, var.table, var.ingest]
}

run "windows_that_lambda_does_not_accept_are_refused" {
  command = plan

  variables {
    consumer = { batch_window_s = 301 }
    archiver = { batch_window_s = -1 }
  }

  expect_failures = [var.consumer, var.archiver]
}

run "concurrencies_that_lambda_does_not_accept_are_refused" {
  command = plan

  variables {
    consumer = { maximum_concurrency = 1 }
    archiver = { maximum_concurrency = 1001 }
    ingest   = { reserved_concurrency = 0 }
  }

  expect_failures = [var.consumer, var.archiver, var.ingest]
}

run "reservations_that_throttle_received_batches_are_refused" {
  command = plan

  variables {
    consumer = { maximum_concurrency = 10, reserved_concurrency = 5 }
    archiver = { maximum_concurrency = 5, reserved_concurrency = 4 }
    ingest   = { reserved_concurrency = 2, provisioned_concurrency = 3 }
  }

  expect_failures = [var.consumer, var.archiver, var.ingest]
}

run "an_event_that_would_not_fit_a_message_with_its_attributes_is_refused" {
  command = plan

  variables {
    api = { max_event_bytes = 262144 }
  }

  expect_failures = [var.api]
}

run "a_request_limit_below_the_event_limit_is_refused" {
  command = plan

  variables {
    api = { max_request_bytes = 2048 }
  }

  expect_failures = [var.api]
}

run "a_batch_without_events_is_refused" {
  command = plan

  variables {
    api = { max_batch_events = 0 }
  }

  expect_failures = [var.api]
}

run "an_event_without_a_source_is_refused" {
  command = plan

  variables {
    api = { default_source = "" }
  }

  expect_failures = [var.api]
}

run "a_web_acl_limit_that_waf_does_not_accept_is_refused" {
  command = plan

  variables {
    api = { waf = { requests_per_address = 1 } }
  }

  expect_failures = [var.api]
}

run "malformed_business_hours_are_refused" {
  command = plan

  variables {
    business_hours = { zone = "Berlin time", days = ["mon"], open = "9", holidays = ["2026-02-30"] }
    alarms         = { dashboard_url = "spillway.example.com/" }
  }

  expect_failures = [var.business_hours, var.alarms]
}

run "hours_that_end_before_they_begin_are_refused" {
  command = plan

  variables {
    business_hours = { open = "17:00", close = "09:00" }
  }

  expect_failures = [var.business_hours]
}

run "hours_that_daylight_saving_may_skip_are_refused" {
  command = plan

  variables {
    business_hours = { open = "02:30" }
  }

  expect_failures = [var.business_hours]
}

run "a_wait_that_leaves_no_time_for_the_work_is_refused" {
  command = plan

  variables {
    retries = { max_receive_count = 2, cap_s = 43021 }
  }

  expect_failures = [var.retries]
}

run "a_single_receive_is_refused" {
  command = plan

  variables {
    retries = { max_receive_count = 1 }
  }

  expect_failures = [var.retries]
}

run "a_first_wait_above_the_longest_is_refused" {
  command = plan

  variables {
    retries = { base_s = 901 }
  }

  expect_failures = [var.retries]
}

run "retries_that_outlive_the_queue_are_refused" {
  command = plan

  variables {
    retries = { max_receive_count = 60, cap_s = 43000 }
  }

  expect_failures = [var.retries]
}

run "crashes_that_outlive_the_queue_are_refused" {
  command = plan

  variables {
    consumer = { timeout_s = 900 }
    retries  = { max_receive_count = 113 }
  }

  expect_failures = [var.retries]
}

run "a_schema_that_is_json_and_no_object_is_refused" {
  command = plan

  variables {
    schemas_dir = "tests/schemas_number"
  }

  expect_failures = [var.schemas_dir]
}

run "a_schema_that_is_not_json_is_refused" {
  command = plan

  variables {
    schemas_dir = "tests/schemas_broken"
  }

  expect_failures = [var.schemas_dir]
}

run "a_deployment_without_any_key_is_refused" {
  command = plan

  variables {
    make_key = false
  }

  expect_failures = [var.make_key]
}
