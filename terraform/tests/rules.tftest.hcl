# Malformed rules: Terraform says what `spillway alarms check` says.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "every_malformed_file_is_refused_in_the_words_of_the_crate" {
  command = plan

  module {
    source = "./tests/refusals"
  }

  assert {
    condition     = output.count > 70
    error_message = "The files were found: only then the rest of this means anything."
  }

  assert {
    condition     = length(output.judged_otherwise) == 0
    error_message = "Each file has the problems that stand at its end, and no others: ${jsonencode(output.judged_otherwise)}"
  }
}
