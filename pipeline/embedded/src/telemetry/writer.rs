//! Writes what was recorded, and keeps it in memory for a while when the file can't be written.

use super::file::{self, FileError};
use super::memory::{Datapoints, Memory, Waiting};
use super::retention;
use super::segments::{self, MAX_WAITING};
use super::slots::{MINUTE, SHORT, Slot};
use rusqlite::{Connection, params};
use spillway_core::metric::{MetricId, Unit};
use spillway_core::trace::Segment;
use spillway_metrics::retention::RECENT;
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

/// Most datapoints that wait for a file that can't be written: 70 metrics for about five hours.
pub(super) const MAX_DATAPOINTS_WAITING: usize = 20_000;
/// Seconds between two tries to write a file that can't be written.
const RETRY_AFTER: i64 = 5;
/// Seconds between two rollups.
const ROLL_UP_EVERY: i64 = 300;
/// Seconds between two passes of retention.
const DELETE_EVERY: i64 = 3_600;

/// What was lost for lack of room.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Dropped {
    pub(super) measurements: u64,
    pub(super) segments: u64,
}

/// The writing side of the file.
pub(super) struct Writer {
    path: PathBuf,
    durable: bool,
    open: Option<Open>,
    memory: Arc<Memory>,
    segments: VecDeque<Segment>,
    not_before: Option<i64>,
    error: Option<String>,
    rolled_up_at: Option<i64>,
    deleted_at: Option<i64>,
    /// The clock was set to this second, and the file is not adapted yet.
    set_to: Option<i64>,
    /// Most pages that the file may have: a full disk, for tests.
    #[cfg(test)]
    pub(super) page_limit: Option<u32>,
}

struct Open {
    connection: Connection,
    /// Ids of metrics by their slots' numbers.
    ids: HashMap<usize, i64>,
    /// Whether the last write failed: a new connection finds a file that has been replaced.
    failed: bool,
}

impl Writer {
    pub(super) fn new(path: PathBuf, durable: bool, memory: Arc<Memory>) -> Self {
        Self {
            path,
            durable,
            open: None,
            memory,
            segments: VecDeque::new(),
            not_before: None,
            error: None,
            rolled_up_at: None,
            deleted_at: None,
            set_to: None,
            #[cfg(test)]
            page_limit: None,
        }
    }

    /// Takes over what was recorded. Data beyond the memory limit is dropped, oldest first.
    pub(super) fn take_over(
        &mut self,
        slots: &[Arc<Slot>],
        segments: VecDeque<Segment>,
        now: i64,
    ) -> Dropped {
        let mut dropped = Dropped::default();
        let mut waiting = self.memory.write();
        let Waiting { minutes, recent } = &mut *waiting;
        for (number, slot) in slots.iter().enumerate() {
            let taken = slot.take();
            for (minute, set) in taken.minutes {
                if minute < now - retention::OLDEST_ACCEPTED {
                    dropped.measurements += set.count;
                    continue;
                }
                minutes.entry((number, minute)).and_modify(|kept| kept.merge(&set)).or_insert(set);
            }
            for (start, set) in taken.recent {
                recent.entry((number, start)).and_modify(|kept| kept.merge(&set)).or_insert(set);
            }
        }
        // Nobody reads older ones, and their measurements are in the minutes.
        recent.retain(|(_, start), _| *start >= now - RECENT.seconds);
        if minutes.len() > MAX_DATAPOINTS_WAITING {
            dropped.measurements += drop_oldest(minutes);
        }
        drop(waiting);
        self.segments.extend(segments);
        let excess = self.segments.len().saturating_sub(MAX_WAITING);
        self.segments.drain(..excess);
        dropped.segments += excess as u64;
        dropped
    }

    /// Whether the number of waiting segments is so high that they should be written now.
    pub(super) fn is_pressed(&self) -> bool {
        self.segments.len() > MAX_WAITING / 4
    }

    /// Lets the next write happen even if the last one failed a moment ago.
    pub(super) fn retry_now(&mut self) {
        self.not_before = None;
    }

    /// Adapts to a clock that was set: the file follows when it is written next. Nothing is deleted for its age for an hour,
    /// in case that the clock is wrong now and will be set again.
    pub(super) fn clock_was_set(&mut self, now: i64) {
        let mut waiting = self.memory.write();
        waiting.minutes.retain(|(_, minute), _| *minute <= now);
        waiting.recent.retain(|(_, start), _| *start <= now);
        drop(waiting);
        self.set_to = Some(now);
        (self.not_before, self.rolled_up_at, self.deleted_at) = (None, None, Some(now));
    }

    /// Why the file can't be written, if so.
    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Writes all that waits. When that fails, the data is kept; the next try is a few seconds later.
    pub(super) fn write(&mut self, slots: &[Arc<Slot>], now: i64) {
        // A clock that was set back must not stop writing for longer than a try takes.
        if self.not_before.is_some_and(|time| now < time && time - now <= RETRY_AFTER) {
            return;
        }
        match self.try_write(slots, now) {
            Ok(()) => {
                if self.error.take().is_some() {
                    tracing::info!(path = %self.path.display(), "telemetry is written again");
                }
                self.not_before = None;
            }
            Err(error) => {
                if self.error.is_none() {
                    tracing::warn!(
                        path = %self.path.display(),
                        error = %error,
                        "telemetry can't be written; the pipeline continues without it, and writing is retried"
                    );
                }
                self.error = Some(error.to_string());
                self.not_before = Some(now + RETRY_AFTER);
                if let Some(open) = &mut self.open {
                    open.failed = true;
                }
            }
        }
    }

    fn try_write(&mut self, slots: &[Arc<Slot>], now: i64) -> Result<(), FileError> {
        if self.open.as_ref().is_none_or(|open| open.failed) {
            // The old connection is closed after the new one is open: the last one to close would remove files that a full
            // disk has no room for again, and without them nothing can be read.
            let connection = file::open_to_write(&self.path, self.durable)?;
            #[cfg(test)]
            if let Some(pages) = self.page_limit {
                connection.pragma_update(None, "max_page_count", pages)?;
            }
            self.open = Some(Open { connection, ids: HashMap::new(), failed: false });
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        if let Some(set_to) = self.set_to {
            retention::forget_after(&mut open.connection, set_to)?;
            self.set_to = None;
        }
        let mut waiting = self.memory.write();
        open.write_all(slots, &waiting, &self.segments)?;
        *waiting = Waiting::default();
        drop(waiting);
        self.segments.clear();

        let is_due = |last: Option<i64>, every| last.is_none_or(|last| (now - last).abs() >= every);
        if is_due(self.rolled_up_at, ROLL_UP_EVERY) {
            retention::roll_up(&mut open.connection, now)?;
            self.rolled_up_at = Some(now);
        }
        if is_due(self.deleted_at, DELETE_EVERY) {
            retention::delete_old(&mut open.connection, now)?;
            self.deleted_at = Some(now);
        }
        Ok(())
    }
}

/// Drops the older half, so that this is seldom needed. Returns the number of measurements in it.
fn drop_oldest(datapoints: &mut Datapoints) -> u64 {
    let mut minutes: Vec<i64> = datapoints.keys().map(|(_, minute)| *minute).collect();
    minutes.sort_unstable();
    let keep_from = minutes[minutes.len() / 2];
    let mut dropped = 0;
    datapoints.retain(|(_, minute), set| {
        let keep = *minute >= keep_from;
        dropped += if keep { 0 } else { set.count };
        keep
    });
    dropped
}

impl Open {
    fn write_all(
        &mut self,
        slots: &[Arc<Slot>],
        Waiting { minutes, recent }: &Waiting,
        segments: &VecDeque<Segment>,
    ) -> Result<(), FileError> {
        if minutes.is_empty() && segments.is_empty() {
            return Ok(());
        }
        // If the transaction fails, the ids are dropped with the connection.
        let transaction = self.connection.transaction()?;
        write_datapoints(&transaction, slots, (MINUTE, minutes), &mut self.ids)?;
        write_datapoints(&transaction, slots, (SHORT, recent), &mut self.ids)?;
        if let Some(oldest) = minutes.keys().map(|(_, minute)| *minute).min() {
            retention::note_written(&transaction, oldest)?;
        }
        write_segments(&transaction, segments)?;
        transaction.commit()?;
        Ok(())
    }
}

fn write_datapoints(
    connection: &Connection,
    slots: &[Arc<Slot>],
    (period, datapoints): (i64, &Datapoints),
    ids: &mut HashMap<usize, i64>,
) -> Result<(), FileError> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO datapoint (metric, period, start, sum, count, minimum, maximum, histogram)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (metric, period, start) DO UPDATE SET
             sum = sum + excluded.sum,
             count = count + excluded.count,
             minimum = min(minimum, excluded.minimum),
             maximum = max(maximum, excluded.maximum),
             histogram = merge_histograms(histogram, excluded.histogram)",
    )?;
    for ((number, start), set) in datapoints {
        let id = match ids.get(number) {
            Some(id) => *id,
            None => {
                let id = metric_id(connection, &slots[*number])?;
                ids.insert(*number, id);
                id
            }
        };
        let histogram = set.histogram.as_ref().map(|histogram| histogram.encode());
        let count = i64::try_from(set.count).unwrap_or(i64::MAX);
        upsert.execute(params![id, period, start, set.sum, count, set.minimum, set.maximum, histogram])?;
    }
    Ok(())
}

fn metric_id(connection: &Connection, slot: &Slot) -> Result<i64, FileError> {
    let MetricId { namespace, name, .. } = &slot.metric;
    let (dimensions, unit) = (dimensions_json(&slot.metric), unit_name(slot.unit));
    // The update changes nothing; without it there would be no row to return.
    let mut statement = connection.prepare_cached(
        "INSERT INTO metric (namespace, name, dimensions, unit) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (namespace, name, dimensions) DO UPDATE SET unit = excluded.unit RETURNING id",
    )?;
    Ok(statement.query_row(params![namespace, name, dimensions, unit], |row| row.get(0))?)
}

/// How a metric's dimensions are written in the file.
pub(super) fn dimensions_json(metric: &MetricId) -> String {
    serde_json::json!(metric.dimensions).to_string()
}

fn unit_name(unit: Unit) -> String {
    serde_json::json!(unit).as_str().unwrap_or_default().to_owned()
}

fn write_segments(connection: &Connection, segments: &VecDeque<Segment>) -> Result<(), FileError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO segment (trace_id, start_ms, duration_ms, flags, document) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let mut insert_event =
        connection.prepare_cached("INSERT INTO segment_event (event_id, segment) VALUES (?1, ?2)")?;
    for segment in segments {
        // A segment is plain data with text for keys, which always has a JSON form.
        let Ok(document) = serde_json::to_string(segment) else { continue };
        let start = milliseconds(segment.start_time);
        let duration = milliseconds(segment.end_time - segment.start_time);
        insert.execute(params![segment.trace_id, start, duration, segments::flags(segment), document])?;
        let id = connection.last_insert_rowid();
        for event in segments::event_ids(segment) {
            insert_event.execute(params![event, id])?;
        }
    }
    Ok(())
}

fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1e3).round() as i64
}
