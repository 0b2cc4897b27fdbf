//! Browsing the archive.

use super::row::{COLUMNS, read};
use crate::db::{from_millis, int, millis, optional_text, text};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};
use spillway_core::dead_letter::{Counting, DeadLetter, DeadLetterFilter, DeadLetterGroup, Page, Spread};
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

/// Where a page ended: `archived_at.seq` of its last row, and how many matched in all. So only the first page counts.
#[derive(Clone, Copy)]
pub struct Cursor {
    at: i64,
    seq: i64,
    total: u64,
}

impl Cursor {
    pub fn parse(text: &str) -> Result<Self, ArchiveError> {
        let numbers = || {
            let (at, rest) = text.split_once('.')?;
            let (seq, total) = rest.split_once('.')?;
            Some(Self { at: at.parse().ok()?, seq: seq.parse().ok()?, total: total.parse().ok()? })
        };
        numbers().ok_or_else(|| ArchiveError::UnknownCursor { cursor: text.to_owned() })
    }

    fn text(self) -> String {
        format!("{}.{}.{}", self.at, self.seq, self.total)
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
    let total = after.map_or_else(|| condition.count(connection), |Cursor { total, .. }| Ok(total))?;
    if total == 0 {
        // Nothing to look for, in up to millions of rows.
        return Ok(Page { items: Vec::new(), total, next: None });
    }
    if let Some(Cursor { at, seq, .. }) = after {
        condition.and("(archived_at, seq) < (?, ?)", [at.into(), seq.into()]);
    }
    condition.values.push(Value::from(limit as i64 + 1));
    let sql = newest(&format!("{COLUMNS}, seq"), filter, &mut condition, total);
    let mut query = connection.prepare_cached(&sql)?;
    let rows = query
        .query_map(params_from_iter(&condition.values), |row| Ok((read(row)?, row.get::<_, i64>("seq")?)))?;
    let mut rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|(letter, seq)| {
        let at = millis(letter.archived_at);
        Cursor { at, seq: *seq, total }.text()
    });
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
             (SELECT seq FROM dead_letters INDEXED BY dead_letters_ends WHERE {sql} {order} LIMIT ?) {order}"
    )
}

/// Dead letters of a type or class with at most this number are read group by group. One by one from the newest, a page of
/// them could take all the others.
const RARE: u64 = 2_000;

/// The query for the newest that match, of so many in all. The limit is the last of the condition's values.
fn newest(columns: &str, filter: &DeadLetterFilter, condition: &mut Condition, total: u64) -> String {
    let is_rare =
        condition.is_counted && total <= RARE && (filter.event_type.is_some() || filter.class.is_some());
    match is_rare {
        true => of_few(columns, filter, condition),
        false => newest_first(columns, filter, condition),
    }
}

/// What a spread counts. A body of more bytes than this is not parsed for it.
const SPREAD: &str = "source, iif(octet_length(body) <= 65536 AND json_valid(body), body ->> '$.dataschema', NULL), \
                      iif(json_valid(failures), failures ->> '$[#-1].version', NULL), archived_at";

/// How the newest that match spread over sources, versions and hours.
pub fn spread(connection: &Connection, filter: &DeadLetterFilter, most: usize) -> rusqlite::Result<Spread> {
    let mut condition = Condition::of(filter);
    let total = condition.count(connection)?;
    let mut counting = Counting::default();
    if total > 0 {
        condition.values.push(Value::from(i64::try_from(most).unwrap_or(i64::MAX)));
        let mut query = connection.prepare_cached(&newest(SPREAD, filter, &mut condition, total))?;
        let mut rows = query.query(params_from_iter(&condition.values))?;
        while let Some(row) = rows.next()? {
            let [source, data_schema, version] =
                [optional_text(row, 0)?, optional_text(row, 1)?, optional_text(row, 2)?];
            let at = from_millis(int(row, 3)?);
            counting.add(source.as_deref(), data_schema.as_deref(), version.as_deref(), at);
        }
    }
    Ok(counting.spread(total))
}

/// The same as [`newest_first`] for a few that match: the table of counts says where they are.
fn of_few(columns: &str, filter: &DeadLetterFilter, condition: &mut Condition) -> String {
    let counted = Condition::of(filter);
    let order = "ORDER BY archived_at DESC, seq DESC";
    let sql = format!(
        "SELECT {columns} FROM dead_letters NOT INDEXED WHERE seq IN
             (SELECT d.seq FROM (SELECT * FROM dead_letter_counts WHERE letters > 0 AND {}) c
                 CROSS JOIN dead_letters d INDEXED BY dead_letters_ends ON {COUNTED})
             AND {} {order} LIMIT ?",
        counted.sql, condition.sql
    );
    condition.values.splice(0..0, counted.values);
    sql
}

/// A page of the groups by fingerprint, largest first. Of equal ones, the one with the newest letter is first.
pub fn groups(
    connection: &Connection,
    filter: &DeadLetterFilter,
    after: Option<&str>,
    limit: usize,
) -> rusqlite::Result<Page<DeadLetterGroup>> {
    let mut condition = Condition::of(filter);
    let start = Page::<DeadLetterGroup>::start(after);
    let part = [limit, start].map(|number| Value::from(i64::try_from(number).unwrap_or(i64::MAX)));
    let (total, items) = match condition.is_counted {
        true => {
            let total = count_groups(connection, "dead_letter_counts WHERE letters > 0 AND", &condition)?;
            (total, counted_groups(connection, &condition, part)?)
        }
        false => {
            let total = count_groups(connection, "dead_letters WHERE", &condition)?;
            if total == 0 {
                // No second look at up to millions of rows.
                return Ok(Page { items: Vec::new(), total: 0, next: None });
            }
            condition.values.extend(part);
            (total, searched_groups(connection, &condition)?)
        }
    };
    let next = Page::<DeadLetterGroup>::next(start, items.len(), limit, total);
    Ok(Page { items, total: total as u64, next })
}

fn count_groups(connection: &Connection, from: &str, condition: &Condition) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(&format!("SELECT count(DISTINCT fingerprint) FROM {from} {}", condition.sql))?
        .query_row(params_from_iter(&condition.values), |row| row.get(0))
}

/// Whether a row of the table of counts counts a dead letter. Each column can be looked up in the index.
const COUNTED: &str = "d.state = c.state AND d.fingerprint = c.fingerprint AND d.class = c.class
    AND d.type IS nullif(c.type, '')";

/// One end of the letters of a row of the table of counts: a look at an index, however many they are.
fn end(what: &str, direction: &str) -> String {
    format!(
        "(SELECT {what} FROM dead_letters d INDEXED BY dead_letters_ends WHERE {COUNTED}
          ORDER BY d.archived_at {direction} LIMIT 1)"
    )
}

/// The rows of the table of counts that match.
fn counts(condition: &Condition) -> String {
    format!("dead_letter_counts c WHERE letters > 0 AND {}", condition.sql)
}

/// The query for the largest groups. With its only max() SQLite takes the other columns from the row that has the maximum.
fn largest_groups(condition: &Condition) -> String {
    let (last, newest) = (end("archived_at", "DESC"), end("seq", "DESC"));
    format!(
        "SELECT fingerprint, sum(letters) AS n, count(DISTINCT type), type, max(last) AS last, newest
         FROM (SELECT fingerprint, type, letters, {last} AS last, {newest} AS newest FROM {})
         GROUP BY fingerprint ORDER BY n DESC, last DESC, fingerprint LIMIT ? OFFSET ?",
        counts(condition)
    )
}

/// Groups by the table of counts. It says how large each is. Where each begins and ends is looked up.
fn counted_groups(
    connection: &Connection,
    condition: &Condition,
    part: [Value; 2],
) -> rusqlite::Result<Vec<DeadLetterGroup>> {
    let mut largest = connection.prepare_cached(&largest_groups(condition))?;
    let mut example =
        connection.prepare_cached("SELECT id, class, message FROM dead_letters WHERE seq = ?")?;
    let (first, counts) = (end("archived_at", "ASC"), counts(condition));
    let mut oldest =
        connection.prepare_cached(&format!("SELECT min({first}) FROM {counts} AND fingerprint = ?"))?;
    let mut groups = Vec::new();
    let mut rows = largest.query(params_from_iter(condition.values.iter().chain(&part)))?;
    while let Some(row) = rows.next()? {
        let named = |row: &Row<'_>| Ok((text(row, 0)?, text(row, 1)?, text(row, 2)?));
        let newest = example.query_row([row.get::<_, Value>(5)?], named).optional()?;
        let (id, class, message) = newest.unwrap_or_default();
        let of_group = [row.get::<_, Value>(0)?];
        let values = params_from_iter(condition.values.iter().chain(&of_group));
        let event_type = optional_text(row, 3)?.filter(|event_type| !event_type.is_empty());
        groups.push(DeadLetterGroup {
            fingerprint: Fingerprint::new(text(row, 0)?),
            class: FailureClass::parse(&class).unwrap_or(FailureClass::ConsumerCrash),
            message,
            event_type: event_type.filter(|_| matches!(row.get(2), Ok(1_u64))).map(EventType::new),
            count: row.get(1)?,
            first_at: from_millis(oldest.query_row(values, |row| int(row, 0))?),
            example: MessageId::new(id),
            last_at: from_millis(int(row, 4)?),
        });
    }
    Ok(groups)
}

/// Groups by the dead letters themselves, for filters that the table of counts can't answer.
fn searched_groups(connection: &Connection, condition: &Condition) -> rusqlite::Result<Vec<DeadLetterGroup>> {
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
    let mut query = connection.prepare_cached(&newest_first("id", filter, &condition))?;
    let rows = query.query_map(params_from_iter(&condition.values), |row| text(row, 0))?;
    rows.map(|id| id.map(MessageId::new)).collect()
}

#[cfg(test)]
mod tests;
