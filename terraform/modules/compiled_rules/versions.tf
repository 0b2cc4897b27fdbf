terraform {
  # From 1.9 on, a variable's validation may refer to other variables.
  required_version = ">= 1.9.0"
}
