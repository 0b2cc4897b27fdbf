//! Where single events are, read from the tables themselves.

use crate::db::{Db, from_millis, int, millis, optional_text, text};
use crate::ledger::unreadable;
use async_trait::async_trait;
use rusqlite::{Connection, Row};
use spillway_core::Timestamp;
use spillway_core::dead_letter::DeadLetterStatus;
use spillway_core::failure::Failure;
use spillway_core::ids::{EventId, EventKey, EventSource, EventType, MessageId};
use spillway_core::ledger::Place;
use spillway_core::message::{FAILURES, MessageAttributes};
use spillway_core::ports::{Clock, EventLocator, LedgerError, Location};
use std::collections::HashSet;
use std::sync::Arc;

/// Finds events in a database.
pub struct Locator {
    db: Arc<Db>,
    clock: Arc<dyn Clock>,
}

impl Locator {
    /// Finds events in that database.
    pub fn new(db: Arc<Db>, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock }
    }
}

#[async_trait]
impl EventLocator for Locator {
    async fn locate(&self, id: &EventId, source: Option<&EventSource>) -> Result<Vec<Location>, LedgerError> {
        let (id, source, now) = (id.clone(), source.cloned(), self.clock.now());
        let mut found =
            self.db.read(move |connection| locate(connection, &id, now)).await.map_err(unreadable)?;
        found.retain(|location| source.as_ref().is_none_or(|source| location.key.source == *source));
        Ok(found)
    }

    async fn places(&self, ids: &[EventId]) -> Result<Vec<Option<Place>>, LedgerError> {
        let (ids, now) = (ids.to_vec(), self.clock.now());
        self.db.read(move |connection| places(connection, &ids, now)).await.map_err(unreadable)
    }

    async fn replays_in_queues(&self) -> Result<Option<HashSet<MessageId>>, LedgerError> {
        let found = self.db.read(|connection| {
            let mut query =
                connection.prepare_cached("SELECT origin FROM messages WHERE replay_id IS NOT NULL")?;
            let ids = query.query_map([], |row| text(row, 0))?;
            ids.map(|id| id.map(MessageId::new)).collect::<rusqlite::Result<_>>()
        });
        Ok(Some(found.await.map_err(unreadable)?))
    }
}

/// The messages of an event. They don't have its id in a column, because the queue doesn't read bodies: an index has it.
pub(crate) const QUEUED_EVENT: &str =
    "SELECT message_id, origin, queue, replay_id, first_sent_at, visible_at, receive_count,
    failures, body, body ->> '$.source', body ->> '$.type', attributes
    FROM messages WHERE json_valid(body) AND body ->> '$.id' = ?1";

/// The stored events with an id.
pub(crate) const STORED_EVENT: &str =
    "SELECT source, type, message_id, accepted_at, stored_at, body FROM store WHERE event_id = ?1";

/// The dead letters of an event that no replay has stored.
pub(crate) const DEAD_EVENT: &str =
    "SELECT source, type, id, first_sent_at, receive_count, failures, body, state FROM dead_letters
     WHERE event_id = ?1 AND state <> 'stored' ORDER BY archived_at DESC, seq DESC";

fn place_of_message(row: &Row<'_>, now: Timestamp) -> rusqlite::Result<Place> {
    let (queue, replay_id, visible_at) = (int(row, 2)?, optional_text(row, 3)?, int(row, 5)?);
    Ok(match (replay_id, queue) {
        (Some(_), _) => Place::Replaying,
        (None, 1) => Place::InDlq,
        (None, _) if visible_at > millis(now) => Place::InFlight,
        (None, _) => Place::Queued,
    })
}

fn place_of_dead_letter(state: &str) -> Place {
    state.parse().map_or(Place::Archived, DeadLetterStatus::place)
}

fn locate(connection: &Connection, id: &EventId, now: Timestamp) -> rusqlite::Result<Vec<Location>> {
    let mut found: Vec<Location> = Vec::new();
    let mut query = connection.prepare_cached(STORED_EVENT)?;
    let mut rows = query.query([id.as_str()])?;
    while let Some(row) = rows.next()? {
        found.push(Location {
            key: EventKey { source: EventSource::new(text(row, 0)?), id: id.clone() },
            event_type: EventType::new(text(row, 1)?),
            place: Place::Stored,
            message_id: MessageId::new(text(row, 2)?),
            accepted_at: from_millis(int(row, 3)?),
            stored_at: Some(from_millis(int(row, 4)?)),
            receive_count: None,
            visible_at: None,
            failure: None,
            body: text(row, 5)?,
        });
    }
    // A stored event counts as stored only; the places of its duplicates do not matter.
    let stored: Vec<EventSource> = found.iter().map(|location| location.key.source.clone()).collect();
    let is_new = |found: &[Location], location: &Location| {
        !stored.contains(&location.key.source)
            && !found.iter().any(|other| other.message_id == location.message_id)
    };

    let mut query = connection.prepare_cached(DEAD_EVENT)?;
    let mut rows = query.query([id.as_str()])?;
    while let Some(row) = rows.next()? {
        let location = Location {
            key: EventKey { source: EventSource::new(text(row, 0)?), id: id.clone() },
            event_type: EventType::new(text(row, 1)?),
            place: place_of_dead_letter(&text(row, 7)?),
            message_id: MessageId::new(text(row, 2)?),
            accepted_at: from_millis(int(row, 3)?),
            stored_at: None,
            receive_count: int(row, 4)?.try_into().ok(),
            visible_at: None,
            failure: last_failure(optional_text(row, 5)?),
            body: text(row, 6)?,
        };
        if is_new(&found, &location) {
            found.push(location);
        }
    }

    let mut query = connection.prepare_cached(QUEUED_EVENT)?;
    let mut rows = query.query([id.as_str()])?;
    while let Some(row) = rows.next()? {
        let location = Location {
            key: EventKey { source: EventSource::new(text(row, 9)?), id: id.clone() },
            event_type: EventType::new(text(row, 10)?),
            place: place_of_message(row, now)?,
            message_id: MessageId::new(text(row, 1)?),
            accepted_at: from_millis(int(row, 4)?),
            stored_at: None,
            receive_count: int(row, 6)?.try_into().ok(),
            visible_at: Some(from_millis(int(row, 5)?)),
            failure: last_failure(optional_text(row, 7)?)
                .or_else(|| sent_failure(optional_text(row, 11).ok()?)),
            body: text(row, 8)?,
        };
        if is_new(&found, &location) {
            found.push(location);
        }
    }
    Ok(found)
}

fn last_failure(failures: Option<String>) -> Option<Failure> {
    failures.and_then(|text| serde_json::from_str::<Vec<Failure>>(&text).ok()).and_then(|mut all| all.pop())
}

/// The failure with which the consumer put a message into the DLQ.
fn sent_failure(attributes: Option<String>) -> Option<Failure> {
    let attributes: MessageAttributes = serde_json::from_str(&attributes?).ok()?;
    last_failure(attributes.get(FAILURES).map(|failures| failures.as_str().to_owned()))
}

fn further(one: Place, other: Place) -> Place {
    if other.progress() > one.progress() { other } else { one }
}

fn places(connection: &Connection, ids: &[EventId], now: Timestamp) -> rusqlite::Result<Vec<Option<Place>>> {
    let mut queued = connection.prepare_cached(QUEUED_EVENT)?;
    let mut stored = connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM store WHERE event_id = ?1)")?;
    let mut dead = connection.prepare_cached("SELECT state FROM dead_letters WHERE event_id = ?1")?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        if stored.query_row([id.as_str()], |row| row.get::<_, bool>(0))? {
            found.push(Some(Place::Stored));
            continue;
        }
        let queued = queued.query_map([id.as_str()], |row| place_of_message(row, now))?;
        let dead = dead.query_map([id.as_str()], |row| Ok(place_of_dead_letter(&text(row, 0)?)))?;
        let places = queued.chain(dead).collect::<rusqlite::Result<Vec<_>>>()?;
        found.push(places.into_iter().reduce(further));
    }
    Ok(found)
}
