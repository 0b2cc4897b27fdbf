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
use query::Cursor;
use rusqlite::Connection;
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

    /// Changes many dead letters, a part at a time. An error ends it. What is done by then stays done and is returned, so
    /// the error is one only if nothing was done.
    async fn write_in_parts<T: Send + 'static>(
        &self,
        ids: &[MessageId],
        work: impl Fn(&Connection, &[MessageId]) -> rusqlite::Result<T> + Clone + Send + 'static,
    ) -> Result<Vec<T>, ArchiveError> {
        match self.db.write_in_parts(ids, work).await {
            (done, Some(error)) if done.is_empty() => Err(error.into()),
            (done, error) => {
                if let Some(error) = error {
                    tracing::warn!(%error, parts_done = done.len(), "only some of the dead letters were changed");
                }
                Ok(done)
            }
        }
    }
}

impl From<DbError> for ArchiveError {
    fn from(error: DbError) -> Self {
        let reason = error.to_string();
        if error.is_passing() { Self::Unavailable { reason } } else { Self::Refused { reason } }
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

    async fn of_event(&self, id: &EventId) -> Result<Vec<DeadLetter>, ArchiveError> {
        let id = id.clone();
        self.read(move |connection| query::of_event(connection, id.as_str())).await
    }

    async fn list(
        &self,
        filter: &DeadLetterFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetter>, ArchiveError> {
        let filter = filter.clone();
        let after = after.map(Cursor::parse).transpose()?;
        self.read(move |connection| query::list(connection, &filter, after, limit)).await
    }

    async fn groups(
        &self,
        filter: &DeadLetterFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetterGroup>, ArchiveError> {
        let (filter, after) = (filter.clone(), after.map(str::to_owned));
        self.read(move |connection| query::groups(connection, &filter, after.as_deref(), limit)).await
    }

    async fn ids(&self, filter: &DeadLetterFilter, limit: usize) -> Result<Vec<MessageId>, ArchiveError> {
        let filter = filter.clone();
        self.read(move |connection| query::ids(connection, &filter, limit)).await
    }

    async fn change_states(
        &self,
        ids: &[MessageId],
        from: DeadLetterStatus,
        to: DeadLetterState,
    ) -> Result<Vec<MessageId>, ArchiveError> {
        let change = move |tx: &Connection, part: &[MessageId]| {
            let mut done = Vec::new();
            for id in part {
                if row::set_state(tx, id.as_str(), from, &to)? {
                    done.push(id.clone());
                }
            }
            Ok(done)
        };
        self.write_in_parts(ids, change).await.map(|parts| parts.concat())
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

#[cfg(test)]
mod tests {
    use crate::{Options, Pipeline};
    use spillway_core::dead_letter::{DeadLetterFilter, DeadLetterState, DeadLetterStatus};
    use spillway_core::event::Event;
    use spillway_core::failure::FailureClass::Schema;
    use spillway_core::ports::QueueKind;
    use spillway_core::usecases::accept::accept;
    use spillway_testkit::ManualClock;
    use spillway_testkit::letters::{letter, put};
    use std::sync::Arc;

    async fn open(folder: &std::path::Path) -> Pipeline {
        let clock = Arc::new(ManualClock::at("2026-01-31T08:00:00Z".parse().unwrap()));
        Pipeline::open(folder, Options::at(clock)).await.unwrap()
    }

    #[tokio::test]
    async fn a_row_that_somebody_changed_does_not_hide_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let pipeline = open(folder.path()).await;
        let archive = &*pipeline.ports.archive;
        let letters = [1, 2, 3].map(|second| letter(second, "order.placed", Schema, "broken"));
        put(&*pipeline.workers.sink, &letters).await;
        let id = letters[1].id.clone();
        for (column, value) in [
            ("state_document", "'{}'"),
            ("failures", "'not JSON'"),
            ("replays", "x'ff'"),
            ("attributes", "'[1]'"),
            ("body", "x'ff00'"),
            ("trace_header", "7"),
            ("type", "x'ff'"),
            ("fingerprint", "x'ff'"),
            ("message", "x'ff'"),
            ("event_id", "x'ff'"),
            ("receive_count", "-1"),
            ("generation", "'many'"),
            ("first_sent_at", "'yesterday'"),
            ("archived_at", "9000000000000000000"),
        ] {
            let tamper = format!("UPDATE dead_letters SET {column} = {value} WHERE id = '{}'", id.as_str());
            pipeline.local.db().write(move |tx| tx.execute_batch(&tamper)).await.unwrap();
            let page = archive.list(&DeadLetterFilter::default(), None, 10).await.unwrap();
            assert_eq!((page.items.len(), page.total), (3, 3), "{column}");
            assert!(page.items.contains(&letters[0]) && page.items.contains(&letters[2]), "{column}");
            assert!(
                !archive.groups(&DeadLetterFilter::default(), None, 1).await.unwrap().items.is_empty(),
                "{column}"
            );
        }
        let changed = archive.get(&id).await.unwrap().unwrap();
        assert!(changed.failures[0].message.contains("is damaged"), "{changed:?}");
        assert_eq!(changed.state, DeadLetterState::Archived);
        let to = DeadLetterState::Discarded {
            by: "anna".into(),
            reason: "damaged".into(),
            at: letters[0].archived_at,
        };
        let done =
            archive.change_states(std::slice::from_ref(&id), DeadLetterStatus::Archived, to).await.unwrap();
        assert_eq!(done, [id], "it can be discarded");
    }

    #[tokio::test]
    async fn entries_of_the_logs_that_somebody_changed_do_not_hide_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let pipeline = open(folder.path()).await;
        let letters = [1, 2].map(|second| letter(second, "order.placed", Schema, "broken"));
        put(&*pipeline.workers.sink, &letters).await;
        for letter in &letters {
            pipeline.ports.replayer().start(std::slice::from_ref(&letter.id), "anna").await.unwrap();
        }
        let tamper = "UPDATE audit SET at = 'then', by = x'ff', action = x'ff', detail = 7 WHERE seq = 1;
            UPDATE replays SET started_by = x'ff', started_at = 'then', trouble = x'ff';
            UPDATE replay_items SET at = 'then'";
        pipeline.local.db().write(move |tx| tx.execute_batch(tamper)).await.unwrap();
        assert!(pipeline.ports.ops.entries(None, 10).await.unwrap().len() >= 2);
        let replays = pipeline.ports.replays.list(10).await.unwrap();
        assert_eq!(replays.len(), 2);
        for replay in replays {
            assert_eq!(pipeline.ports.replays.items(&replay.id, None, 10).await.unwrap().items.len(), 1);
        }
    }

    #[tokio::test]
    async fn a_message_that_somebody_changed_does_not_stop_the_queue() {
        let folder = tempfile::tempdir().unwrap();
        let pipeline = open(folder.path()).await;
        let events = ["a", "b"].map(|id| {
            let event = format!(r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"t"}}"#);
            Event::from_structured(event.as_bytes()).unwrap()
        });
        accept(&*pipeline.ports.queue, &events, None, 100_000).await;
        let tamper = "UPDATE messages SET body = x'ff', attributes = x'ff', trace_header = 1, sent_at = 'then' WHERE seq = 1";
        pipeline.local.db().write(move |tx| tx.execute_batch(tamper)).await.unwrap();
        let receiver = &*pipeline.workers.receiver;
        let received = receiver.receive(QueueKind::Primary, 10).await.unwrap();
        assert_eq!(received.len(), 2);
    }
}
