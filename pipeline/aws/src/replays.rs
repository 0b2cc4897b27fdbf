//! Replays on DynamoDB.

use crate::archive::{ArchiveNames, IndexNames};
use spillway_core::ports::Clock;
use std::sync::Arc;

/// The log of replays.
#[derive(Clone)]
pub struct DynamoReplays {
    dynamodb: aws_sdk_dynamodb::Client,
    names: IndexNames,
    letters: Option<(aws_sdk_s3::Client, ArchiveNames)>,
    clock: Arc<dyn Clock>,
}

impl DynamoReplays {
    /// The log, for whoever starts replays or carries them on.
    pub fn new(
        dynamodb: aws_sdk_dynamodb::Client,
        s3: aws_sdk_s3::Client,
        names: ArchiveNames,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { dynamodb, names: names.index.clone(), letters: Some((s3, names)), clock }
    }

    /// The log, for the consumer, which only reports what was stored and never sees the bucket.
    pub fn reporting(dynamodb: aws_sdk_dynamodb::Client, names: IndexNames, clock: Arc<dyn Clock>) -> Self {
        Self { dynamodb, names, letters: None, clock }
    }
}
