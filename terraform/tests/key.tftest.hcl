# The key that a deployment creates.

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
    error_message = "Without the key, all data that it encrypted is lost."
  }
}

run "a_key_without_protection_can_be_deleted" {
  module {
    source = "./modules/key"
  }

  variables {
    deletion_protection = false
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_kms_key.this.policy).Statement : statement.Effect == "Allow"])
    error_message = "A deployment without protection can be destroyed."
  }
}

run "the_key_rotates_and_serves_only_this_account" {
  module {
    source = "./modules/key"
  }

  variables {
    deletion_protection = false
  }

  assert {
    condition     = aws_kms_key.this.enable_key_rotation && aws_kms_key.this.deletion_window_in_days == 30
    error_message = "The key rotates, and its deletion can be undone for 30 days."
  }

  assert {
    condition = alltrue([for statement in jsondecode(aws_kms_key.this.policy).Statement :
      can(statement.Principal.AWS) ? statement.Principal.AWS == "arn:aws:iam::123456789012:root" : can(statement.Condition)
    ])
    error_message = "A service may use the key only for this account or for this deployment's log groups."
  }

  assert {
    condition = alltrue([for service in ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"] : anytrue([for statement in jsondecode(aws_kms_key.this.policy).Statement :
      try(statement.Principal.Service, "") == service && toset(flatten([statement.Action])) == toset(["kms:Decrypt", "kms:GenerateDataKey*"])
    ])])
    error_message = "Alarms and budgets can publish to a topic that is encrypted with it."
  }
}
