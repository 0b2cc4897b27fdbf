# Daily copies of the tables and the archive in a separate vault, in addition to point-in-time recovery. A copy remains
# when the table is deleted, and can be kept longer than 35 days.

resource "aws_backup_vault" "this" {
  name        = var.name
  kms_key_arn = var.kms_key_arn
  tags        = var.tags
}

resource "aws_backup_plan" "this" {
  name = var.name

  rule {
    rule_name           = "daily"
    target_vault_name   = aws_backup_vault.this.name
    schedule            = var.schedule
    recovery_point_tags = var.tags

    lifecycle {
      delete_after = var.keep_days
    }
  }

  tags = var.tags
}

resource "aws_backup_selection" "this" {
  name         = var.name
  plan_id      = aws_backup_plan.this.id
  iam_role_arn = aws_iam_role.this.arn
  resources    = var.resources

  depends_on = [aws_iam_role_policy_attachment.this]
}

resource "aws_iam_role" "this" {
  name               = "${var.name}-backup"
  description        = "Lets AWS Backup copy and restore the tables and the archive of ${var.name}"
  assume_role_policy = var.trust_policy
  tags               = var.tags
}

# AWS keeps these policies up to date with what Backup needs; those for S3 are separate. Without the last two, AWS
# refuses a restore, and the operator would notice only when a restore is needed.
resource "aws_iam_role_policy_attachment" "this" {
  for_each = toset([
    "service-role/AWSBackupServiceRolePolicyForBackup",
    "AWSBackupServiceRolePolicyForS3Backup",
    "service-role/AWSBackupServiceRolePolicyForRestores",
    "AWSBackupServiceRolePolicyForS3Restore",
  ])

  role       = aws_iam_role.this.name
  policy_arn = "arn:${var.partition}:iam::aws:policy/${each.value}"
}
