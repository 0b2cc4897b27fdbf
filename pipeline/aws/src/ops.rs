//! The audit log on DynamoDB.

/// The audit log in a table.
#[derive(Clone, Debug)]
pub struct DynamoOps {
    client: aws_sdk_dynamodb::Client,
    table: String,
}

impl DynamoOps {
    /// The log in that table.
    pub fn new(client: aws_sdk_dynamodb::Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }
}
