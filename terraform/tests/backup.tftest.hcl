mock_provider "aws" {
  source = "./tests/mocks"
}

run "the_role_copies_and_restores_tables_and_the_archive" {
  module {
    source = "./modules/backup"
  }

  variables {
    name         = "demo"
    resources    = ["arn:aws:s3:::demo-archive"]
    schedule     = "cron(0 3 * * ? *)"
    keep_days    = 35
    trust_policy = "{\"Version\":\"2012-10-17\"}"
    partition    = "aws"
    kms_key_arn  = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    tags         = { spillway = "demo" }
  }

  assert {
    condition = toset([for attachment in aws_iam_role_policy_attachment.this : basename(attachment.policy_arn)]) == toset([
      "AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForS3Backup",
      "AWSBackupServiceRolePolicyForRestores", "AWSBackupServiceRolePolicyForS3Restore",
    ])
    error_message = "A copy that nobody can restore is none."
  }

  assert {
    condition     = aws_iam_role.this.assume_role_policy == var.trust_policy
    error_message = "The role has the trust policy of the deployment."
  }
}
