# The packages of the functions, and their settings.

variable "artifacts_dir" {
  description = "Folder with the functions' zips, FUNCTION-ARCHITECTURE.zip for each, with an executable `bootstrap`."
  type        = string
  default     = "../target/lambda"

  validation {
    condition     = alltrue([for name in keys(local.functions) : fileexists("${var.artifacts_dir}/${name}-${var.architecture}.zip")])
    error_message = "artifacts_dir must hold ${join(", ", formatlist("%s-${var.architecture}.zip", keys(local.functions)))}: zip files with a `bootstrap` for provided.al2023 in each."
  }
}

variable "architecture" {
  description = "Processor of the functions: arm64, which costs a fifth less, or x86_64."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be arm64 or x86_64."
  }
}

variable "release" {
  description = "Version or commit of the code, which failures name; null for the functions' own version."
  type        = string
  default     = null
}

variable "schemas_dir" {
  description = "Folder with JSON Schemas, one file TYPE.json per event type, that the consumer checks; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.schemas_dir == null || try(length(fileset(var.schemas_dir, "**/*.json")) > 0, false)
    error_message = "schemas_dir must be a folder with at least one .json file, or null to check no schemas."
  }

  # A schema is an object, true or false. With any other value all events of the type would become dead letters.
  validation {
    condition     = alltrue([for file in try(fileset(var.schemas_dir, "**/*.json"), []) : startswith(basename(file), ".") || can(regex("^[{tf]", jsonencode(jsondecode(file("${var.schemas_dir}/${file}")))))])
    error_message = "schemas_dir has files that are not a JSON Schema, which is a JSON object in UTF-8: ${join(", ", [for file in try(fileset(var.schemas_dir, "**/*.json"), []) : file if !startswith(basename(file), ".") && !can(regex("^[{tf]", jsonencode(jsondecode(file("${var.schemas_dir}/${file}")))))])}."
  }
}

variable "ingest" {
  description = "The function behind the API. Against cold starts, both off at 0: `provisioned_concurrency` keeps sandboxes ready, `warm_up_every_minutes` invokes it at that interval. `reserved_concurrency` is its share of the account's concurrency; null shares with the others."
  type = object({
    timeout_s               = optional(number, 10)
    memory_mb               = optional(number, 256)
    reserved_concurrency    = optional(number)
    provisioned_concurrency = optional(number, 0)
    warm_up_every_minutes   = optional(number, 0)
  })
  default = {}

  validation {
    condition     = var.ingest.timeout_s >= 1 && var.ingest.timeout_s <= 28
    error_message = "ingest.timeout_s must be from 1 to 28: API Gateway waits 29 s, and a later answer does not reach the sender."
  }

  validation {
    condition     = var.ingest.memory_mb >= 128 && var.ingest.memory_mb <= 10240
    error_message = "ingest.memory_mb must be from 128 to 10240."
  }

  validation {
    condition     = var.ingest.reserved_concurrency == null || try(var.ingest.reserved_concurrency >= 1, false)
    error_message = "ingest.reserved_concurrency must be at least 1, or null to share with the account's other functions. With 0 no event is accepted."
  }

  validation {
    condition     = var.ingest.provisioned_concurrency >= 0 && var.ingest.provisioned_concurrency <= coalesce(var.ingest.reserved_concurrency, 1000000)
    error_message = "ingest.provisioned_concurrency must be 0 for none, and no more than ingest.reserved_concurrency."
  }

  validation {
    condition     = var.ingest.warm_up_every_minutes >= 0 && floor(var.ingest.warm_up_every_minutes) == var.ingest.warm_up_every_minutes
    error_message = "ingest.warm_up_every_minutes must be a whole number of minutes, or 0 for no warm-up."
  }
}

locals {
  # What Lambda accepts from a function that reads a queue.
  queue_reader_ranges = {
    timeout_s           = { from = 1, to = 900 }
    memory_mb           = { from = 128, to = 10240 }
    batch_size          = { from = 1, to = 10000 }
    batch_window_s      = { from = 0, to = 300 }
    maximum_concurrency = { from = 2, to = 1000 }
  }
}

# Consumer and archiver repeat types and rules: Terraform has no named types, and a rule must refer to its own variable.
variable "consumer" {
  description = "The function that stores events. `maximum_concurrency` is how many batches it works on at once, which limits the writes to the table. `batch_window_s` waits for fuller batches, which delays events when there are few."
  type = object({
    timeout_s            = optional(number, 30)
    memory_mb            = optional(number, 256)
    batch_size           = optional(number, 10)
    batch_window_s       = optional(number, 0)
    maximum_concurrency  = optional(number, 10)
    reserved_concurrency = optional(number)
  })
  default = {}

  validation {
    condition     = alltrue([for setting, range in local.queue_reader_ranges : var.consumer[setting] >= range.from && var.consumer[setting] <= range.to])
    error_message = "consumer must have ${join(", ", [for setting, range in local.queue_reader_ranges : "${setting} from ${range.from} to ${range.to}"])}: Lambda accepts no other value."
  }

  validation {
    condition     = var.consumer.batch_size <= 10 || var.consumer.batch_window_s >= 1
    error_message = "consumer.batch_size above 10 needs consumer.batch_window_s of at least 1: SQS hands out ten messages at once, and Lambda gathers more only while it waits."
  }

  validation {
    condition     = coalesce(var.consumer.reserved_concurrency, 1000000) >= var.consumer.maximum_concurrency
    error_message = "consumer.reserved_concurrency must be at least consumer.maximum_concurrency, or null. Below it Lambda throttles batches that were received already, and each such receive counts toward the dead letter queue."
  }
}

variable "archiver" {
  description = "The function that archives dead letters. Its settings are those of the consumer."
  type = object({
    timeout_s            = optional(number, 30)
    memory_mb            = optional(number, 256)
    batch_size           = optional(number, 10)
    batch_window_s       = optional(number, 0)
    maximum_concurrency  = optional(number, 5)
    reserved_concurrency = optional(number)
  })
  default = {}

  validation {
    condition     = alltrue([for setting, range in local.queue_reader_ranges : var.archiver[setting] >= range.from && var.archiver[setting] <= range.to])
    error_message = "archiver must have ${join(", ", [for setting, range in local.queue_reader_ranges : "${setting} from ${range.from} to ${range.to}"])}: Lambda accepts no other value."
  }

  validation {
    condition     = var.archiver.batch_size <= 10 || var.archiver.batch_window_s >= 1
    error_message = "archiver.batch_size above 10 needs archiver.batch_window_s of at least 1: SQS hands out ten messages at once, and Lambda gathers more only while it waits."
  }

  validation {
    condition     = coalesce(var.archiver.reserved_concurrency, 1000000) >= var.archiver.maximum_concurrency
    error_message = "archiver.reserved_concurrency must be at least archiver.maximum_concurrency, or null. Below it Lambda throttles batches that were received already."
  }
}

variable "retries" {
  description = "When a failed event is retried: after `base_s` seconds, then twice as long each time up to `cap_s`, and at most `max_receive_count` times in all before it is a dead letter. The defaults span about three hours."
  type = object({
    max_receive_count = optional(number, 20)
    base_s            = optional(number, 5)
    cap_s             = optional(number, 900)
  })
  default = {}

  validation {
    condition     = var.retries.max_receive_count >= 2 && var.retries.max_receive_count <= 1000 && floor(var.retries.max_receive_count) == var.retries.max_receive_count
    error_message = "retries.max_receive_count must be a whole number from 2 to 1000. With 1 a throttled invocation alone would make a dead letter."
  }

  # SQS counts its 12 hours from the receive and refuses more. The difference is the time that the work may take before
  # the message is hidden again.
  validation {
    condition     = var.retries.base_s >= 1 && var.retries.base_s <= var.retries.cap_s && var.retries.cap_s <= 43200 - 6 * var.consumer.timeout_s - var.consumer.batch_window_s
    error_message = "retries.base_s must be at least 1 and at most retries.cap_s, and retries.cap_s at most ${43200 - 6 * var.consumer.timeout_s - var.consumer.batch_window_s}: SQS hides a message for 12 hours (43200 s) from its receive, and the queue's visibility timeout of ${6 * var.consumer.timeout_s + var.consumer.batch_window_s} s is left to the work."
  }

  # After a crash, a received message waits for the visibility timeout, whatever the schedule says. SQS deletes a
  # message 14 days after it was sent: half of that time is for the retries, half for the dead letter queue. The
  # consumer makes the same check when it starts.
  validation {
    condition = try(sum([for i in range(var.retries.max_receive_count) :
      max(min(var.retries.base_s * pow(2, min(i, 31)), var.retries.cap_s), 6 * var.consumer.timeout_s + var.consumer.batch_window_s)
    ]), 0) <= 604800
    error_message = "retries would take ${try(sum([for i in range(var.retries.max_receive_count) :
      max(min(var.retries.base_s * pow(2, min(i, 31)), var.retries.cap_s), 6 * var.consumer.timeout_s + var.consumer.batch_window_s)
    ]), 0)} s in all, and may take 604800 s (7 days): SQS deletes an event 14 days after it was sent, in either queue. Lower retries.max_receive_count or retries.cap_s."
  }
}
