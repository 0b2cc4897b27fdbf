//! Reads traces.

use super::reader::{TelemetryReadError, TelemetryReader};
use super::segments;
use crate::db::text;
use rusqlite::{Connection, params};
use spillway_core::Timestamp;
use spillway_core::trace::{Segment, TraceFilter};
use std::collections::HashSet;

/// Most segments of a trace that are read. X-Ray limits a trace's document to 500 KB, which is fewer.
const MAX_SEGMENTS: usize = 1_000;

/// Traces that match, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TraceHits {
    /// All segments of each, oldest first.
    pub traces: Vec<Vec<Segment>>,
    /// Whether there are more than requested.
    pub has_more: bool,
}

impl TelemetryReader {
    /// All segments of a trace, oldest first; empty if it is not known.
    pub fn trace(&self, id: &str) -> Result<Vec<Segment>, TelemetryReadError> {
        Ok(self.with(|connection| segments_of(connection, id))?.unwrap_or_default())
    }

    /// Traces with a segment that began from `from` on and before `to`, newest first, at most `limit`.
    pub fn traces(
        &self,
        from: Timestamp,
        to: Timestamp,
        filter: &TraceFilter,
        limit: usize,
    ) -> Result<TraceHits, TelemetryReadError> {
        let (from, to) = (from.as_millisecond(), to.as_millisecond());
        let hits = self.with(|connection| {
            let mut ids = find(connection, from, to, filter, limit.saturating_add(1))?;
            let has_more = ids.len() > limit;
            ids.truncate(limit);
            let traces = ids.iter().map(|id| segments_of(connection, id)).collect::<Result<_, _>>()?;
            Ok(TraceHits { traces, has_more })
        })?;
        Ok(hits.unwrap_or_default())
    }
}

fn find(
    connection: &Connection,
    from: i64,
    to: i64,
    filter: &TraceFilter,
    limit: usize,
) -> rusqlite::Result<Vec<String>> {
    let flags = if filter.failed { segments::FAULT | segments::ERROR | segments::THROTTLE } else { 0 };
    let by_event = "SELECT trace_id FROM segment
         WHERE id IN (SELECT segment FROM segment_event WHERE event_id = ?5)
           AND start_ms >= ?1 AND start_ms < ?2 AND (?3 = 0 OR flags & ?3) AND duration_ms >= ?4
         ORDER BY start_ms DESC";
    let by_time = "SELECT trace_id FROM segment
         WHERE start_ms >= ?1 AND start_ms < ?2 AND (?3 = 0 OR flags & ?3) AND duration_ms >= ?4 AND ?5 IS NULL
         ORDER BY start_ms DESC";
    let sql = if filter.event_id.is_some() { by_event } else { by_time };
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![from, to, flags, filter.at_least_ms, filter.event_id])?;
    let mut seen = HashSet::new();
    let mut ids = Vec::new();
    // Rows come from the index one by one: as soon as there are enough traces, no more are read.
    while ids.len() < limit
        && let Some(row) = rows.next()?
    {
        let id = text(row, 0)?;
        if seen.insert(id.clone()) {
            ids.push(id);
        }
    }
    Ok(ids)
}

fn segments_of(connection: &Connection, id: &str) -> rusqlite::Result<Vec<Segment>> {
    let mut statement = connection
        .prepare_cached("SELECT document FROM segment WHERE trace_id = ?1 ORDER BY start_ms, id LIMIT ?2")?;
    let rows = statement.query_map(params![id, MAX_SEGMENTS], |row| text(row, 0))?;
    let mut segments = Vec::new();
    for document in rows {
        // A segment that another program wrote must not hide the rest.
        segments.extend(serde_json::from_str::<Segment>(&document?).ok());
    }
    Ok(segments)
}
