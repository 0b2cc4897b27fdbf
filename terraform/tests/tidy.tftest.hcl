# Rules that hold for every present and future resource and variable.

run "the_configuration_keeps_its_own_rules" {
  module {
    source = "./tests/tidy"
  }

  assert {
    condition     = output.resource_count > 50
    error_message = "The resources were found; without them the other rules would pass unchecked."
  }

  assert {
    condition     = length(output.untagged) == 0
    error_message = "Every resource that can be tagged has the tags, so that the budget counts its costs: ${join(", ", output.untagged)}"
  }

  assert {
    condition     = length(output.undescribed) == 0
    error_message = "Every variable and output has a description: ${join(", ", output.undescribed)}"
  }

  assert {
    condition     = length(output.unnamed_refusals) == 0
    error_message = "Every refusal begins with the name of the variable: ${join(", ", output.unnamed_refusals)}"
  }

  assert {
    condition     = length(output.unexplained_skips) == 0
    error_message = "Every skipped check says why: ${join(", ", output.unexplained_skips)}"
  }

  assert {
    condition     = length(output.deleted_too_early) == 0
    error_message = "A removed alarm is deleted after the composites that name it were changed: ${join(", ", output.deleted_too_early)}"
  }

  assert {
    condition     = output.environment_in_code == output.environment_in_readme
    error_message = "The README's table lists the functions' environment: ${join(", ", setunion(setsubtract(output.environment_in_code, output.environment_in_readme), setsubtract(output.environment_in_readme, output.environment_in_code)))}"
  }

  assert {
    condition     = output.variables_in_root == output.variables_in_readme
    error_message = "The README's table lists the variables: ${join(", ", setunion(setsubtract(output.variables_in_root, output.variables_in_readme), setsubtract(output.variables_in_readme, output.variables_in_root)))}"
  }
}
