//! The archive of dead letters: S3 has the letters, DynamoDB their index.

use spillway_core::ports::Clock;
use std::sync::Arc;

/// Where the index of dead letters is, and the log of replays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexNames {
    /// Table with the index.
    pub table: String,
    /// Table with replays and the audit log.
    pub ops_table: String,
    /// Partitions over which the index is spread.
    pub shards: u32,
}

/// Where the archive is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveNames {
    /// The bucket.
    pub bucket: String,
    /// Where keys of dead letters begin, such as `dead-letters/`.
    pub prefix: String,
    /// Where notes of dead letters begin that the index lacks, such as `unindexed/`.
    pub unindexed_prefix: String,
    /// Where the index is.
    pub index: IndexNames,
}

/// The archive.
#[derive(Clone)]
pub struct S3Archive {
    s3: aws_sdk_s3::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    names: ArchiveNames,
    clock: Arc<dyn Clock>,
}

impl S3Archive {
    /// The archive with those names.
    pub fn new(
        s3: aws_sdk_s3::Client,
        dynamodb: aws_sdk_dynamodb::Client,
        names: ArchiveNames,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { s3, dynamodb, names, clock }
    }
}
