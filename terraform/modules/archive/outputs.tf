output "bucket" {
  description = "Name of the bucket."
  value       = aws_s3_bucket.this.bucket
}

output "arn" {
  description = "ARN of the bucket."
  value       = aws_s3_bucket.this.arn
}

output "prefixes" {
  description = "Prefixes of dead letters, notes of those that the index lacks, schemas, the description of the alarms, and charts."
  value       = local.prefixes
}

output "schemas_hash" {
  description = "Changes when a schema does; null without schemas."
  value = length(local.schemas) == 0 ? null : sha256(jsonencode({
    for file in local.schemas : file => filesha256("${var.schemas_dir}/${file}")
  }))

  # A reader of this output must find the new schemas in the bucket.
  depends_on = [aws_s3_object.schema]
}
