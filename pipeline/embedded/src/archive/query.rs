//! Browsing the archive.

use super::row::{COLUMNS, read};
use crate::db::{from_millis, int, millis, optional_text, text};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use spillway_core::dead_letter::{DeadLetter, DeadLetterFilter, DeadLetterGroup, Page};
use spillway_core::failure::FailureClass;
use spillway_core::ids::{EventType, Fingerprint, MessageId};
use spillway_core::ports::ArchiveError;

/// A filter as SQL, with its values.
struct Condition {
    sql: String,
    values: Vec<Value>,
    /// Whether the table of counts has all columns that the filter compares.
    is_counted: bool,
}

impl Condition {
    fn of(filter: &DeadLetterFilter) -> Self {
        let is_counted = filter.contains.is_none() && filter.from.is_none() && filter.to.is_none();
        let mut condition = Self { sql: "1".to_owned(), values: Vec::new(), is_counted };
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
            condition.and("has_words(?, message, event_id, id)", [text.clone().into()]);
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

    /// How many dead letters match.
    fn count(&self, connection: &Connection) -> rusqlite::Result<u64> {
        let (counted, table) = match self.is_counted {
            true => ("coalesce(sum(letters), 0)", "dead_letter_counts"),
            false => ("count(*)", "dead_letters"),
        };
        connection
            .prepare_cached(&format!("SELECT {counted} FROM {table} WHERE {}", self.sql))?
            .query_row(params_from_iter(&self.values), |row| row.get(0))
    }
}

/// Where a page ended: `archived_at.seq` of its last row.
#[derive(Clone, Copy)]
pub struct Cursor {
    at: i64,
    seq: i64,
}

impl Cursor {
    pub fn parse(text: &str) -> Result<Self, ArchiveError> {
        let numbers = text.split_once('.').and_then(|(at, seq)| at.parse().ok().zip(seq.parse().ok()));
        let (at, seq) = numbers.ok_or_else(|| ArchiveError::UnknownCursor { cursor: text.to_owned() })?;
        Ok(Self { at, seq })
    }
}

/// The dead letters of events with that id, newest first.
pub fn of_event(connection: &Connection, id: &str) -> rusqlite::Result<Vec<DeadLetter>> {
    let mut query = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM dead_letters WHERE event_id = ? ORDER BY archived_at DESC, seq DESC"
    ))?;
    query.query_map([id], read)?.collect()
}

/// A page, newest first.
pub fn list(
    connection: &Connection,
    filter: &DeadLetterFilter,
    after: Option<Cursor>,
    limit: usize,
) -> rusqlite::Result<Page<DeadLetter>> {
    let mut condition = Condition::of(filter);
    let total = condition.count(connection)?;
    if total == 0 {
        // Nothing to look for, in up to millions of rows.
        return Ok(Page { items: Vec::new(), total, next: None });
    }
    if let Some(Cursor { at, seq }) = after {
        condition.and("(archived_at, seq) < (?, ?)", [at.into(), seq.into()]);
    }
    condition.values.push(Value::from(limit as i64 + 1));
    let mut query =
        connection.prepare_cached(&newest_first(&format!("{COLUMNS}, seq"), filter, &condition))?;
    let rows = query
        .query_map(params_from_iter(&condition.values), |row| Ok((read(row)?, row.get::<_, i64>("seq")?)))?;
    let mut rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next =
        rows.last().filter(|_| more).map(|(letter, seq)| format!("{}.{seq}", millis(letter.archived_at)));
    Ok(Page { items: rows.into_iter().map(|(letter, _)| letter).collect(), total, next })
}

/// A query for columns of those that match, newest first, with a limit as its last value. A search for words looks at
/// each dead letter: it reads the index that has all columns it compares, and not the rows with their bodies.
fn newest_first(columns: &str, filter: &DeadLetterFilter, condition: &Condition) -> String {
    let order = "ORDER BY archived_at DESC, seq DESC";
    let sql = &condition.sql;
    if filter.contains.is_none() {
        return format!("SELECT {columns} FROM dead_letters WHERE {sql} {order} LIMIT ?");
    }
    format!(
        "SELECT {columns} FROM dead_letters WHERE seq IN
             (SELECT seq FROM dead_letters INDEXED BY dead_letters_search WHERE {sql} {order} LIMIT ?) {order}"
    )
}

/// A page of the groups by fingerprint, largest first. Of equal ones, the one with the newest letter is first.
pub fn groups(
    connection: &Connection,
    filter: &DeadLetterFilter,
    after: Option<&str>,
    limit: usize,
) -> rusqlite::Result<Page<DeadLetterGroup>> {
    let mut condition = Condition::of(filter);
    let from = match condition.is_counted {
        true => "dead_letter_counts WHERE letters > 0 AND",
        false => "dead_letters WHERE",
    };
    let total: usize = connection
        .prepare_cached(&format!("SELECT count(DISTINCT fingerprint) FROM {from} {}", condition.sql))?
        .query_row(params_from_iter(&condition.values), |row| row.get(0))?;
    let start = Page::<DeadLetterGroup>::start(after);
    condition
        .values
        .extend([limit, start].map(|number| Value::from(i64::try_from(number).unwrap_or(i64::MAX))));
    // With max() SQLite takes the other columns from the row that has the maximum: the newest of the group.
    let mut query = connection.prepare_cached(&format!(
        "SELECT fingerprint, class, message, min(type), max(type), count(type), count(*), min(archived_at), id,
             max(archived_at)
         FROM dead_letters WHERE {} GROUP BY fingerprint
         ORDER BY count(*) DESC, max(archived_at) DESC, fingerprint LIMIT ? OFFSET ?",
        condition.sql
    ))?;
    let rows = query.query_map(params_from_iter(&condition.values), |row| {
        let (least, most) = (optional_text(row, 3)?, optional_text(row, 4)?);
        let (typed, count): (u64, u64) = (row.get(5)?, row.get(6)?);
        let has_one_type = least == most && typed == count;
        Ok(DeadLetterGroup {
            fingerprint: Fingerprint::new(text(row, 0)?),
            class: FailureClass::parse(&text(row, 1)?).unwrap_or(FailureClass::ConsumerCrash),
            message: text(row, 2)?,
            event_type: least.filter(|_| has_one_type).map(EventType::new),
            count,
            first_at: from_millis(int(row, 7)?),
            example: MessageId::new(text(row, 8)?),
            last_at: from_millis(int(row, 9)?),
        })
    })?;
    let items = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let next = Page::<DeadLetterGroup>::next(start, items.len(), limit, total);
    Ok(Page { items, total: total as u64, next })
}

/// The ids of those that match, newest first.
pub fn ids(
    connection: &Connection,
    filter: &DeadLetterFilter,
    limit: usize,
) -> rusqlite::Result<Vec<MessageId>> {
    let mut condition = Condition::of(filter);
    condition.values.push(Value::from(limit as i64));
    let mut query = connection.prepare_cached(&newest_first("id", filter, &condition))?;
    let rows = query.query_map(params_from_iter(&condition.values), |row| text(row, 0))?;
    rows.map(|id| id.map(MessageId::new)).collect()
}
