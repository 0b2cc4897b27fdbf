//! Replays.

use super::{ArchiveError, AuditNote};
use crate::Timestamp;
use crate::dead_letter::{DeadLetter, Page};
use crate::ids::{MessageId, ReplayId};
use crate::replay::{Overdue, Replay, ReplayItem, ReplayState};
use async_trait::async_trait;

/// Replays among which those that run are searched. Older ones that still run are rare.
pub const MOST_RUNNING: usize = 200;

/// Where the consumer reports that a replayed message has arrived.
#[async_trait]
pub trait ReplayReports: Send + Sync {
    /// Whether that replay has taken that dead letter, ever. A message that says so itself may be forged.
    async fn is_known(&self, replay: &ReplayId, id: &MessageId) -> Result<bool, ArchiveError>;

    /// Records that the event of a replayed message is in the store. Doing it twice changes nothing. A message that was
    /// released, or that came back before, and whose event is stored after all: its dead letter is stored then.
    async fn mark_stored(&self, replay: &ReplayId, id: &MessageId) -> Result<(), ArchiveError>;
}

/// Replays and the outcome for each message.
#[async_trait]
pub trait Replays: Send + Sync {
    /// Starts a replay of those of the ids that are in state archived, and marks them as replaying. Returns how many it
    /// took. Two replays never take the same dead letter. Many are taken in parts: if one fails, the replay has those of
    /// the parts before it. The audit log has it as [`AuditEntry::of_replay`](super::AuditEntry::of_replay), in the transaction
    /// that creates it.
    ///
    /// # Errors
    /// The archive failed, and the replay has taken nothing.
    async fn create(&self, replay: &ReplayId, ids: &[MessageId], by: &str) -> Result<u64, ArchiveError>;

    /// Dead letters of a replay that are still to be put back, at most `limit`.
    async fn waiting(&self, replay: &ReplayId, limit: usize) -> Result<Vec<DeadLetter>, ArchiveError>;

    /// Records that messages were put back. One that was stored or returned meanwhile stays so.
    async fn mark_sent(&self, replay: &ReplayId, ids: &[MessageId]) -> Result<(), ArchiveError>;

    /// Records why a replay can't continue, or that it can.
    async fn set_error(&self, replay: &ReplayId, error: Option<&str>) -> Result<(), ArchiveError>;

    /// Records that a message was not put back and never will be. Its dead letter is archived again, and its
    /// part of the replay has ended as returned. The audit log has it, in the same transaction. One that has ended stays as
    /// it is.
    async fn mark_returned(
        &self,
        replay: &ReplayId,
        id: &MessageId,
        note: &AuditNote,
    ) -> Result<(), ArchiveError>;

    /// Messages that were put back before this time and have not ended, oldest replay first, at most `limit`.
    async fn overdue(&self, before: Timestamp, limit: usize) -> Result<Vec<Overdue>, ArchiveError>;

    /// Gives up a message of a replay: its message is gone. Its dead letter is archived again with the next generation,
    /// and its part of the replay has ended as returned. So a copy that turns up later is recognised as an old one.
    /// Returns whether it was released, and then the audit log has it, in the same transaction. One that has ended stays as
    /// it is.
    async fn release(
        &self,
        replay: &ReplayId,
        id: &MessageId,
        note: &AuditNote,
    ) -> Result<bool, ArchiveError>;

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
