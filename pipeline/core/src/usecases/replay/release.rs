//! Release: dead letters whose messages are gone leave their replay. They are archived again, and can be replayed.
//!
//! A message can be gone because somebody purged a queue, or because its retention ran out while no consumer received.
//! Releasing one whose message still exists is harmless: the store takes each event once, and the archive recognises
//! the old message by its generation.

use super::carry::BY;
use super::{Carrier, Replayer};
use crate::dead_letter::{DeadLetterState, DeadLetterStatus};
use crate::ids::{MessageId, ReplayId};
use crate::ports::{ArchiveError, AuditNote};
use crate::replay::Overdue;
use std::time::Duration;

/// Added to the longest life of a message, for clocks that differ and for a last receive.
const MARGIN: Duration = Duration::from_secs(86_400);
/// Messages that are read at once.
const AT_ONCE: usize = 200;

/// How long a message that was put back can exist at most: its retention in the primary queue, and again in the DLQ.
pub fn longest_life(retention_s: u32) -> Duration {
    2 * Duration::from_secs(retention_s.into()) + MARGIN
}

impl Replayer {
    /// Takes dead letters out of the replays that they are in. Returns those that were released, each once and in the
    /// order of `ids`.
    ///
    /// # Errors
    /// The archive failed. What was released so far stays so, and is in the audit log.
    pub async fn release(&self, ids: &[MessageId], by: &str) -> Result<Vec<MessageId>, ArchiveError> {
        let mut released = Vec::new();
        for id in ids {
            let Some(letter) = self.archive.get(id).await? else { continue };
            let DeadLetterState::Replaying { replay_id } = letter.state else { continue };
            let note = release_note(self.clock.now(), by, &replay_id, "by hand");
            if self.replays.release(&replay_id, id, &note).await? {
                released.push(id.clone());
            }
        }
        Ok(released)
    }

    /// Makes dead letters replayable again that a replay stored and whose events the store has no longer, such as after
    /// it was restored from a backup. Returns them. Other dead letters do not change.
    ///
    /// # Errors
    /// The archive or the store failed.
    pub async fn reopen(&self, ids: &[MessageId], by: &str) -> Result<Vec<MessageId>, ArchiveError> {
        let mut gone = Vec::new();
        for id in ids {
            let Some(letter) = self.archive.get(id).await? else { continue };
            if letter.state.status() == DeadLetterStatus::Stored && !self.is_stored(&letter).await? {
                gone.push(id.clone());
            }
        }
        let note = self.note(by, "reopen", "the event store no longer has the event");
        self.archive.change_states(&gone, DeadLetterStatus::Stored, DeadLetterState::Archived, &note).await
    }
}

impl Carrier {
    /// Releases messages that were put back longer ago than a message can exist, at most `limit`. Returns how many it
    /// released.
    ///
    /// # Errors
    /// The archive failed. What was released so far stays so, and is in the audit log.
    pub async fn release_overdue(&self, retention_s: u32, limit: usize) -> Result<u64, ArchiveError> {
        let now = self.clock.now();
        let Ok(before) = now.checked_sub(longest_life(retention_s)) else { return Ok(0) };
        let mut released = 0;
        while released < limit as u64 {
            let some = self.replays.overdue(before, AT_ONCE.min(limit)).await?;
            let mut moved = false;
            for Overdue { replay_id, dead_letter } in &some {
                let why = "it was put back longer ago than a message can exist";
                if self
                    .replays
                    .release(replay_id, dead_letter, &release_note(now, BY, replay_id, why))
                    .await?
                {
                    released += 1;
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        Ok(released)
    }
}

/// How the audit log has the release of a dead letter from a replay.
pub fn release_note(at: crate::Timestamp, by: &str, replay: &ReplayId, why: &str) -> AuditNote {
    let detail = format!("from replay {replay}: {why}");
    AuditNote { at, by: by.to_owned(), action: "release", detail }
}
