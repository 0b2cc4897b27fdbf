# The key that a deployment makes.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                 = "demo"
  account_id           = "123456789012"
  region               = "eu-central-1"
  partition            = "aws"
  deletion_window_days = 30
  deletion_protection  = true
  tags                 = { spillway = "demo" }
}

run "a_protected_key_can_be_neither_deleted_nor_disabled" {
  module {
    source = "./modules/key"
  }

  assert {
    condition = anytrue([for statement in jsondecode(aws_kms_key.this.policy).Statement :
      statement.Effect == "Deny" && statement.Principal == "*" && toset(flatten([statement.Action])) == toset(["kms:DisableKey", "kms:ScheduleKeyDeletion"])
    ])
    error_message = "What it encrypted would be lost with it."
  }
}

run "a_key_without_protection_can_go" {
  module {
    source = "./modules/key"
  }

  variables {
    deletion_protection = false
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_kms_key.this.policy).Statement : statement.Effect == "Allow"])
    error_message = "A deployment that is to go can go."
  }
}
