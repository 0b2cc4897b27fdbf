//! A dead letter as a row.

use crate::db::{from_millis, millis};
use rusqlite::{Connection, OptionalExtension, Row, params};
use spillway_core::dead_letter::{DeadLetter, DeadLetterState, DeadLetterStatus};
use spillway_core::ids::{EventKey, EventType, Fingerprint, MessageId};

/// The columns that [`read`] expects, in its order.
pub const COLUMNS: &str = "id, event_id, source, type, state_document, fingerprint, archived_at, first_sent_at, \
                           receive_count, generation, trace_header, attributes, failures, replays, body";

/// Reads a row that has [`COLUMNS`].
pub fn read(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    let (event_id, source): (Option<String>, Option<String>) = (row.get(1)?, row.get(2)?);
    Ok(DeadLetter {
        id: MessageId::new(row.get::<_, String>(0)?),
        key: source.zip(event_id).map(|(source, id)| EventKey::new(source, id)),
        event_type: row.get::<_, Option<String>>(3)?.map(EventType::new),
        state: parse(row, 4)?,
        fingerprint: Fingerprint::new(row.get::<_, String>(5)?),
        archived_at: from_millis(row.get(6)?),
        first_sent_at: from_millis(row.get(7)?),
        receive_count: row.get(8)?,
        generation: row.get(9)?,
        trace_header: row.get(10)?,
        attributes: parse(row, 11)?,
        is_foreign: false,
        is_lost: false,
        failures: parse(row, 12)?,
        replays: parse(row, 13)?,
        body: row.get(14)?,
    })
}

fn parse<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into())
    })
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub fn get(connection: &Connection, id: &str) -> rusqlite::Result<Option<DeadLetter>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM dead_letters WHERE id = ?1"))?
        .query_row([id], read)
        .optional()
}

/// Adds a dead letter.
pub fn insert(tx: &Connection, letter: &DeadLetter) -> rusqlite::Result<()> {
    let key = letter.key.as_ref();
    let last = letter.last_failure();
    tx.prepare_cached(
        "INSERT INTO dead_letters (id, event_id, source, type, state, state_document, fingerprint, class, message,
             archived_at, first_sent_at, receive_count, generation, trace_header, attributes, failures, replays, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
    )?
    .execute(params![
        letter.id.as_str(),
        key.map(|key| key.id.as_str()),
        key.map(|key| key.source.as_str()),
        letter.event_type.as_ref().map(EventType::as_str),
        letter.state.name(),
        json(&letter.state),
        letter.fingerprint.as_str(),
        last.map_or("", |failure| failure.class.as_str()),
        last.map_or("", |failure| failure.message.as_str()),
        millis(letter.archived_at),
        millis(letter.first_sent_at),
        letter.receive_count,
        letter.generation,
        letter.trace_header,
        json(&letter.attributes),
        json(&letter.failures),
        json(&letter.replays),
        letter.body,
    ])?;
    Ok(())
}

/// Writes what can change in a dead letter.
pub fn update(tx: &Connection, letter: &DeadLetter) -> rusqlite::Result<()> {
    let last = letter.last_failure();
    let replay_id = match &letter.state {
        DeadLetterState::Replaying { replay_id } | DeadLetterState::Stored { replay_id, .. } => {
            Some(replay_id.as_str())
        }
        DeadLetterState::Archived | DeadLetterState::Discarded { .. } => None,
    };
    tx.prepare_cached(
        "UPDATE dead_letters SET state = ?2, state_document = ?3, replay_id = ?4, fingerprint = ?5, class = ?6,
             message = ?7, archived_at = ?8, receive_count = ?9, generation = ?10, failures = ?11, replays = ?12
         WHERE id = ?1",
    )?
    .execute(params![
        letter.id.as_str(),
        letter.state.name(),
        json(&letter.state),
        replay_id,
        letter.fingerprint.as_str(),
        last.map_or("", |failure| failure.class.as_str()),
        last.map_or("", |failure| failure.message.as_str()),
        millis(letter.archived_at),
        letter.receive_count,
        letter.generation,
        json(&letter.failures),
        json(&letter.replays),
    ])?;
    Ok(())
}

/// Changes a dead letter's state if it is in the state `from`. Returns whether it was.
pub fn set_state(
    tx: &Connection,
    id: &str,
    from: DeadLetterStatus,
    to: &DeadLetterState,
) -> rusqlite::Result<bool> {
    let changed = tx
        .prepare_cached(
            "UPDATE dead_letters SET state = ?3, state_document = ?4, replay_id = NULL WHERE id = ?1 AND state = ?2",
        )?
        .execute(params![id, from.as_str(), to.name(), json(to)])?;
    Ok(changed == 1)
}
