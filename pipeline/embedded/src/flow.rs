//! The ledger and the whereabouts of events, read from the tables themselves and not from what anybody said.

use crate::db::{Db, from_millis, millis};
use async_trait::async_trait;
use rusqlite::{Connection, Row};
use spillway_core::Timestamp;
use spillway_core::failure::Failure;
use spillway_core::ids::{EventId, EventKey, EventSource, EventType, MessageId};
use spillway_core::ledger::{Ledger, Place};
use spillway_core::ports::{Clock, FlowError, FlowReader, Location};
use std::collections::HashMap;
use std::sync::Arc;

/// Answers questions about where events are.
pub struct Flow {
    db: Arc<Db>,
    clock: Arc<dyn Clock>,
}

impl Flow {
    /// Answers from a database.
    pub fn new(db: Arc<Db>, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock }
    }
}

#[async_trait]
impl FlowReader for Flow {
    async fn ledger(&self) -> Result<Ledger, FlowError> {
        let now = self.clock.now();
        self.db.read(move |connection| ledger(connection, now)).await.map_err(failed)
    }

    async fn locate(&self, id: &EventId, source: Option<&EventSource>) -> Result<Vec<Location>, FlowError> {
        let (id, source, now) = (id.clone(), source.cloned(), self.clock.now());
        let mut found = self.db.read(move |connection| locate(connection, &id, now)).await.map_err(failed)?;
        found.retain(|location| source.as_ref().is_none_or(|source| location.key.source == *source));
        Ok(found)
    }

    async fn places(&self, ids: &[EventId]) -> Result<Vec<Option<Place>>, FlowError> {
        let (ids, now) = (ids.to_vec(), self.clock.now());
        self.db.read(move |connection| places(connection, &ids, now)).await.map_err(failed)
    }
}

fn failed(error: crate::db::DbError) -> FlowError {
    FlowError { reason: error.to_string() }
}

fn count(connection: &Connection, sql: &str) -> rusqlite::Result<u64> {
    connection.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

fn ledger(connection: &Connection, now: Timestamp) -> rusqlite::Result<Ledger> {
    let counter = |name: &str| -> rusqlite::Result<u64> {
        connection
            .prepare_cached("SELECT value FROM counters WHERE name = ?1")?
            .query_row([name], |row| row.get(0))
    };
    let (queued, in_flight) = connection
        .prepare_cached(
            "SELECT coalesce(sum(visible_at <= ?1), 0), coalesce(sum(visible_at > ?1), 0)
             FROM messages WHERE queue = 0 AND replay_id IS NULL",
        )?
        .query_row([millis(now)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut ledger = Ledger {
        accepted: counter("accepted")?,
        duplicates: counter("duplicates")?,
        stored: count(connection, "SELECT count(*) FROM store")?,
        queued,
        in_flight,
        in_dlq: count(connection, "SELECT count(*) FROM messages WHERE queue = 1 AND replay_id IS NULL")?,
        ..Ledger::default()
    };
    ledger.stored += ledger.duplicates;
    let mut states = connection.prepare_cached("SELECT state, count(*) FROM dead_letters GROUP BY state")?;
    let mut rows = states.query([])?;
    while let Some(row) = rows.next()? {
        match row.get::<_, String>(0)?.as_str() {
            "archived" => ledger.archived = row.get(1)?,
            "replaying" => ledger.replaying = row.get(1)?,
            "discarded" => ledger.discarded = row.get(1)?,
            // Counted in the store.
            _ => {}
        }
    }
    settle_handovers(connection, now, &mut ledger)?;
    Ok(ledger)
}

/// Takes promises that are in two places for a moment out of the earlier one.
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
        let kind: String = row.get(0)?;
        let (queue, hidden): (Option<i64>, Option<bool>) = (row.get(1)?, row.get(2)?);
        let state: Option<String> = row.get(3)?;
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

/// Messages don't have their event's id in a column (the queue doesn't read bodies), so their bodies are asked.
const QUEUED_EVENTS: &str =
    "SELECT message_id, origin, queue, replay_id, first_sent_at, visible_at, receive_count,
    failures, body, body ->> '$.id', body ->> '$.source', body ->> '$.type'
    FROM messages WHERE json_valid(body)";

fn place_of_message(row: &Row<'_>, now: Timestamp) -> rusqlite::Result<Place> {
    let (queue, replay_id): (i64, Option<String>) = (row.get(2)?, row.get(3)?);
    let visible_at: i64 = row.get(5)?;
    Ok(match (replay_id, queue) {
        (Some(_), _) => Place::Replaying,
        (None, 1) => Place::InDlq,
        (None, _) if visible_at > millis(now) => Place::InFlight,
        (None, _) => Place::Queued,
    })
}

fn place_of_dead_letter(state: &str) -> Place {
    match state {
        "archived" => Place::Archived,
        "replaying" => Place::Replaying,
        "discarded" => Place::Discarded,
        _ => Place::Stored,
    }
}

fn locate(connection: &Connection, id: &EventId, now: Timestamp) -> rusqlite::Result<Vec<Location>> {
    let mut found: Vec<Location> = Vec::new();
    let mut query = connection.prepare_cached(
        "SELECT source, type, message_id, accepted_at, stored_at, body FROM store WHERE event_id = ?1",
    )?;
    let mut rows = query.query([id.as_str()])?;
    while let Some(row) = rows.next()? {
        found.push(Location {
            key: EventKey { source: EventSource::new(row.get::<_, String>(0)?), id: id.clone() },
            event_type: EventType::new(row.get::<_, String>(1)?),
            place: Place::Stored,
            message_id: MessageId::new(row.get::<_, String>(2)?),
            accepted_at: from_millis(row.get(3)?),
            stored_at: Some(from_millis(row.get(4)?)),
            receive_count: None,
            visible_at: None,
            failure: None,
            body: row.get(5)?,
        });
    }
    // What is stored is stored; where else its duplicates still travel is of no interest.
    let stored: Vec<EventSource> = found.iter().map(|location| location.key.source.clone()).collect();
    let is_new = |found: &[Location], location: &Location| {
        !stored.contains(&location.key.source)
            && !found.iter().any(|other| other.message_id == location.message_id)
    };

    let mut query = connection.prepare_cached(
        "SELECT source, type, id, first_sent_at, receive_count, failures, body, state FROM dead_letters
         WHERE event_id = ?1 AND state <> 'stored'",
    )?;
    let mut rows = query.query([id.as_str()])?;
    while let Some(row) = rows.next()? {
        let location = Location {
            key: EventKey { source: EventSource::new(text(row, 0)?), id: id.clone() },
            event_type: EventType::new(text(row, 1)?),
            place: place_of_dead_letter(&row.get::<_, String>(7)?),
            message_id: MessageId::new(row.get::<_, String>(2)?),
            accepted_at: from_millis(row.get(3)?),
            stored_at: None,
            receive_count: row.get(4)?,
            visible_at: None,
            failure: last_failure(Some(row.get(5)?)),
            body: row.get(6)?,
        };
        if is_new(&found, &location) {
            found.push(location);
        }
    }

    let mut query = connection.prepare_cached(&format!("{QUEUED_EVENTS} AND body ->> '$.id' = ?1"))?;
    let mut rows = query.query([id.as_str()])?;
    while let Some(row) = rows.next()? {
        let location = Location {
            key: EventKey { source: EventSource::new(text(row, 10)?), id: id.clone() },
            event_type: EventType::new(text(row, 11)?),
            place: place_of_message(row, now)?,
            message_id: MessageId::new(row.get::<_, String>(1)?),
            accepted_at: from_millis(row.get(4)?),
            stored_at: None,
            receive_count: row.get(6)?,
            visible_at: Some(from_millis(row.get(5)?)),
            failure: last_failure(row.get(7)?),
            body: row.get(8)?,
        };
        if is_new(&found, &location) {
            found.push(location);
        }
    }
    Ok(found)
}

fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(row.get::<_, Option<String>>(column)?.unwrap_or_default())
}

fn last_failure(failures: Option<String>) -> Option<Failure> {
    failures.and_then(|text| serde_json::from_str::<Vec<Failure>>(&text).ok()).and_then(|mut all| all.pop())
}

fn places(connection: &Connection, ids: &[EventId], now: Timestamp) -> rusqlite::Result<Vec<Option<Place>>> {
    let mut queued: HashMap<String, Place> = HashMap::new();
    let mut query = connection.prepare_cached(QUEUED_EVENTS)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(id) = row.get::<_, Option<String>>(9)? {
            queued.insert(id, place_of_message(row, now)?);
        }
    }
    let mut stored = connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM store WHERE event_id = ?1)")?;
    let mut dead = connection.prepare_cached("SELECT state FROM dead_letters WHERE event_id = ?1 LIMIT 1")?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        if stored.query_row([id.as_str()], |row| row.get::<_, bool>(0))? {
            found.push(Some(Place::Stored));
            continue;
        }
        let mut rows = dead.query([id.as_str()])?;
        let place = match rows.next()? {
            Some(row) => Some(place_of_dead_letter(&row.get::<_, String>(0)?)),
            None => queued.get(id.as_str()).copied(),
        };
        found.push(place);
    }
    Ok(found)
}
