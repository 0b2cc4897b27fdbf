//! The ledger: how many promises are in which place, by rows. It owns the tables `counters` and `handover`. The
//! store, the queue and the archive write to them through this module, each inside its own transaction.

use crate::db::{Db, DbError, int, millis, optional_text, text};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Row};
use spillway_core::Timestamp;
use spillway_core::ledger::Ledger;
use spillway_core::ports::{Clock, LedgerError, LedgerReader};
use std::sync::Arc;

/// What has to be counted, because no row remains of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counter {
    /// Promises given.
    Accepted,
    /// Promises that were kept by an event that was in the store already.
    Duplicates,
}

impl Counter {
    fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicates => "duplicates",
        }
    }
}

/// The place that a promise goes to. For a moment it is there and still in the place before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handover {
    /// The store has its event.
    Store,
    /// The store had its event from another promise.
    Duplicate,
    /// The archive has its dead letter.
    Archive,
}

/// Raises a counter by one.
pub(crate) fn raise(tx: &Connection, counter: Counter) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE counters SET value = value + 1 WHERE name = ?1")?.execute([counter.name()])?;
    Ok(())
}

/// Reads a counter.
pub(crate) fn count(connection: &Connection, counter: Counter) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT CAST(value AS INTEGER) FROM counters WHERE name = ?1")?
        .query_row([counter.name()], |row| positive(row, 0))
        .optional()
        .map(Option::unwrap_or_default)
}

/// Records that a promise has reached the next place before its message is deleted.
pub(crate) fn note(tx: &Connection, origin: &str, to: Handover) -> rusqlite::Result<()> {
    let (kind, open) = match to {
        Handover::Store => ("store", OPEN_PROMISE),
        Handover::Duplicate => ("duplicate", OPEN_PROMISE),
        Handover::Archive => ("archive", IN_DLQ),
    };
    tx.prepare_cached(&format!(
        "INSERT OR IGNORE INTO handover (message_id, kind) SELECT ?1, ?2 WHERE {open}"
    ))?
    .execute([origin, kind])?;
    Ok(())
}

/// Only while the promise is open: a late second write of a settled message must leave no record. The message of a replay
/// does not count. Its dead letter has the promise, and is stored after the first of two messages.
const OPEN_PROMISE: &str = "EXISTS (SELECT 1 FROM messages WHERE origin = ?1 AND replay_id IS NULL)
    OR EXISTS (SELECT 1 FROM dead_letters WHERE id = ?1 AND state <> 'stored')";
/// In the archive and still in the DLQ, until the archiver has deleted it there.
const IN_DLQ: &str = "EXISTS (SELECT 1 FROM messages WHERE origin = ?1 AND queue = 1 AND replay_id IS NULL)";

/// Ends the handover of a promise to the store: from now on it is only in the store.
pub(crate) fn close_to_store(tx: &Connection, origin: &str) -> rusqlite::Result<()> {
    let kinds = tx
        .prepare_cached(
            "DELETE FROM handover WHERE message_id = ?1 AND kind IN ('store', 'duplicate') RETURNING kind",
        )?
        .query_map([origin], |row| text(row, 0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    if kinds.iter().any(|kind| kind == "duplicate") {
        raise(tx, Counter::Duplicates)?;
    }
    Ok(())
}

/// Ends the handover of a promise to the archive.
pub(crate) fn close_to_archive(tx: &Connection, origin: &str) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM handover WHERE message_id = ?1 AND kind = 'archive'")?
        .execute([origin])?;
    Ok(())
}

/// Reads the ledger of a database.
pub struct LedgerTables {
    db: Arc<Db>,
    clock: Arc<dyn Clock>,
}

impl LedgerTables {
    /// The ledger of that database.
    pub fn new(db: Arc<Db>, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock }
    }
}

#[async_trait]
impl LedgerReader for LedgerTables {
    async fn ledger(&self) -> Result<Ledger, LedgerError> {
        let now = self.clock.now();
        self.db.read(move |connection| ledger(connection, now)).await.map_err(unreadable)
    }
}

pub(crate) fn unreadable(error: DbError) -> LedgerError {
    LedgerError { reason: error.to_string(), is_passing: error.is_passing() }
}

/// A number of rows. One that somebody made negative counts as none.
fn positive(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(int(row, column)?).unwrap_or_default())
}

fn rows(connection: &Connection, sql: &str) -> rusqlite::Result<u64> {
    connection.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

/// Promises in the primary queue, visible and hidden: all messages but those of replays. So a long queue is counted by the
/// order of its index, without a look at each message.
pub(crate) const WAITING: &str = "
    SELECT (SELECT count(*) FROM messages WHERE queue = 0 AND visible_at <= ?1)
         - (SELECT count(*) FROM messages INDEXED BY messages_replayed
            WHERE queue = 0 AND visible_at <= ?1 AND replay_id IS NOT NULL),
           (SELECT count(*) FROM messages WHERE queue = 0 AND visible_at > ?1)
         - (SELECT count(*) FROM messages INDEXED BY messages_replayed
            WHERE queue = 0 AND visible_at > ?1 AND replay_id IS NOT NULL)";
/// Promises in the DLQ.
pub(crate) const IN_DLQ_ROWS: &str = "SELECT count(*) FROM messages WHERE queue = 1 AND replay_id IS NULL";

fn ledger(connection: &Connection, now: Timestamp) -> rusqlite::Result<Ledger> {
    let (queued, in_flight) =
        connection.prepare_cached(WAITING)?.query_row([millis(now)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut ledger = Ledger {
        accepted: count(connection, Counter::Accepted)?,
        duplicates: count(connection, Counter::Duplicates)?,
        stored: rows(connection, "SELECT count(*) FROM store")?,
        queued,
        in_flight,
        in_dlq: rows(connection, IN_DLQ_ROWS)?,
        ..Ledger::default()
    };
    ledger.stored += ledger.duplicates;
    let mut states = connection.prepare_cached(
        "SELECT state, sum(max(CAST(letters AS INTEGER), 0)) FROM dead_letter_tally GROUP BY state",
    )?;
    let mut rows = states.query([])?;
    while let Some(row) = rows.next()? {
        let letters = positive(row, 1)?;
        match text(row, 0)?.as_str() {
            "replaying" => ledger.replaying = letters,
            "discarded" => ledger.discarded = letters,
            // Counted in the store.
            "stored" => {}
            // Others have a state that somebody changed. They are in the archive.
            _ => ledger.archived += letters,
        }
    }
    settle_handovers(connection, now, &mut ledger)?;
    Ok(ledger)
}

/// Subtracts promises that are in two places for a moment from the earlier place.
fn settle_handovers(connection: &Connection, now: Timestamp, ledger: &mut Ledger) -> rusqlite::Result<()> {
    let mut query = connection.prepare_cached(
        "SELECT handover.kind, messages.queue, messages.visible_at > ?1, dead_letters.state
         FROM handover
         LEFT JOIN messages ON messages.origin = handover.message_id AND messages.replay_id IS NULL
         LEFT JOIN dead_letters ON dead_letters.id = handover.message_id
         WHERE handover.kind <> 'duplicate'",
    )?;
    let mut rows = query.query([millis(now)])?;
    while let Some(row) = rows.next()? {
        let (kind, state) = (text(row, 0)?, optional_text(row, 3)?);
        let (queue, hidden): (Option<i64>, Option<bool>) = (row.get(1)?, row.get(2)?);
        let earlier = match (kind.as_str(), queue, hidden, state.as_deref()) {
            ("archive", ..) | ("store", Some(1), _, None) => &mut ledger.in_dlq,
            ("store", Some(0), Some(true), None) => &mut ledger.in_flight,
            ("store", Some(0), _, None) => &mut ledger.queued,
            ("store", _, _, Some("archived")) => &mut ledger.archived,
            ("store", _, _, Some("replaying")) => &mut ledger.replaying,
            ("store", _, _, Some("discarded")) => &mut ledger.discarded,
            _ => continue,
        };
        *earlier = earlier.saturating_sub(1);
    }
    Ok(())
}
