# The bucket for dead letters, and for the schemas that the consumer uses.

resource "aws_s3_bucket" "this" {
  # checkov:skip=CKV_AWS_18:CloudTrail's data events log reads, for the account; a bucket for logs would need its own log bucket.
  # checkov:skip=CKV_AWS_144:Dead letters wait for a replay in this region; versioning and the optional backup plan guard them.
  # checkov:skip=CKV2_AWS_62:Nothing has to react to an object: the archiver writes the index itself.
  bucket        = var.bucket
  force_destroy = var.force_destroy
  tags          = var.tags
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "tls_only" {
  bucket = aws_s3_bucket.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  # Glacier Instant Retrieval, because a replay reads objects immediately. S3 does not move objects below 128 KB: moving
  # them would cost more than it saves.
  rule {
    id     = "colder-with-age"
    status = "Enabled"

    filter {
      prefix = local.prefixes.dead_letters
    }

    transition {
      days          = var.cold_after_days
      storage_class = "GLACIER_IR"
    }

    dynamic "expiration" {
      for_each = var.keep_days == null ? [] : [var.keep_days]

      content {
        days = expiration.value
      }
    }
  }

  # Charts in digests: readers need them for some days, and the dashboard can draw them again.
  rule {
    id     = "charts-of-digests"
    status = "Enabled"

    filter {
      prefix = local.prefixes.digests
    }

    expiration {
      days = 90
    }
  }

  rule {
    id     = "old-versions-and-torn-uploads"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 30
    }

    # Removes the delete markers of notes whose versions are gone. Otherwise every listing of the notes would read them
    # all.
    expiration {
      expired_object_delete_marker = true
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

# Without a filter S3 publishes only the bucket's size, once a day. `pipeline/metrics/src/list.rs` has this name too.
resource "aws_s3_bucket_metric" "requests" {
  count = var.request_metrics ? 1 : 0

  bucket = aws_s3_bucket.this.id
  name   = "EntireBucket"
}

locals {
  prefixes = {
    dead_letters = "dead-letters/"
    unindexed    = "unindexed/"
    schemas      = "schemas/"
    alarms       = "alarms/"
    digests      = "digests/"
    schema_sets  = "schema-sets/"
  }

  # Editors and copy programs leave hidden files, which are not schemas.
  schemas = toset([for file in try(fileset(var.schemas_dir, "**/*.json"), []) : file if !startswith(basename(file), ".")])

  # All schemas in one document, which maps each event type to the text of its schema.
  schema_set = jsonencode({ for file in local.schemas : trimsuffix(file, ".json") => file("${var.schemas_dir}/${file}") })
}

# The consumer reads this object. Its key never changes; each change is a new version of the object. A version of the
# function names the object version that it was deployed with, and still finds it when the alias goes back. A separate
# key for each set would not work: Terraform deletes an object whose key changes, with all its versions.
resource "aws_s3_object" "schema_set" {
  count = length(local.schemas) == 0 ? 0 : 1

  bucket       = aws_s3_bucket.this.id
  key          = "${local.prefixes.schema_sets}current.json"
  content      = local.schema_set
  source_hash  = sha256(local.schema_set)
  content_type = "application/json"
  kms_key_id   = var.kms_key_arn
  tags         = var.tags

  depends_on = [aws_s3_bucket_versioning.this]
}

# Each schema in its present version, for people. Programs of users read the document with all of them: one call.

resource "aws_s3_object" "schema" {
  for_each = local.schemas

  bucket       = aws_s3_bucket.this.id
  key          = "${local.prefixes.schemas}${each.value}"
  source       = "${var.schemas_dir}/${each.value}"
  source_hash  = filesha256("${var.schemas_dir}/${each.value}")
  content_type = "application/schema+json"
  kms_key_id   = var.kms_key_arn
  tags         = var.tags

  depends_on = [aws_s3_bucket_versioning.this]
}
