//! The archive of dead letters, and the replays that empty it.
//!
//! Document and index are rows of one table, not files beside an index. So one commit makes both durable, and
//! a quarter of a million dead letters are not as many files.

mod query;
mod replays;
mod row;

pub(crate) use replays::release;
#[cfg(test)]
pub(crate) use replays::{ITEMS, OVERDUE, UNFINISHED, WAITING, newest as newest_replays};

use crate::db::{Db, DbError, millis};
use crate::ledger::{self, Handover};
use crate::ops;
use async_trait::async_trait;
use query::Cursor;
use rusqlite::Connection;
use spillway_core::dead_letter::{
    DeadLetter, DeadLetterFilter, DeadLetterGroup, DeadLetterState, DeadLetterStatus, Page, Spread,
};
use spillway_core::ids::{EventId, MessageId};
use spillway_core::ports::{ArchiveError, AuditNote, Clock, DeadLetterSink, DeadLetters};
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

    async fn spread(&self, filter: &DeadLetterFilter, most: usize) -> Result<Spread, ArchiveError> {
        let filter = filter.clone();
        self.read(move |connection| query::spread(connection, &filter, most)).await
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
        note: &AuditNote,
    ) -> Result<Vec<MessageId>, ArchiveError> {
        let note = note.clone();
        let change = move |tx: &Connection, part: &[MessageId]| {
            let mut done = Vec::new();
            for id in part {
                if row::set_state(tx, id.as_str(), from, &to)? {
                    ops::append(tx, &note.about(id.as_str()))?;
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
    use crate::faults::{Fault, FaultKind};
    use crate::{Options, Pipeline};
    use spillway_core::dead_letter::{DeadLetterFilter, DeadLetterState, DeadLetterStatus};
    use spillway_core::event::Event;
    use spillway_core::failure::FailureClass::Schema;
    use spillway_core::ports::{AuditNote, QueueKind};
    use spillway_core::usecases::accept::accept;
    use spillway_testkit::ManualClock;
    use spillway_testkit::letters::{ids, letter, put};
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
        let note = AuditNote {
            at: letters[0].archived_at,
            by: "anna".to_owned(),
            action: "discard",
            detail: String::new(),
        };
        let ids = [id];
        let done = archive.change_states(&ids, DeadLetterStatus::Archived, to, &note).await.unwrap();
        assert_eq!(done, ids, "it can be discarded");
    }

    /// One number of the database.
    async fn number(pipeline: &Pipeline, sql: &'static str) -> u64 {
        pipeline
            .local
            .db()
            .read(move |connection| connection.query_row(sql, [], |row| row.get(0)))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_replay_that_was_sent_twice_leaves_nothing_in_the_ledger_s_notes() {
        let folder = tempfile::tempdir().unwrap();
        let pipeline = open(folder.path()).await;
        let letters = [1, 2].map(|second| letter(second, "order.placed", Schema, "broken"));
        put(&*pipeline.workers.sink, &letters).await;
        let ports = &pipeline.ports;
        let replay = ports.replayer().start(&ids(&letters), "ada").await.unwrap().id;
        assert_eq!(ports.carrier().advance(&replay, 10).await.unwrap().sent, 2);
        // The process that sent them died before it could record that. One event came in by itself meanwhile.
        let again = "UPDATE replay_items SET state = 'waiting'";
        pipeline.local.db().write(move |tx| tx.execute_batch(again)).await.unwrap();
        assert_eq!(ports.carrier().advance(&replay, 10).await.unwrap().sent, 2);
        let event = Event::from_structured(letters[1].body.as_bytes()).unwrap();
        accept(&*ports.queue, &[event], None, 100_000).await;
        let consumer = ports.consumer(&pipeline.workers, "v1".into());
        for _ in 0..5 {
            let batch = pipeline.workers.receiver.receive(QueueKind::Primary, 1).await.unwrap();
            let report = consumer.store_batch(batch).await;
            spillway_core::worker::settle(&report, &*pipeline.workers.receiver, QueueKind::Primary).await;
        }
        assert_eq!(number(&pipeline, "SELECT count(*) FROM messages").await, 0);
        assert_eq!(number(&pipeline, "SELECT count(*) FROM handover").await, 0);
        assert_eq!(number(&pipeline, "SELECT count(*) FROM store").await, 2);
    }

    #[tokio::test]
    async fn a_dead_letter_whose_message_outlives_its_retention_can_be_replayed_again() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at("2026-01-31T08:00:00Z".parse().unwrap()));
        let pipeline = Pipeline::open(folder.path(), Options::at(clock.clone())).await.unwrap();
        let letters: Vec<_> =
            (0..600).map(|second| letter(second, "order.placed", Schema, "broken")).collect();
        put(&*pipeline.workers.sink, &letters).await;
        let (ports, receiver) = (&pipeline.ports, &*pipeline.workers.receiver);
        let replay = ports.replayer().start(&ids(&letters), "ada").await.unwrap().id;
        assert_eq!(ports.carrier().advance(&replay, 1_000).await.unwrap().sent, 600);
        let event = Event::from_structured(letters[0].body.replace("event-0", "other").as_bytes()).unwrap();
        accept(&*ports.queue, &[event], None, 100_000).await;
        clock.advance(std::time::Duration::from_secs(15 * 86_400));
        assert_eq!(receiver.expire().await.unwrap(), 1, "only the event of no dead letter is lost");
        assert_eq!(receiver.expire().await.unwrap(), 0);
        let ended = ports.replays.get(&replay).await.unwrap().unwrap();
        assert_eq!((ended.returned, ended.sent, ended.ended_at.is_some()), (600, 0, true));
        let audited = ports.ops.entries(Some(letters[0].id.as_str()), 1).await.unwrap();
        assert!(audited[0].detail.ends_with("its message outlived the retention"), "{audited:?}");
        assert_eq!(ports.ledger.ledger().await.unwrap().replaying, 0);
        assert_eq!(ports.replayer().start(&ids(&letters), "ada").await.unwrap().taken, 600);
    }

    #[tokio::test]
    async fn a_change_of_dead_letters_and_its_audit_entry_are_done_together_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let pipeline = open(folder.path()).await;
        let letters: Vec<_> = (0..6).map(|second| letter(second, "order.placed", Schema, "broken")).collect();
        put(&*pipeline.workers.sink, &letters).await;
        let (ports, all) = (&pipeline.ports, ids(&letters));
        let (replayer, carrier) = (ports.replayer(), ports.carrier());
        replayer.discard(&all[..1], "ada", "test data").await.unwrap();
        let replay = replayer.start(&all[1..3], "ada").await.unwrap().id;
        assert_eq!(carrier.advance(&replay, 1).await.unwrap().sent, 1);
        let stored = replayer.start(&all[5..], "ada").await.unwrap().id;
        pipeline.workers.reports.mark_stored(&stored, &all[5]).await.unwrap();
        let states = || {
            number(&pipeline, "SELECT count(*) FROM dead_letters WHERE state IN ('archived', 'replaying')")
        };
        let before = (states().await, pipeline.ports.replays.list(10).await.unwrap());

        let refuse =
            "CREATE TEMP TRIGGER refuse BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END;";
        pipeline.local.db().write(move |tx| tx.execute_batch(refuse)).await.unwrap();
        assert!(replayer.discard(&all[3..], "ada", "x").await.is_err());
        assert!(replayer.restore(&all[..1], "ada").await.is_err());
        assert!(replayer.reopen(&all[5..], "ada").await.is_err());
        assert!(replayer.start(&all[3..], "ada").await.is_err());
        assert!(replayer.release(&all[1..3], "ada").await.is_err());
        let why = AuditNote {
            at: letters[0].archived_at,
            by: "x".to_owned(),
            action: "return",
            detail: String::new(),
        };
        assert!(ports.replays.mark_returned(&replay, &all[2], &why).await.is_err());
        let fault = Fault { kind: FaultKind::StoreOutage { share: 1.0 }, from: why.at, until: None };
        assert!(pipeline.local.faults.start(fault, why.about("store-outage")).await.is_err());
        assert_eq!(before, (states().await, pipeline.ports.replays.list(10).await.unwrap()));
        assert!(pipeline.local.faults.list().await.unwrap().is_empty());

        let permit = "DROP TRIGGER refuse";
        pipeline.local.db().write(move |tx| tx.execute_batch(permit)).await.unwrap();
        assert_eq!(replayer.release(&all[1..3], "ada").await.unwrap(), all[1..3]);
        assert_eq!(replayer.reopen(&all[5..], "ada").await.unwrap(), all[5..]);
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
