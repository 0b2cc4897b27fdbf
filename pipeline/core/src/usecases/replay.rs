//! Replay: dead letters go back to the primary queue, until each is stored or back in the archive.

mod carry;

pub use carry::{Carried, Carrier, End, Scope, Step};

use crate::Timestamp;
use crate::dead_letter::{DeadLetter, DeadLetterState, DeadLetterStatus};
use crate::event::Event;
use crate::ids::{MessageId, ReplayId};
use crate::ports::{ArchiveError, AuditEntry, Clock, DeadLetters, OpsLog, Replays, Schemas};
use std::sync::Arc;

/// Why a replay could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// None of the chosen dead letters is in the archive now.
    #[error(
        "nothing to replay: none of these dead letters is in the archive now (replayed or discarded already?)"
    )]
    Nothing,
    /// The archive failed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// A replay that was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// Its id.
    pub id: ReplayId,
    /// Dead letters that it puts back.
    pub taken: u64,
    /// Dead letters that were requested and are not in the archive now.
    pub refused: u64,
}

/// The result that the consumer would have for a dead letter if it came back now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// The dead letter.
    pub id: MessageId,
    /// Why it would fail again; `None` if only the store can decide that.
    pub would_fail: Option<String>,
}

/// Starts replays, discards dead letters and restores them.
pub struct Replayer {
    /// Where dead letters are.
    pub archive: Arc<dyn DeadLetters>,
    /// Where replays are kept.
    pub replays: Arc<dyn Replays>,
    /// The audit log.
    pub ops: Arc<dyn OpsLog>,
    /// What the consumer checks against.
    pub schemas: Arc<dyn Schemas>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Replayer {
    /// Starts a replay of these dead letters. A [`Carrier`] carries it on, also after a crash.
    ///
    /// # Errors
    /// Nothing to replay, or the archive failed; then nothing has changed.
    pub async fn start(&self, ids: &[MessageId], by: &str) -> Result<Started, StartError> {
        let now = self.clock.now();
        let id = ReplayId::at(now);
        let taken = self.replays.create(&id, ids, by).await?;
        if taken == 0 {
            return Err(StartError::Nothing);
        }
        let detail = format!("{taken} dead letters");
        let entry = AuditEntry {
            at: now,
            by: by.to_owned(),
            action: "replay".into(),
            subject: id.to_string(),
            detail,
        };
        self.ops.append(&[entry]).await?;
        Ok(Started { id, taken, refused: ids.len() as u64 - taken })
    }

    /// Runs the consumer's own checks on dead letters, without putting anything back.
    pub async fn preflight(&self, ids: &[MessageId]) -> Result<Vec<Forecast>, ArchiveError> {
        let letters = self.archive.get_many(ids).await?;
        Ok(letters.iter().flatten().map(|letter| self.forecast(letter)).collect())
    }

    /// The result of the consumer's own checks on one dead letter.
    pub fn forecast(&self, dead_letter: &DeadLetter) -> Forecast {
        let would_fail = match Event::from_structured(dead_letter.body.as_bytes()) {
            Err(problem) => Some(problem.to_string()),
            Ok(event) => self.schemas.current().check(&event).err(),
        };
        Forecast { id: dead_letter.id.clone(), would_fail }
    }

    /// Marks dead letters as discarded, with a reason.
    pub async fn discard(
        &self,
        ids: &[MessageId],
        by: &str,
        reason: &str,
    ) -> Result<Vec<MessageId>, ArchiveError> {
        let to =
            DeadLetterState::Discarded { by: by.to_owned(), reason: reason.to_owned(), at: self.clock.now() };
        let done = self.archive.change_states(ids, DeadLetterStatus::Archived, to).await?;
        self.note_each(&done, by, "discard", reason).await?;
        Ok(done)
    }

    /// Takes discards back.
    pub async fn restore(&self, ids: &[MessageId], by: &str) -> Result<Vec<MessageId>, ArchiveError> {
        let from = DeadLetterStatus::Discarded;
        let done = self.archive.change_states(ids, from, DeadLetterState::Archived).await?;
        self.note_each(&done, by, "restore", "").await?;
        Ok(done)
    }

    async fn note_each(
        &self,
        ids: &[MessageId],
        by: &str,
        action: &str,
        detail: &str,
    ) -> Result<(), ArchiveError> {
        let at: Timestamp = self.clock.now();
        let entries: Vec<_> = ids
            .iter()
            .map(|id| AuditEntry {
                at,
                by: by.to_owned(),
                action: action.to_owned(),
                subject: id.to_string(),
                detail: detail.to_owned(),
            })
            .collect();
        self.ops.append(&entries).await
    }
}
