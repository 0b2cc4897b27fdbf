//! The event store on DynamoDB.

/// Events in a DynamoDB table.
#[derive(Clone, Debug)]
pub struct DynamoEvents {
    client: aws_sdk_dynamodb::Client,
    table: String,
}

impl DynamoEvents {
    /// The events in that table.
    pub fn new(client: aws_sdk_dynamodb::Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }
}
