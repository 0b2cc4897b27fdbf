//! The ports on SQS, DynamoDB and S3.

pub mod topology;
