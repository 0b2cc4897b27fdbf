//! Replays in the database: which dead letters they took, and the outcome for each.

use super::{Archive, row};
use crate::db::{Columns, DAMAGED, int, millis, text};
use crate::ops;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetter, DeadLetterState, Page, ReplayTrace};
use spillway_core::ids::{MessageId, ReplayId};
use spillway_core::ports::{ArchiveError, AuditEntry, AuditNote, ReplayReports, Replays};
use spillway_core::replay::{Overdue, Replay, ReplayItem, ReplayItemState, ReplayState};

#[async_trait]
impl ReplayReports for Archive {
    async fn is_known(&self, replay: &ReplayId, id: &MessageId) -> Result<bool, ArchiveError> {
        let (replay, id) = (replay.clone(), id.clone());
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM replay_items WHERE replay_id = ?1 AND dead_letter_id = ?2)",
                )?
                .query_row([replay.as_str(), id.as_str()], |row| row.get(0))
        })
        .await
    }

    async fn mark_stored(&self, replay: &ReplayId, id: &MessageId) -> Result<(), ArchiveError> {
        let (replay, id, now) = (replay.clone(), id.clone(), self.clock.now());
        self.write(move |tx| {
            let state = DeadLetterState::Stored { replay_id: replay.clone(), at: now };
            if end(tx, &replay, &id, state.clone(), now)? || arrived_late(tx, &replay, &id, state, now)? {
                crate::ledger::close_to_store(tx, id.as_str())?;
            }
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl Replays for Archive {
    async fn create(&self, replay: &ReplayId, ids: &[MessageId], by: &str) -> Result<u64, ArchiveError> {
        let (replay, by, now) = (replay.clone(), by.to_owned(), self.clock.now());
        let trace = ReplayTrace { replay_id: replay.clone(), sent_at: now, ended_at: None, stored: None };
        let entry = AuditEntry::of_replay(now, &by, &replay, ids.len());
        let take = move |tx: &Connection, part: &[MessageId]| {
            let mut taken = 0;
            for id in part {
                if row::take(tx, id.as_str(), &trace)? {
                    tx.prepare_cached("INSERT INTO replay_items VALUES (?1, ?2, 'waiting', ?3)")?
                        .execute(params![replay.as_str(), id.as_str(), millis(now)])?;
                    taken += 1;
                }
            }
            if taken > 0 {
                let is_new = tx
                    .prepare_cached(
                        "INSERT INTO replays (id, started_by, started_at) VALUES (?1, ?2, ?3)
                         ON CONFLICT (id) DO NOTHING",
                    )?
                    .execute(params![replay.as_str(), by, millis(now)])?
                    == 1;
                if is_new {
                    ops::append(tx, &entry)?;
                } else {
                    // What an earlier part took may have ended meanwhile.
                    tx.prepare_cached("UPDATE replays SET ended_at = NULL WHERE id = ?1")?
                        .execute([replay.as_str()])?;
                }
            }
            Ok(taken)
        };
        self.write_in_parts(ids, take).await.map(|parts| parts.into_iter().sum())
    }

    async fn waiting(&self, replay: &ReplayId, limit: usize) -> Result<Vec<DeadLetter>, ArchiveError> {
        let replay = replay.clone();
        self.read(move |connection| {
            let mut query = connection.prepare_cached(WAITING)?;
            let ids = query
                .query_map(params![replay.as_str(), limit as i64], |row| text(row, 0))?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let letters = ids.iter().map(|id| row::get(connection, id));
            Ok(letters.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect())
        })
        .await
    }

    async fn mark_sent(&self, replay: &ReplayId, ids: &[MessageId]) -> Result<(), ArchiveError> {
        let (replay, ids, now) = (replay.clone(), ids.to_vec(), self.clock.now());
        self.write(move |tx| {
            for id in &ids {
                // Only from `waiting`: the consumer may have been faster than this record.
                tx.prepare_cached(
                    "UPDATE replay_items SET state = 'sent', at = ?3
                         WHERE replay_id = ?1 AND dead_letter_id = ?2 AND state = 'waiting'",
                )?
                .execute(params![replay.as_str(), id.as_str(), millis(now)])?;
            }
            Ok(())
        })
        .await
    }

    async fn mark_returned(
        &self,
        replay: &ReplayId,
        id: &MessageId,
        note: &AuditNote,
    ) -> Result<(), ArchiveError> {
        let (replay, id, now) = (replay.clone(), id.clone(), self.clock.now());
        let entry = note.about(id.as_str());
        self.write(move |tx| match end(tx, &replay, &id, DeadLetterState::Archived, now)? {
            true => ops::append(tx, &entry),
            false => Ok(()),
        })
        .await
    }

    async fn overdue(&self, before: Timestamp, limit: usize) -> Result<Vec<Overdue>, ArchiveError> {
        self.read(move |connection| {
            // A replay that has ended has no sent messages, so only those that run are read.
            let mut query = connection.prepare_cached(OVERDUE)?;
            let rows = query.query_map(params![millis(before), limit as i64], |row| {
                Ok(Overdue {
                    replay_id: ReplayId::new(text(row, 0)?),
                    dead_letter: MessageId::new(text(row, 1)?),
                })
            })?;
            rows.collect()
        })
        .await
    }

    async fn release(
        &self,
        replay: &ReplayId,
        id: &MessageId,
        note: &AuditNote,
    ) -> Result<bool, ArchiveError> {
        let (replay, id, note) = (replay.clone(), id.clone(), note.clone());
        self.write(move |tx| release(tx, &replay, &id, &note)).await
    }

    async fn set_error(&self, replay: &ReplayId, error: Option<&str>) -> Result<(), ArchiveError> {
        let (replay, error) = (replay.clone(), error.map(str::to_owned));
        self.write(move |tx| {
            tx.prepare_cached("UPDATE replays SET trouble = ?2 WHERE id = ?1 AND trouble IS NOT ?2")?
                .execute(params![replay.as_str(), error])
        })
        .await
        .map(|_| ())
    }

    async fn get(&self, replay: &ReplayId) -> Result<Option<Replay>, ArchiveError> {
        let replay = replay.clone();
        self.read(move |connection| {
            connection
                .prepare_cached(&format!("{REPLAY} WHERE id = ?1"))?
                .query_row([replay.as_str()], read_replay)
                .optional()
        })
        .await
    }

    async fn list(&self, limit: usize) -> Result<Vec<Replay>, ArchiveError> {
        self.read(move |connection| {
            let mut query = connection.prepare_cached(&newest())?;
            query.query_map([limit as i64], read_replay)?.collect()
        })
        .await
    }

    async fn unfinished(&self) -> Result<Vec<ReplayId>, ArchiveError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(UNFINISHED)?;
            let ids = query.query_map([], |row| text(row, 0))?;
            ids.map(|id| id.map(ReplayId::new)).collect()
        })
        .await
    }

    async fn items(
        &self,
        replay: &ReplayId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<ReplayItem>, ArchiveError> {
        let (replay, after) = (replay.clone(), after.unwrap_or_default().to_owned());
        self.read(move |connection| {
            let total = connection
                .prepare_cached(
                    "SELECT coalesce(sum(CAST(items AS INTEGER)), 0) FROM replay_counts WHERE replay_id = ?1",
                )?
                .query_row([replay.as_str()], |row| int(row, 0))?;
            let total = u64::try_from(total).unwrap_or_default();
            let mut query = connection.prepare_cached(ITEMS)?;
            let mut items = query
                .query_map(params![replay.as_str(), after, limit as i64 + 1], read_item)?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let more = items.len() > limit;
            items.truncate(limit);
            let next = items.last().filter(|_| more).map(|item| item.dead_letter.to_string());
            Ok(Page { items, total, next })
        })
        .await
    }
}

/// Messages that were put back before a time, of replays that run: the join goes from these, and not from all items.
pub(crate) const OVERDUE: &str = "SELECT replay_id, dead_letter_id
    FROM replays CROSS JOIN replay_items ON replay_id = id
    WHERE ended_at IS NULL AND state = 'sent' AND at < ?1 ORDER BY started_at, id LIMIT ?2";

/// Replays that have messages to put back.
pub(crate) const UNFINISHED: &str = "SELECT id FROM replays WHERE ended_at IS NULL AND EXISTS
    (SELECT 1 FROM replay_items WHERE replay_id = id AND state = 'waiting') ORDER BY started_at, id";

/// The dead letters of a replay that are still to be put back.
pub(crate) const WAITING: &str =
    "SELECT dead_letter_id FROM replay_items WHERE replay_id = ?1 AND state = 'waiting' LIMIT ?2";

/// The dead letters of a replay, a page of them.
pub(crate) const ITEMS: &str = "SELECT dead_letter_id, state, at FROM replay_items
    WHERE replay_id = ?1 AND dead_letter_id > ?2 ORDER BY dead_letter_id LIMIT ?3";

const REPLAY: &str = "SELECT id, started_by, started_at, ended_at, trouble,
    coalesce((SELECT items FROM replay_counts WHERE replay_id = id AND state = 'waiting'), 0),
    coalesce((SELECT items FROM replay_counts WHERE replay_id = id AND state = 'sent'), 0),
    coalesce((SELECT items FROM replay_counts WHERE replay_id = id AND state = 'stored'), 0),
    coalesce((SELECT items FROM replay_counts WHERE replay_id = id AND state = 'returned'), 0)
    FROM replays";

/// The query for the newest replays.
pub(crate) fn newest() -> String {
    format!("{REPLAY} ORDER BY started_at DESC, id DESC LIMIT ?1")
}

fn read_replay(row: &Row<'_>) -> rusqlite::Result<Replay> {
    let columns = Columns::of(row);
    let (ended_at, error) = (columns.optional_time(3)?, columns.optional_text(4)?);
    let count = |column| columns.int(column).map(|count| u64::try_from(count).unwrap_or_default());
    Ok(Replay {
        id: ReplayId::new(columns.text(0)?),
        by: columns.text(1)?,
        started_at: columns.time(2)?,
        ended_at,
        state: if ended_at.is_some() { ReplayState::Ended } else { ReplayState::Running },
        waiting: count(5)?,
        sent: count(6)?,
        stored: count(7)?,
        returned: count(8)?,
        error: if columns.is_damaged() { Some(DAMAGED.to_owned()) } else { error },
    })
}

fn read_item(row: &Row<'_>) -> rusqlite::Result<ReplayItem> {
    let state = match text(row, 1)?.as_str() {
        "sent" => ReplayItemState::Sent,
        "stored" => ReplayItemState::Stored,
        "returned" => ReplayItemState::Returned,
        _ => ReplayItemState::Waiting,
    };
    let columns = Columns::of(row);
    Ok(ReplayItem { dead_letter: MessageId::new(columns.text(0)?), state, at: columns.time(2)? })
}

/// Ends a replay of a dead letter, unless that is over: what it is now, in the row, its history and the replay's item.
fn end(
    tx: &Connection,
    replay: &ReplayId,
    id: &MessageId,
    state: DeadLetterState,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let Some(mut letter) = row::get(tx, id.as_str())? else { return Ok(false) };
    if letter.state != (DeadLetterState::Replaying { replay_id: replay.clone() }) {
        return Ok(false);
    }
    let stored = state != DeadLetterState::Archived;
    letter.state = state;
    if let Some(trace) = letter.replays.iter_mut().rfind(|trace| trace.replay_id == *replay) {
        trace.ended_at = Some(now);
        trace.stored = Some(stored);
    }
    row::update(tx, &letter)?;
    let item = if stored { ReplayItemState::Stored } else { ReplayItemState::Returned };
    end_item(tx, replay.as_str(), id.as_str(), item.as_str(), millis(now))?;
    Ok(true)
}

/// Archives a dead letter again whose message is gone, with the next generation. Returns whether it was in that replay.
pub fn release(
    tx: &Connection,
    replay: &ReplayId,
    id: &MessageId,
    note: &AuditNote,
) -> rusqlite::Result<bool> {
    let released = end(tx, replay, id, DeadLetterState::Archived, note.at)?;
    if released {
        tx.prepare_cached("UPDATE dead_letters SET generation = generation + 1 WHERE id = ?1")?
            .execute([id.as_str()])?;
        ops::append(tx, &note.about(id.as_str()))?;
    }
    Ok(released)
}

/// Marks a dead letter as stored whose message had been given up, if no other replay has taken it since. The part of
/// the replay that has ended stays as it is.
fn arrived_late(
    tx: &Connection,
    replay: &ReplayId,
    id: &MessageId,
    state: DeadLetterState,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let Some(mut letter) = row::get(tx, id.as_str())? else { return Ok(false) };
    let is_late = letter.state == DeadLetterState::Archived;
    let Some(trace) = letter.replays.last_mut().filter(|trace| is_late && trace.replay_id == *replay) else {
        return Ok(false);
    };
    (trace.ended_at, trace.stored) = (Some(now), Some(true));
    letter.state = state;
    row::update(tx, &letter)?;
    Ok(true)
}

/// Records how a message of a replay ended, and the end of the replay with its last message.
pub fn end_item(tx: &Connection, replay: &str, id: &str, state: &str, at: i64) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE replay_items SET state = ?3, at = ?4 WHERE replay_id = ?1 AND dead_letter_id = ?2",
    )?
    .execute(params![replay, id, state, at])?;
    tx.prepare_cached(
        "UPDATE replays SET ended_at = ?2, trouble = NULL WHERE id = ?1 AND ended_at IS NULL AND NOT EXISTS
             (SELECT 1 FROM replay_items WHERE replay_id = ?1 AND state IN ('waiting', 'sent'))",
    )?
    .execute(params![replay, at])?;
    Ok(())
}
