//! Replay: dead letters go back to the primary queue, until each is stored or back in the archive.

mod carry;
mod release;

pub use carry::{Carried, Carrier, End, Scope, Step};
pub use release::{longest_life, release_note};

use crate::dead_letter::{DeadLetter, DeadLetterState, DeadLetterStatus};
use crate::event::Event;
use crate::failure::Reason;
use crate::ids::{MessageId, ReplayId};
use crate::ports::{
    ArchiveError, AuditNote, Clock, DeadLetters, EventStore, IndexedArchive, OpsLog, Replays, Schemas,
};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why a dead letter without content can't be put back.
const LOST: &str = "its content is gone from the archive";

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
    pub would_fail: Option<Reason>,
}

impl Forecast {
    /// The reasons why dead letters would fail again, with how many have each; the most frequent first. Equal failures are
    /// one reason, with the words of the first.
    pub fn reasons(forecasts: &[Self]) -> Vec<(&str, u64)> {
        let mut reasons: BTreeMap<&str, (&str, u64)> = BTreeMap::new();
        for reason in forecasts.iter().filter_map(|forecast| forecast.would_fail.as_ref()) {
            reasons.entry(reason.group()).or_insert((&reason.message, 0)).1 += 1;
        }
        let mut reasons: Vec<_> = reasons.into_values().collect();
        reasons.sort_by_key(|(_, count)| Reverse(*count));
        reasons
    }
}

/// Starts replays, discards dead letters and restores them.
pub struct Replayer {
    /// Where dead letters are.
    pub archive: Arc<dyn DeadLetters>,
    /// Where replays are kept.
    pub replays: Arc<dyn Replays>,
    /// Where events are.
    pub store: Arc<dyn EventStore>,
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
        let id = ReplayId::at(self.clock.now());
        let taken = self.replays.create(&id, ids, by).await?;
        if taken == 0 {
            return Err(StartError::Nothing);
        }
        Ok(Started { id, taken, refused: ids.len() as u64 - taken })
    }

    /// Runs the consumer's own checks on dead letters, without putting anything back.
    pub async fn preflight(&self, ids: &[MessageId]) -> Result<Vec<Forecast>, ArchiveError> {
        let letters = self.archive.get_many(ids).await?;
        let letters: Vec<&DeadLetter> = letters.iter().flatten().collect();
        Ok(self.forecasts(&letters).await)
    }

    /// The results of the consumer's own checks on dead letters that were read already.
    pub async fn forecasts(&self, letters: &[&DeadLetter]) -> Vec<Forecast> {
        let schemas = self.schemas.current().await;
        let check = |letter: &DeadLetter| {
            if letter.is_lost {
                return Some(LOST.into());
            }
            match Event::from_structured(letter.body.as_bytes()) {
                Err(problem) => Some(problem.reason()),
                Ok(event) => schemas.check(&event).err(),
            }
        };
        letters.iter().map(|letter| Forecast { id: letter.id.clone(), would_fail: check(letter) }).collect()
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
        let note = self.note(by, "discard", reason);
        self.archive.change_states(ids, DeadLetterStatus::Archived, to, &note).await
    }

    /// Takes discards back.
    pub async fn restore(&self, ids: &[MessageId], by: &str) -> Result<Vec<MessageId>, ArchiveError> {
        let from = DeadLetterStatus::Discarded;
        let note = self.note(by, "restore", "");
        self.archive.change_states(ids, from, DeadLetterState::Archived, &note).await
    }

    /// Restores the content of dead letters that was deleted from the archive. Returns those that were restored.
    ///
    /// The content is in a bucket, which has no transaction with the audit log. So the log has the order before it is carried
    /// out, also for a dead letter that turns out to need none. Nothing is restored that the log does not have.
    ///
    /// # Errors
    /// The archive failed.
    pub async fn recover(
        &self,
        archive: &dyn IndexedArchive,
        ids: &[MessageId],
        by: &str,
    ) -> Result<Vec<MessageId>, ArchiveError> {
        let note = self.note(by, "recover", "restores its content if that was deleted");
        let entries: Vec<_> = ids.iter().map(|id| note.about(id.as_str())).collect();
        self.ops.append(&entries).await?;
        archive.recover(ids).await
    }

    /// Whether the store has the event of a dead letter.
    ///
    /// # Errors
    /// The store failed.
    pub async fn is_stored(&self, letter: &DeadLetter) -> Result<bool, ArchiveError> {
        let Some(key) = &letter.key else { return Ok(false) };
        let read = self.store.get(key).await;
        let found = read.map_err(|error| {
            let reason = error.to_string();
            match error.is_passing() {
                true => ArchiveError::Unavailable { reason },
                false => ArchiveError::Refused { reason },
            }
        })?;
        Ok(found.is_some())
    }

    fn note(&self, by: &str, action: &'static str, detail: &str) -> AuditNote {
        AuditNote { at: self.clock.now(), by: by.to_owned(), action, detail: detail.to_owned() }
    }
}
