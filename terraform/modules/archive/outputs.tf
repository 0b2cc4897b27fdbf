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

output "schema_set" {
  description = "Where all schemas are in one document, in which version of the object, and a hash of it; null without schemas."
  value = one([for object in aws_s3_object.schema_set : {
    key     = object.key
    version = object.version_id
    hash    = object.source_hash
  }])
}
