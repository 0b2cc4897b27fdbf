//! A dead letter as a row.

use crate::db::{from_millis, int, millis, optional_text, text};
use rusqlite::{Connection, OptionalExtension, Row, params};
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetter, DeadLetterState, DeadLetterStatus, ReplayTrace};
use spillway_core::failure::{Failure, FailureClass};
use spillway_core::ids::{CodeVersion, EventKey, EventType, Fingerprint, MessageId, ReplayId};

/// The columns that [`read`] expects, in its order.
pub const COLUMNS: &str = "id, event_id, source, type, state_document, fingerprint, archived_at, first_sent_at, \
                           receive_count, generation, trace_header, attributes, failures, replays, body, state, replay_id";

/// Reads a row that has [`COLUMNS`]. What another program wrote into it, and what can't be read, is replaced: one such row
/// must not make the list unavailable. The text of its failure then says so.
pub fn read(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    let archived_at = from_millis(int(row, 6)?);
    Ok(DeadLetter {
        id: MessageId::new(text(row, 0)?),
        key: optional_text(row, 2)?.zip(optional_text(row, 1)?).map(|(source, id)| EventKey::new(source, id)),
        event_type: optional_text(row, 3)?.map(EventType::new),
        state: match parse(row, 4)? {
            Some(state) => state,
            None => state(row, archived_at)?,
        },
        fingerprint: Fingerprint::new(text(row, 5)?),
        archived_at,
        first_sent_at: from_millis(int(row, 7)?),
        receive_count: int(row, 8)?.try_into().unwrap_or_default(),
        generation: int(row, 9)?.try_into().unwrap_or_default(),
        trace_header: optional_text(row, 10)?,
        attributes: parse(row, 11)?.unwrap_or_default(),
        is_foreign: false,
        is_lost: false,
        glance: None,
        failures: parse(row, 12)?.unwrap_or_else(|| vec![damaged(archived_at)]),
        replays: parse(row, 13)?.unwrap_or_default(),
        body: text(row, 14)?,
    })
}

/// The state by the columns that queries use, if its document can't be read.
fn state(row: &Row<'_>, archived_at: Timestamp) -> rusqlite::Result<DeadLetterState> {
    let replay_id = ReplayId::new(text(row, 16)?);
    Ok(match text(row, 15)?.parse() {
        Ok(DeadLetterStatus::Replaying) => DeadLetterState::Replaying { replay_id },
        Ok(DeadLetterStatus::Stored) => DeadLetterState::Stored { replay_id, at: archived_at },
        Ok(DeadLetterStatus::Discarded) => DeadLetterState::Discarded {
            by: "unknown".to_owned(),
            reason: DAMAGED.to_owned(),
            at: archived_at,
        },
        Ok(DeadLetterStatus::Archived) | Err(_) => DeadLetterState::Archived,
    })
}

const DAMAGED: &str = "the row of this dead letter is damaged: something else than Spillway changed it";

fn damaged(at: Timestamp) -> Failure {
    Failure::new(FailureClass::Malformed, DAMAGED, &CodeVersion::new("unknown"), at)
}

fn parse<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    Ok(serde_json::from_str(&text(row, column)?).ok())
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

/// Takes a dead letter for a replay if it is in state archived. Returns whether it was.
pub fn take(tx: &Connection, id: &str, trace: &ReplayTrace) -> rusqlite::Result<bool> {
    let state = DeadLetterState::Replaying { replay_id: trace.replay_id.clone() };
    let changed = tx
        .prepare_cached(
            "UPDATE dead_letters SET state = ?2, state_document = ?3, replay_id = ?4,
                 replays = CASE WHEN json_valid(replays) THEN json_insert(replays, '$[#]', json(?5))
                     ELSE json_array(json(?5)) END
             WHERE id = ?1 AND state = 'archived'",
        )?
        .execute(params![id, state.name(), json(&state), trace.replay_id.as_str(), json(trace)])?;
    Ok(changed == 1)
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
