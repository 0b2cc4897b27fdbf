//! Replays on DynamoDB: which dead letters they took, and the outcome for each.

pub(crate) mod log;
mod read;
mod write;

use crate::archive::{ArchiveNames, Index, IndexNames, Objects, S3Archive};
use crate::kept::Kept;
use crate::ops::DynamoOps;
use async_trait::async_trait;
use jiff::SignedDuration;
use log::Log;
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetter, Page};
use spillway_core::ids::{MessageId, ReplayId};
use spillway_core::ports::{ArchiveError, AuditNote, Clock, ReplayReports, Replays};
use spillway_core::replay::{Overdue, Replay, ReplayItem};
use std::sync::Arc;

/// The tables that every change of a replay touches.
#[derive(Clone)]
struct Tables {
    index: Index,
    log: Log,
    audit: DynamoOps,
    clock: Arc<dyn Clock>,
}

impl Tables {
    fn new(dynamodb: aws_sdk_dynamodb::Client, names: IndexNames, clock: Arc<dyn Clock>) -> Self {
        let log = Log { client: dynamodb.clone(), table: names.ops_table.clone() };
        let audit = DynamoOps::new(dynamodb.clone(), names.ops_table.as_str());
        Self { index: Index::new(dynamodb, names), log, audit, clock }
    }
}

/// The log of replays, for a program that starts them or carries them on.
#[derive(Clone)]
pub struct DynamoReplays {
    tables: Tables,
    objects: Objects,
    running: Option<Arc<Kept<Vec<Replay>>>>,
}

impl DynamoReplays {
    /// The log with those names.
    pub fn new(
        dynamodb: aws_sdk_dynamodb::Client,
        s3: aws_sdk_s3::Client,
        names: ArchiveNames,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let tables = Tables::new(dynamodb, names.index.clone(), clock);
        Self { tables, objects: Objects::new(s3, names), running: None }
    }

    /// Reads the running replays again after this time. What another process writes is seen after that.
    #[must_use]
    pub fn keeping_running(mut self, keep: SignedDuration) -> Self {
        self.running = Some(Arc::new(Kept::new(Arc::clone(&self.tables.clock), keep)));
        self
    }

    /// Shares the counters that the archive keeps, so that it sees what this log changes.
    #[must_use]
    pub fn beside(mut self, archive: &S3Archive) -> Self {
        self.tables.index = archive.index().clone();
        self
    }

    /// Reads the running replays again for the next reader.
    async fn changed(&self) {
        if let Some(running) = &self.running {
            running.forget().await;
        }
    }
}

/// The log of replays, for the consumer. It only reports what was stored and never sees the bucket.
#[derive(Clone)]
pub struct DynamoReplayReports(Tables);

impl DynamoReplayReports {
    /// The log with those names.
    pub fn new(dynamodb: aws_sdk_dynamodb::Client, names: IndexNames, clock: Arc<dyn Clock>) -> Self {
        Self(Tables::new(dynamodb, names, clock))
    }
}

#[async_trait]
impl ReplayReports for DynamoReplayReports {
    async fn is_known(&self, replay: &ReplayId, id: &MessageId) -> Result<bool, ArchiveError> {
        Ok(self.0.log.state(replay, id).await?.is_some())
    }

    async fn mark_stored(&self, replay: &ReplayId, id: &MessageId) -> Result<(), ArchiveError> {
        Ok(self.0.note_stored(replay, id).await?)
    }
}

#[async_trait]
impl Replays for DynamoReplays {
    async fn create(&self, replay: &ReplayId, ids: &[MessageId], by: &str) -> Result<u64, ArchiveError> {
        let taken = self.take_letters(replay, ids, by).await;
        self.changed().await;
        Ok(taken?)
    }

    async fn waiting(&self, replay: &ReplayId, limit: usize) -> Result<Vec<DeadLetter>, ArchiveError> {
        Ok(self.read_waiting(replay, limit).await?)
    }

    async fn mark_sent(&self, replay: &ReplayId, ids: &[MessageId]) -> Result<(), ArchiveError> {
        let noted = self.note_sent(replay, ids).await;
        self.changed().await;
        Ok(noted?)
    }

    async fn mark_returned(
        &self,
        replay: &ReplayId,
        id: &MessageId,
        note: &AuditNote,
    ) -> Result<(), ArchiveError> {
        let noted = self.note_returned(replay, id, note).await;
        self.changed().await;
        Ok(noted?)
    }

    async fn overdue(&self, before: Timestamp, limit: usize) -> Result<Vec<Overdue>, ArchiveError> {
        Ok(self.read_overdue(before, limit).await?)
    }

    async fn release(
        &self,
        replay: &ReplayId,
        id: &MessageId,
        note: &AuditNote,
    ) -> Result<bool, ArchiveError> {
        let released = self.tables.release(replay, id, note).await;
        self.changed().await;
        Ok(released?)
    }

    async fn set_error(&self, replay: &ReplayId, error: Option<&str>) -> Result<(), ArchiveError> {
        let noted = self.note_error(replay, error).await;
        self.changed().await;
        Ok(noted?)
    }

    async fn get(&self, replay: &ReplayId) -> Result<Option<Replay>, ArchiveError> {
        Ok(self.read_one(replay).await?)
    }

    async fn list(&self, limit: usize) -> Result<Vec<Replay>, ArchiveError> {
        Ok(self.read_newest(limit).await?)
    }

    async fn running(&self) -> Result<Vec<Replay>, ArchiveError> {
        Ok(self.kept_running().await?)
    }

    async fn unfinished(&self) -> Result<Vec<ReplayId>, ArchiveError> {
        Ok(self.read_unfinished().await?)
    }

    async fn items(
        &self,
        replay: &ReplayId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<ReplayItem>, ArchiveError> {
        Ok(self.read_items(replay, after, limit).await?)
    }
}
