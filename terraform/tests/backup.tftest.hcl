# Copies of tables and archive.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name         = "demo"
  resources    = ["arn:aws:dynamodb:eu-central-1:123456789012:table/demo-events", "arn:aws:s3:::demo-archive"]
  schedule     = "cron(0 3 * * ? *)"
  keep_days    = 35
  trust_policy = "{\"Version\":\"2012-10-17\"}"
  partition    = "aws"
  kms_key_arn  = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  tags         = { spillway = "demo" }
}

run "the_role_copies_and_restores_tables_and_the_archive" {
  module {
    source = "./modules/backup"
  }

  assert {
    condition = toset([for attachment in aws_iam_role_policy_attachment.this : basename(attachment.policy_arn)]) == toset([
      "AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForS3Backup",
      "AWSBackupServiceRolePolicyForRestores", "AWSBackupServiceRolePolicyForS3Restore",
    ])
    error_message = "The role has AWS's policies for copies and for restores, of tables and of S3."
  }

  assert {
    condition     = aws_iam_role.this.assume_role_policy == var.trust_policy
    error_message = "The role has the trust policy of the deployment."
  }
}

run "copies_cover_what_was_named_and_expire" {
  module {
    source = "./modules/backup"
  }

  assert {
    condition     = toset(aws_backup_selection.this.resources) == toset(var.resources)
    error_message = "The plan copies the resources that were named."
  }

  assert {
    condition     = aws_backup_vault.this.kms_key_arn == var.kms_key_arn
    error_message = "Copies are encrypted with the deployment's key."
  }

  assert {
    condition     = one(aws_backup_plan.this.rule).lifecycle[0].delete_after == 35 && one(aws_backup_plan.this.rule).recovery_point_tags == tomap({ spillway = "demo" })
    error_message = "Copies are tagged, so that the budget counts them, and expire."
  }
}
