# Compiled rules: what the module accepts, and what it refuses.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  limits = {}
}

run "the_operators_own_rules_are_read_with_the_deployments_limits" {
  command = plan

  module {
    source = "./modules/compiled_rules"
  }

  variables {
    file   = "tests/compiled/own.json"
    limits = { "functions.consumer.timeout_ms" = 60000 }
  }

  assert {
    condition     = output.problem == "" && keys(output.rules) == ["consumer-slow"] && output.text == file("tests/compiled/own.json")
    error_message = "The file is read as the compiler wrote it: ${output.problem}"
  }

  assert {
    condition     = output.rules["consumer-slow"].threshold == 42000 && output.limits["functions.consumer.timeout_ms"] == 60000 && output.limits["queues.primary.max_in_flight"] == 120000
    error_message = "A threshold is a share of the deployment's limit; if the deployment sets none, of the file's."
  }
}

run "a_file_that_does_not_exist_is_refused" {
  command = plan

  module {
    source = "./modules/compiled_rules"
  }

  variables {
    file = "tests/compiled/none.json"
  }

  assert {
    condition     = startswith(output.problem, "tests/compiled/none.json does not exist") && length(output.rules) == 0
    error_message = "The problem names the file and the command: ${output.problem}"
  }
}

run "rule_files_that_were_not_compiled_are_refused" {
  command = plan

  module {
    source = "./modules/compiled_rules"
  }

  variables {
    file = "../alerts/rules/queue.yaml"
  }

  assert {
    condition     = strcontains(output.problem, "is no file of compiled rules") && length(output.rules) == 0
    error_message = "YAML is not read: ${output.problem}"
  }
}

run "another_format_is_refused" {
  command = plan

  module {
    source = "./modules/compiled_rules"
  }

  variables {
    file = "tests/compiled/other_format.json"
  }

  assert {
    condition     = strcontains(output.problem, "has format 2, expected 1") && length(output.rules) == 0
    error_message = "A file of another version is refused although its hash is right: ${output.problem}"
  }
}

run "a_file_that_was_changed_by_hand_is_refused" {
  command = plan

  module {
    source = "./modules/compiled_rules"
  }

  variables {
    file = "tests/compiled/changed.json"
  }

  assert {
    condition     = strcontains(output.problem, "was changed after it was compiled") && length(output.rules) == 0
    error_message = "A file with one changed number and the old hash is refused: ${output.problem}"
  }
}
