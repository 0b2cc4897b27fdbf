//! Browsing the archive.

use super::row::{COLUMNS, read};
use crate::db::{from_millis, int, millis, optional_text, text, value};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};
use spillway_core::dead_letter::{Counting, DeadLetter, DeadLetterFilter, DeadLetterGroup, Page, Spread};
use spillway_core::failure::FailureClass;
use spillway_core::ids::{EventType, Fingerprint, MessageId};
use spillway_core::ports::ArchiveError;

/// A filter as SQL, with its values.
#[derive(Clone)]
struct Condition {
    sql: String,
    values: Vec<Value>,
    /// Whether the tally has all columns that the filter compares.
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
            true => ("coalesce(sum(max(CAST(letters AS INTEGER), 0)), 0)", "dead_letter_tally"),
            false => ("count(*)", "dead_letters"),
        };
        connection
            .prepare_cached(&format!("SELECT {counted} FROM {table} WHERE {}", self.sql))?
            .query_row(params_from_iter(&self.values), |row| int(row, 0))
            .map(|count| u64::try_from(count).unwrap_or_default())
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
    let condition = Condition::of(filter);
    let total = after.map_or_else(|| condition.count(connection), |Cursor { total, .. }| Ok(total))?;
    if total == 0 {
        // Nothing to look for, in up to millions of rows.
        return Ok(Page { items: Vec::new(), total, next: None });
    }
    let most = limit.saturating_add(1);
    let mut rows = match newest_of_each(connection, filter, &condition, after, most)? {
        Some(rows) => rows,
        None => newest_of_all(connection, filter, condition, after, most)?,
    };
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|(letter, seq)| {
        let at = millis(letter.archived_at);
        Cursor { at, seq: *seq, total }.text()
    });
    Ok(Page { items: rows.into_iter().map(|(letter, _)| letter).collect(), total, next })
}

/// A dead letter with the number of its row.
type Numbered = (DeadLetter, i64);

fn numbered(row: &Row<'_>) -> rusqlite::Result<Numbered> {
    Ok((read(row)?, row.get("seq")?))
}

fn newest_of_all(
    connection: &Connection,
    filter: &DeadLetterFilter,
    mut condition: Condition,
    after: Option<Cursor>,
    most: usize,
) -> rusqlite::Result<Vec<Numbered>> {
    if let Some(Cursor { at, seq, .. }) = after {
        condition.and("(archived_at, seq) < (?, ?)", [at.into(), seq.into()]);
    }
    condition.values.push(Value::from(most as i64));
    let sql = newest_first(&format!("{COLUMNS}, seq"), filter, &condition);
    let mut query = connection.prepare_cached(&sql)?;
    let rows = query.query_map(params_from_iter(&condition.values), numbered)?;
    rows.collect()
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

/// Rows of the tally up to which a list is merged from the newest dead letters of each.
const MERGED: usize = 1_000;

/// The newest dead letters of one row of the tally, from one place on.
const NEWEST_OF_ONE: &str = "SELECT archived_at, seq FROM dead_letters INDEXED BY dead_letters_ends
    WHERE state = ?1 AND fingerprint = ?2 AND class = ?3 AND type IS ?4
        AND archived_at <= ?5 AND (archived_at, seq) < (?5, ?6)
    ORDER BY archived_at DESC, seq DESC LIMIT ?7";

/// The newest that match a filter by type, class or group, if the tally has few rows of these. Looked for one by
/// one from the newest of all, a page of them could take all the others.
fn newest_of_each(
    connection: &Connection,
    filter: &DeadLetterFilter,
    condition: &Condition,
    after: Option<Cursor>,
    most: usize,
) -> rusqlite::Result<Option<Vec<Numbered>>> {
    let Some(places) = places_of_each(connection, filter, condition, after, most)? else { return Ok(None) };
    let mut letter =
        connection.prepare_cached(&format!("SELECT {COLUMNS}, seq FROM dead_letters WHERE seq = ?"))?;
    let rows = places.into_iter().map(|seq| letter.query_row([seq], numbered));
    rows.collect::<rusqlite::Result<_>>().map(Some)
}

/// The numbers of the same, newest first.
fn places_of_each(
    connection: &Connection,
    filter: &DeadLetterFilter,
    condition: &Condition,
    after: Option<Cursor>,
    most: usize,
) -> rusqlite::Result<Option<Vec<i64>>> {
    let narrows = filter.event_type.is_some() || filter.class.is_some() || filter.fingerprint.is_some();
    if !narrows || !condition.is_counted {
        return Ok(None);
    }
    let mut query = connection.prepare_cached(&format!(
        "SELECT state, fingerprint, class, nullif(type, '') FROM {} LIMIT {}",
        counts(condition),
        MERGED + 1
    ))?;
    let each = query.query_map(params_from_iter(&condition.values), |row| {
        Ok([value(row, 0)?, value(row, 1)?, value(row, 2)?, value(row, 3)?])
    })?;
    let each = each.collect::<rusqlite::Result<Vec<_>>>()?;
    if each.len() > MERGED {
        return Ok(None);
    }
    let (at, seq) = after.map_or((i64::MAX, i64::MAX), |Cursor { at, seq, .. }| (at, seq));
    let mut newest = connection.prepare_cached(NEWEST_OF_ONE)?;
    let mut places: Vec<(i64, i64)> = Vec::new();
    for of_one in each {
        let values = of_one.into_iter().chain([at, seq, most as i64].map(Value::from));
        let found = newest.query_map(params_from_iter(values), |row| Ok((int(row, 0)?, row.get(1)?)))?;
        places.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    places.sort_unstable_by_key(|place| std::cmp::Reverse(*place));
    places.truncate(most);
    Ok(Some(places.into_iter().map(|(_, seq)| seq).collect()))
}

/// What a spread counts. A body of more bytes than this is not parsed for it.
const SPREAD: &str = "source, iif(octet_length(body) <= 65536 AND json_valid(body), body ->> '$.dataschema', NULL), \
                      iif(json_valid(failures), failures ->> '$[#-1].version', NULL), archived_at";

/// How the newest that match spread over sources, versions and hours.
pub fn spread(connection: &Connection, filter: &DeadLetterFilter, most: usize) -> rusqlite::Result<Spread> {
    let mut condition = Condition::of(filter);
    let total = condition.count(connection)?;
    let mut counting = Counting::default();
    let mut add = |row: &Row<'_>| {
        let [source, data_schema, version] =
            [optional_text(row, 0)?, optional_text(row, 1)?, optional_text(row, 2)?];
        let at = from_millis(int(row, 3)?);
        counting.add(source.as_deref(), data_schema.as_deref(), version.as_deref(), at);
        Ok(())
    };
    match places_of_each(connection, filter, &condition, None, most)? {
        Some(places) => {
            let mut letter =
                connection.prepare_cached(&format!("SELECT {SPREAD} FROM dead_letters WHERE seq = ?"))?;
            for seq in places {
                letter.query_row([seq], &mut add)?;
            }
        }
        None if total > 0 => {
            condition.values.push(Value::from(i64::try_from(most).unwrap_or(i64::MAX)));
            let mut query = connection.prepare_cached(&newest_first(SPREAD, filter, &condition))?;
            let mut rows = query.query(params_from_iter(&condition.values))?;
            while let Some(row) = rows.next()? {
                add(row)?;
            }
        }
        None => {}
    }
    Ok(counting.spread(total))
}

/// A page of the groups by fingerprint, largest first. Of equal ones, the one with the newest letter is first.
pub fn groups(
    connection: &Connection,
    filter: &DeadLetterFilter,
    after: Option<&str>,
    limit: usize,
) -> rusqlite::Result<Page<DeadLetterGroup>> {
    let condition = Condition::of(filter);
    let start = Page::<DeadLetterGroup>::start(after);
    let part = [limit, start].map(|number| Value::from(i64::try_from(number).unwrap_or(i64::MAX)));
    let (total, items) = match condition.is_counted {
        true => (count_groups(connection, &condition)?, counted_groups(connection, &condition, part)?),
        false => match searched_groups(connection, condition.clone(), part)? {
            // A page after the last one has no row that says how many there are.
            (0, none) if start > 0 => (searched_groups(connection, condition, FIRST)?.0, none),
            found => found,
        },
    };
    let next = Page::<DeadLetterGroup>::next(start, items.len(), limit, total);
    Ok(Page { items, total: total as u64, next })
}

fn count_groups(connection: &Connection, condition: &Condition) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(&format!("SELECT count(DISTINCT fingerprint) FROM {}", counts(condition)))?
        .query_row(params_from_iter(&condition.values), |row| row.get(0))
}

/// Whether a row of the tally counts a dead letter. Each column can be looked up in the index.
const COUNTED: &str = "d.state = c.state AND d.fingerprint = c.fingerprint AND d.class = c.class
    AND d.type IS nullif(c.type, '')";

/// One end of the letters of a row of the tally: a look at an index, however many they are.
fn end(what: &str, direction: &str) -> String {
    format!(
        "(SELECT {what} FROM dead_letters d INDEXED BY dead_letters_ends WHERE {COUNTED}
          ORDER BY d.archived_at {direction} LIMIT 1)"
    )
}

/// The rows of the tally that match.
fn counts(condition: &Condition) -> String {
    format!("dead_letter_tally c WHERE letters > 0 AND {}", condition.sql)
}

/// The query for the largest groups, by the tally alone. With its only max() SQLite takes the type from the row that
/// has the maximum.
fn largest_groups(condition: &Condition) -> String {
    format!(
        "SELECT fingerprint, sum(CAST(letters AS INTEGER)) AS n, count(DISTINCT type), type, max(newest) AS last
         FROM {} GROUP BY fingerprint ORDER BY n DESC, last DESC, fingerprint LIMIT ? OFFSET ?",
        counts(condition)
    )
}

/// The query for the newest dead letter of a group: a look at an index for each of its rows in the tally.
fn newest_of_group(condition: &Condition) -> String {
    format!(
        "SELECT id, class, message FROM dead_letters WHERE seq IN (SELECT {} FROM {} AND fingerprint = ?)
         ORDER BY archived_at DESC, seq DESC LIMIT 1",
        end("seq", "DESC"),
        counts(condition)
    )
}

/// Groups by the tally. It says how large each is. Where each begins and ends is looked up.
fn counted_groups(
    connection: &Connection,
    condition: &Condition,
    part: [Value; 2],
) -> rusqlite::Result<Vec<DeadLetterGroup>> {
    let mut largest = connection.prepare_cached(&largest_groups(condition))?;
    let mut example = connection.prepare_cached(&newest_of_group(condition))?;
    let (first, counts) = (end("archived_at", "ASC"), counts(condition));
    let mut oldest =
        connection.prepare_cached(&format!("SELECT min({first}) FROM {counts} AND fingerprint = ?"))?;
    let mut groups = Vec::new();
    let mut rows = largest.query(params_from_iter(condition.values.iter().chain(&part)))?;
    while let Some(row) = rows.next()? {
        let named = |row: &Row<'_>| Ok((text(row, 0)?, text(row, 1)?, text(row, 2)?));
        let of_group = [value(row, 0)?];
        let values = || params_from_iter(condition.values.iter().chain(&of_group));
        let newest = example.query_row(values(), named).optional()?;
        let (id, class, message) = newest.unwrap_or_default();
        let event_type = optional_text(row, 3)?.filter(|event_type| !event_type.is_empty());
        groups.push(DeadLetterGroup {
            fingerprint: Fingerprint::new(text(row, 0)?),
            class: FailureClass::parse(&class).unwrap_or(FailureClass::ConsumerCrash),
            message,
            event_type: event_type.filter(|_| matches!(row.get(2), Ok(1_u64))).map(EventType::new),
            count: u64::try_from(int(row, 1)?).unwrap_or_default(),
            first_at: from_millis(oldest.query_row(values(), |row| int(row, 0))?),
            example: MessageId::new(id),
            last_at: from_millis(int(row, 4)?),
        });
    }
    Ok(groups)
}

/// The query for groups of the dead letters themselves, with the number of all groups. It looks at each dead letter that the
/// filter may select, so it does that once, and in an index. With max() SQLite takes the other columns from the row that has
/// the maximum: the newest of the group.
fn largest_found(condition: &Condition) -> String {
    format!(
        "WITH found AS MATERIALIZED
             (SELECT fingerprint, class, message, min(type) AS least, max(type) AS most, count(type) AS typed,
                 count(*) AS n, min(archived_at) AS first, id, max(archived_at) AS last
              FROM dead_letters INDEXED BY dead_letters_ends WHERE {} GROUP BY fingerprint)
         SELECT fingerprint, class, message, least, most, typed, n, first, id, last, (SELECT count(*) FROM found)
         FROM found ORDER BY n DESC, last DESC, fingerprint LIMIT ? OFFSET ?",
        condition.sql
    )
}

/// Limit and offset of the first group.
const FIRST: [Value; 2] = [Value::Integer(1), Value::Integer(0)];

/// How many groups there are, and a part of them, for filters that the tally can't answer.
fn searched_groups(
    connection: &Connection,
    mut condition: Condition,
    part: [Value; 2],
) -> rusqlite::Result<(usize, Vec<DeadLetterGroup>)> {
    let mut query = connection.prepare_cached(&largest_found(&condition))?;
    condition.values.extend(part);
    let mut total = 0;
    let rows = query.query_map(params_from_iter(&condition.values), |row| {
        total = row.get(10)?;
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
    let groups = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok((total, groups))
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
