# The event store: its location, and what the consumer and operators may do with it. The adapter that opens a location is
# named in pipeline/aws/src/event_store.rs. A deployment with another store changes these two files: docs/extending.md.

locals {
  event_store = {
    location = module.events.name

    write = {
      Sid      = "StoreEvents"
      Effect   = "Allow"
      Action   = ["dynamodb:PutItem", "dynamodb:GetItem"]
      Resource = module.events.arn
    }

    read = {
      Sid      = "ReadEvents"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:Query"]
      Resource = module.events.arn
    }

    # To list and export events. It is no permission of viewers: a scan costs by what the table holds.
    list = {
      Sid      = "ListEvents"
      Effect   = "Allow"
      Action   = ["dynamodb:Scan"]
      Resource = module.events.arn
    }
  }
}
