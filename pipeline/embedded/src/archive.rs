//! The archive of dead letters, and the replays that empty it.
//!
//! Document and index are rows of one table, not files beside an index. So one commit makes both durable, and
//! a quarter of a million dead letters are not as many files.

mod query;
mod replays;
mod row;

use crate::db::{Db, DbError, millis};
use crate::ledger::{self, Handover};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use spillway_core::dead_letter::{
    DeadLetter, DeadLetterFilter, DeadLetterGroup, DeadLetterState, DeadLetterStatus, Page,
};
use spillway_core::ids::{EventId, MessageId};
use spillway_core::ports::{ArchiveError, Clock, DeadLetterSink, DeadLetters};
use std::sync::Arc;

/// The archive in a database.
pub struct Archive {
    db: Arc<Db>,
    clock: Arc<dyn Clock>,
}

impl Archive {
    /// The archive in a database.
    pub fn new(db: Arc<Db>, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock }
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ArchiveError> {
        Ok(self.db.read(work).await?)
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ArchiveError> {
        Ok(self.db.write(work).await?)
    }
}

impl From<DbError> for ArchiveError {
    fn from(error: DbError) -> Self {
        Self::Unavailable { reason: error.to_string() }
    }
}

#[async_trait]
impl DeadLetterSink for Archive {
    async fn put(&self, dead_letters: &[DeadLetter]) -> Vec<Result<(), ArchiveError>> {
        let letters = dead_letters.to_vec();
        let done = self.write(move |tx| letters.iter().try_for_each(|letter| put(tx, letter))).await;
        dead_letters.iter().map(|_| done.clone()).collect()
    }
}

#[async_trait]
impl DeadLetters for Archive {
    async fn get(&self, id: &MessageId) -> Result<Option<DeadLetter>, ArchiveError> {
        let id = id.clone();
        self.read(move |connection| row::get(connection, id.as_str())).await
    }

    async fn list(
        &self,
        filter: &DeadLetterFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetter>, ArchiveError> {
        let (filter, after) = (filter.clone(), after.map(str::to_owned));
        self.read(move |connection| query::list(connection, &filter, after.as_deref(), limit)).await
    }

    async fn groups(&self, filter: &DeadLetterFilter) -> Result<Vec<DeadLetterGroup>, ArchiveError> {
        let filter = filter.clone();
        self.read(move |connection| query::groups(connection, &filter)).await
    }

    async fn ids(&self, filter: &DeadLetterFilter, limit: usize) -> Result<Vec<MessageId>, ArchiveError> {
        let filter = filter.clone();
        self.read(move |connection| query::ids(connection, &filter, limit)).await
    }

    async fn of_event(&self, id: &EventId) -> Result<Vec<DeadLetter>, ArchiveError> {
        let id = id.clone();
        self.read(move |connection| query::of_event(connection, id.as_str())).await
    }

    async fn change_states(
        &self,
        ids: &[MessageId],
        from: DeadLetterStatus,
        to: DeadLetterState,
    ) -> Result<Vec<MessageId>, ArchiveError> {
        let ids = ids.to_vec();
        let change = move |tx: &Connection| {
            let mut done = Vec::new();
            for id in ids {
                if row::set_state(tx, id.as_str(), from, &to)? {
                    done.push(id);
                }
            }
            Ok(done)
        };
        self.write(change).await
    }
}

/// Keeps a dead letter: a new one, or one that comes back from its replay. Anything else is a repeated copy
/// and changes nothing.
fn put(tx: &Connection, letter: &DeadLetter) -> rusqlite::Result<()> {
    let before = row::get(tx, letter.id.as_str())?;
    match before {
        None => {
            row::insert(tx, letter)?;
            ledger::note(tx, letter.id.as_str(), Handover::Archive)
        }
        Some(mut before) => {
            let DeadLetterState::Replaying { replay_id } = before.state.clone() else { return Ok(()) };
            if letter.generation <= before.generation {
                return Ok(());
            }
            before.failures.extend(letter.failures.iter().cloned());
            before.generation = letter.generation;
            before.receive_count = letter.receive_count;
            before.archived_at = letter.archived_at;
            before.fingerprint = letter.fingerprint.clone();
            before.state = DeadLetterState::Archived;
            if let Some(replay) = before.replays.iter_mut().rfind(|replay| replay.replay_id == replay_id) {
                replay.ended_at = Some(letter.archived_at);
                replay.stored = Some(false);
            }
            row::update(tx, &before)?;
            let at = millis(letter.archived_at);
            replays::end_item(tx, replay_id.as_str(), letter.id.as_str(), "returned", at)
        }
    }
}

/// Whether a dead letter is in a state; used before it is taken.
fn state_of(tx: &Connection, id: &str) -> rusqlite::Result<Option<String>> {
    tx.prepare_cached("SELECT state FROM dead_letters WHERE id = ?1")?
        .query_row(params![id], |row| row.get(0))
        .optional()
}
