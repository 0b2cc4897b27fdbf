//! Listing stored events. The order is that of storing, which is the order of the rows.

use super::Store;
use crate::db::{from_millis, int, millis, text};
use crate::ledger::unreadable;
use async_trait::async_trait;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};
use spillway_core::ids::{EventKey, EventType, MessageId};
use spillway_core::ports::{
    StoredEvent, StoredEventFilter, StoredEventPage, StoredEvents, StoredListError, StoredOrder,
};

#[async_trait]
impl StoredEvents for Store {
    async fn list(
        &self,
        filter: &StoredEventFilter,
        order: StoredOrder,
        after: Option<&str>,
        limit: usize,
    ) -> Result<StoredEventPage, StoredListError> {
        let row = |text: &str| text.parse().map_err(|_| StoredListError::UnknownCursor(text.to_owned()));
        let (filter, from) = (filter.clone(), after.map(row).transpose()?);
        let list = self.db.read(move |connection| match from {
            Some(seq) if !is_stored(connection, seq)? => Ok(None),
            _ => list(connection, &filter, order, from, limit).map(Some),
        });
        let unknown = || StoredListError::UnknownCursor(after.unwrap_or_default().to_owned());
        list.await.map_err(unreadable)?.ok_or_else(unknown)
    }

    async fn example(&self, event_type: &EventType) -> Result<Option<StoredEvent>, StoredListError> {
        let event_type = event_type.to_string();
        let newest = self.db.read(move |connection| {
            connection.prepare_cached(EXAMPLE)?.query_row([event_type], read).optional()
        });
        Ok(newest.await.map_err(unreadable)?)
    }
}

/// The newest event of a type among the newest 50,000. There is no index by type: it would cost at each write.
const EXAMPLE: &str = "SELECT event_id, source, type, body, accepted_at, stored_at, message_id FROM store
    WHERE type = ?1 AND seq > (SELECT max(seq) FROM store) - 50000 ORDER BY seq DESC LIMIT 1";

/// Whether an event is in this row. No row is ever deleted, so each row at which a page ended is there.
fn is_stored(connection: &Connection, seq: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM store WHERE seq = ?1)")?
        .query_row([seq], |row| row.get(0))
}

fn list(
    connection: &Connection,
    filter: &StoredEventFilter,
    order: StoredOrder,
    after: Option<i64>,
    limit: usize,
) -> rusqlite::Result<StoredEventPage> {
    let (direction, is_after) = match order {
        StoredOrder::NewestFirst => ("DESC", "seq < ?"),
        StoredOrder::OldestFirst => ("ASC", "seq > ?"),
    };
    let mut conditions = vec!["1"];
    let mut values: Vec<Value> = Vec::new();
    let mut and = |sql, value: Option<Value>| {
        if let Some(value) = value {
            conditions.push(sql);
            values.push(value);
        }
    };
    and("type = ?", filter.event_type.as_ref().map(|event_type| event_type.to_string().into()));
    and("source = ?", filter.source.as_ref().map(|source| source.to_string().into()));
    and("stored_at >= ?", filter.from.map(|from| millis(from).into()));
    and("stored_at < ?", filter.to.map(|to| millis(to).into()));
    and(is_after, after.map(Value::from));
    values.push(Value::from(i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)));
    let mut query = connection.prepare_cached(&format!(
        "SELECT event_id, source, type, body, accepted_at, stored_at, message_id, seq FROM store
         WHERE {} ORDER BY seq {direction} LIMIT ?",
        conditions.join(" AND ")
    ))?;
    let rows = query.query_map(params_from_iter(&values), |row| Ok((read(row)?, row.get::<_, i64>(7)?)))?;
    let mut rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|(_, seq)| seq.to_string());
    Ok(StoredEventPage { items: rows.into_iter().map(|(event, _)| event).collect(), next, charged: 0 })
}

fn read(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    Ok(StoredEvent {
        key: EventKey::new(text(row, 1)?, text(row, 0)?),
        event_type: EventType::new(text(row, 2)?),
        body: text(row, 3)?,
        accepted_at: from_millis(int(row, 4)?),
        stored_at: from_millis(int(row, 5)?),
        message_id: MessageId::new(text(row, 6)?),
    })
}
