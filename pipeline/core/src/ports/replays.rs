//! Replays.

use super::ArchiveError;
use crate::dead_letter::{DeadLetter, Page};
use crate::ids::{MessageId, ReplayId};
use crate::replay::{Replay, ReplayItem, ReplayState};
use async_trait::async_trait;

/// Replays among which those that run are searched. Older ones that still run are rare.
pub const MOST_RUNNING: usize = 200;

/// Where the consumer reports that a replayed message has arrived.
#[async_trait]
pub trait ReplayReports: Send + Sync {
    /// Records that the event of a replayed message is in the store. Doing it twice changes nothing.
    async fn mark_stored(&self, replay: &ReplayId, id: &MessageId) -> Result<(), ArchiveError>;
}

/// Replays and the outcome for each message.
#[async_trait]
pub trait Replays: Send + Sync {
    /// Starts a replay of those of the ids that are in state archived, and marks them as replaying, all at once.
    /// Returns how many it took. Two replays never take the same dead letter.
    async fn create(&self, replay: &ReplayId, ids: &[MessageId], by: &str) -> Result<u64, ArchiveError>;

    /// Dead letters of a replay that are still to be put back, at most `limit`.
    async fn waiting(&self, replay: &ReplayId, limit: usize) -> Result<Vec<DeadLetter>, ArchiveError>;

    /// Records that messages were put back. One that was stored or returned meanwhile stays so.
    async fn mark_sent(&self, replay: &ReplayId, ids: &[MessageId]) -> Result<(), ArchiveError>;

    /// Records why a replay can't continue, or that it can.
    async fn set_error(&self, replay: &ReplayId, error: Option<&str>) -> Result<(), ArchiveError>;

    /// Records that a message was not put back and never will be. Its dead letter is archived again, and its
    /// part of the replay has ended as returned. One that has ended stays as it is.
    async fn mark_returned(&self, replay: &ReplayId, id: &MessageId) -> Result<(), ArchiveError>;

    /// One replay.
    async fn get(&self, replay: &ReplayId) -> Result<Option<Replay>, ArchiveError>;

    /// Replays, newest first, at most `limit`.
    async fn list(&self, limit: usize) -> Result<Vec<Replay>, ArchiveError>;

    /// Replays that have not ended, newest first. Of more than [`MOST_RUNNING`], the oldest may be missing.
    async fn running(&self) -> Result<Vec<Replay>, ArchiveError> {
        let mut newest = self.list(MOST_RUNNING).await?;
        newest.retain(|replay| replay.state == ReplayState::Running);
        Ok(newest)
    }

    /// Replays with messages still to be put back, oldest first.
    async fn unfinished(&self) -> Result<Vec<ReplayId>, ArchiveError>;

    /// A page of a replay's messages. `after` is the `next` of the page before.
    async fn items(
        &self,
        replay: &ReplayId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<ReplayItem>, ArchiveError>;
}
