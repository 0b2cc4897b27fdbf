//! Browsing the archive.

use super::row::{COLUMNS, read};
use crate::db::{from_millis, millis};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use spillway_core::dead_letter::{DeadLetter, DeadLetterFilter, DeadLetterGroup, Page, SearchWords};
use spillway_core::failure::FailureClass;
use spillway_core::ids::{EventType, Fingerprint, MessageId};

/// A filter as SQL, with its values.
struct Condition {
    sql: String,
    values: Vec<Value>,
}

impl Condition {
    fn of(filter: &DeadLetterFilter) -> Self {
        let mut condition = Self { sql: "1".to_owned(), values: Vec::new() };
        if !filter.states.is_empty() {
            let marks = vec!["?"; filter.states.len()].join(", ");
            let names = filter.states.iter().map(|state| Value::from(state.as_str().to_owned()));
            condition.and(&format!("state IN ({marks})"), names);
        }
        if let Some(event_type) = &filter.event_type {
            condition.and("type = ?", [event_type.clone().into()]);
        }
        if let Some(class) = filter.class {
            condition.and("class = ?", [class.as_str().to_owned().into()]);
        }
        if let Some(fingerprint) = &filter.fingerprint {
            condition.and("fingerprint = ?", [fingerprint.as_str().to_owned().into()]);
        }
        if let Some(text) = &filter.contains {
            // instr, not LIKE: a "%" or "_" in the search is a character like any other.
            let text = Value::from(SearchWords::new(text).as_str().to_owned());
            condition.and(
                "(instr(fold(message), ?) OR instr(fold(coalesce(event_id, '')), ?) OR instr(fold(id), ?))",
                [text.clone(), text.clone(), text],
            );
        }
        if let Some(from) = filter.from {
            condition.and("archived_at >= ?", [millis(from).into()]);
        }
        if let Some(to) = filter.to {
            condition.and("archived_at < ?", [millis(to).into()]);
        }
        condition
    }

    fn and(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.values.extend(values);
    }
}

/// A page, newest first. The cursor is `archived_at.seq` of the page's last row.
pub fn list(
    connection: &Connection,
    filter: &DeadLetterFilter,
    after: Option<&str>,
    limit: usize,
) -> rusqlite::Result<Page<DeadLetter>> {
    let mut condition = Condition::of(filter);
    let total = connection
        .prepare_cached(&format!("SELECT count(*) FROM dead_letters WHERE {}", condition.sql))?
        .query_row(params_from_iter(&condition.values), |row| row.get(0))?;
    let cursor = after
        .and_then(|text| text.split_once('.'))
        .and_then(|(at, seq)| at.parse::<i64>().ok().zip(seq.parse::<i64>().ok()));
    if let Some((at, seq)) = cursor {
        condition.and("(archived_at, seq) < (?, ?)", [at.into(), seq.into()]);
    }
    condition.values.push(Value::from(limit as i64 + 1));
    let mut query = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, seq FROM dead_letters WHERE {} ORDER BY archived_at DESC, seq DESC LIMIT ?",
        condition.sql
    ))?;
    let rows = query
        .query_map(params_from_iter(&condition.values), |row| Ok((read(row)?, row.get::<_, i64>("seq")?)))?;
    let mut rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next =
        rows.last().filter(|_| more).map(|(letter, seq)| format!("{}.{seq}", millis(letter.archived_at)));
    Ok(Page { items: rows.into_iter().map(|(letter, _)| letter).collect(), total, next })
}

/// Groups by fingerprint, largest first.
pub fn groups(connection: &Connection, filter: &DeadLetterFilter) -> rusqlite::Result<Vec<DeadLetterGroup>> {
    let condition = Condition::of(filter);
    // With max() SQLite takes the other columns from the row that has the maximum: the newest of the group.
    let mut query = connection.prepare_cached(&format!(
        "SELECT fingerprint, class, message, min(type), max(type), count(type), count(*), min(archived_at), id,
             max(archived_at)
         FROM dead_letters WHERE {} GROUP BY fingerprint ORDER BY count(*) DESC, max(archived_at) DESC",
        condition.sql
    ))?;
    let rows = query.query_map(params_from_iter(&condition.values), |row| {
        let (least, most): (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
        let (typed, count): (u64, u64) = (row.get(5)?, row.get(6)?);
        let has_one_type = least == most && typed == count;
        Ok(DeadLetterGroup {
            fingerprint: Fingerprint::new(row.get::<_, String>(0)?),
            class: FailureClass::parse(&row.get::<_, String>(1)?).unwrap_or(FailureClass::ConsumerCrash),
            message: row.get(2)?,
            event_type: least.filter(|_| has_one_type).map(EventType::new),
            count,
            first_at: from_millis(row.get(7)?),
            example: MessageId::new(row.get::<_, String>(8)?),
            last_at: from_millis(row.get(9)?),
        })
    })?;
    rows.collect()
}

/// The ids of those that match, newest first.
pub fn ids(
    connection: &Connection,
    filter: &DeadLetterFilter,
    limit: usize,
) -> rusqlite::Result<Vec<MessageId>> {
    let mut condition = Condition::of(filter);
    condition.values.push(Value::from(limit as i64));
    let mut query = connection.prepare_cached(&format!(
        "SELECT id FROM dead_letters WHERE {} ORDER BY archived_at DESC, seq DESC LIMIT ?",
        condition.sql
    ))?;
    let rows = query.query_map(params_from_iter(&condition.values), |row| row.get::<_, String>(0))?;
    rows.map(|id| id.map(MessageId::new)).collect()
}

/// The dead letters of an event, newest first.
pub fn of_event(connection: &Connection, id: &str) -> rusqlite::Result<Vec<DeadLetter>> {
    let mut query = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM dead_letters WHERE event_id = ?1 ORDER BY archived_at DESC, seq DESC"
    ))?;
    query.query_map([id], read)?.collect()
}
