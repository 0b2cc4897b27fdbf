//! Reads the file, in this process or in another one, also while it is written.

use super::file::{self, FILE_NAME, FileError};
use super::memory::{Memory, Waiting};
use super::retention;
use super::slots::{MINUTE, SHORT};
use super::statistics::StatisticSet;
use super::writer::dimensions_json;
use crate::db::text;
use rusqlite::{Connection, OptionalExtension, Row, params};
use spillway_core::Timestamp;
use spillway_metrics::retention::floor;
use spillway_metrics::{MetricId, MetricQuery, Statistic};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Connections that are kept open for the next reads.
const IDLE_CONNECTIONS: usize = 4;

/// Why telemetry can't be read.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryReadError {
    /// The file can't be opened or read.
    #[error("{path} can't be read: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The range or the period is invalid.
    #[error(
        "a period of {period_s} s for a range of {range_s} s: the period must be 5 s or a multiple of 60 s, and the range must not end before it begins"
    )]
    Range {
        /// The period.
        period_s: u32,
        /// The length of the range.
        range_s: i64,
    },
}

/// Reads measurements and traces from a data folder's `telemetry.db`.
///
/// All its functions block for as long as SQLite takes: a few milliseconds for a page of charts. A folder without that
/// file is one where nothing was recorded yet. In the process that records, [`super::Recorder::reader`] makes one that also
/// reads the measurements that are not in the file yet.
pub struct TelemetryReader {
    path: PathBuf,
    /// The memory of this process's recorder.
    memory: Option<Arc<Memory>>,
    idle: Mutex<Vec<Connection>>,
}

impl TelemetryReader {
    /// A reader of that data folder. Nothing is opened yet.
    pub fn new(data_folder: &Path) -> Self {
        Self { path: data_folder.join(FILE_NAME), memory: None, idle: Mutex::default() }
    }

    /// A reader of that data folder, and of that memory.
    pub(super) fn beside(data_folder: &Path, memory: Arc<Memory>) -> Self {
        Self { memory: Some(memory), ..Self::new(data_folder) }
    }

    /// For each query a value for each period from `from` (rounded down to the period) until `to` (rounded up); `None`
    /// where there were no measurements. All answers show the same moment. In periods of five seconds it has the metrics that a
    /// verdict is made of, for some minutes ([`RECENT`](spillway_metrics::retention::RECENT)).
    ///
    /// # Errors
    /// [`TelemetryReadError`] if the file can't be read, or the range is invalid.
    pub fn query(
        &self,
        queries: &[MetricQuery],
        from: Timestamp,
        to: Timestamp,
        period_s: u32,
    ) -> Result<Vec<Vec<Option<f64>>>, TelemetryReadError> {
        let grid = Grid::new(from, to, period_s)?;
        let by_metric = by_metric(queries);
        // Held while the file is read: meanwhile nothing moves from memory into it.
        let waiting = self.memory.as_ref().map(|memory| (memory, memory.read()));
        let sets = self.with(|connection| {
            let read = |(metric, positions): (&&MetricId, &Vec<usize>)| {
                let percentiles = positions
                    .iter()
                    .any(|position| matches!(queries[*position].statistic, Statistic::Percentile(_)));
                read_sets(connection, metric, grid, percentiles)
            };
            by_metric.iter().map(read).collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let mut sets = sets.unwrap_or_else(|| vec![vec![None; grid.len]; by_metric.len()]);
        let mut answers = vec![Vec::new(); queries.len()];
        for ((metric, positions), sets) in by_metric.iter().zip(&mut sets) {
            if let Some((memory, waiting)) = &waiting {
                add_waiting(sets, grid, memory, waiting, metric);
            }
            for position in positions {
                let statistic = queries[*position].statistic;
                answers[*position] = sets.iter().map(|set| set.as_ref()?.value(statistic)).collect();
            }
        }
        Ok(answers)
    }

    /// The measurements of one metric in each period, from `from` (rounded down to the period) until `to` (rounded up);
    /// `None` where there were none.
    ///
    /// # Errors
    /// [`TelemetryReadError`] if the file can't be read, or the range is invalid.
    pub fn sets(
        &self,
        metric: &MetricId,
        from: Timestamp,
        to: Timestamp,
        period_s: u32,
    ) -> Result<Vec<Option<StatisticSet>>, TelemetryReadError> {
        let grid = Grid::new(from, to, period_s)?;
        let waiting = self.memory.as_ref().map(|memory| (memory, memory.read()));
        let sets = self.with(|connection| read_sets(connection, metric, grid, true))?;
        let mut sets = sets.unwrap_or_else(|| vec![None; grid.len]);
        if let Some((memory, waiting)) = &waiting {
            add_waiting(&mut sets, grid, memory, waiting, metric);
        }
        Ok(sets)
    }

    /// Every metric that was ever recorded.
    pub fn metrics(&self) -> Result<Vec<MetricId>, TelemetryReadError> {
        let metrics = self.with(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT namespace, name, dimensions FROM metric ORDER BY 1, 2, 3")?;
            let rows = statement.query_map([], |row| Ok((text(row, 0)?, text(row, 1)?, text(row, 2)?)))?;
            let mut metrics = Vec::new();
            for row in rows {
                let (namespace, name, dimensions) = row?;
                let dimensions = serde_json::from_str(&dimensions).unwrap_or_default();
                metrics.push(MetricId { namespace: namespace.into(), name: name.into(), dimensions });
            }
            Ok(metrics)
        })?;
        Ok(metrics.unwrap_or_default())
    }

    /// When the oldest datapoint that is kept begins; `None` if there is none.
    pub fn first_recorded(&self) -> Result<Option<Timestamp>, TelemetryReadError> {
        let first = self.with(|connection| {
            // One step into the index for each metric and period.
            let mut statement = connection.prepare_cached(
                "SELECT min((SELECT min(start) FROM datapoint WHERE metric = m.id AND period = p.period))
                 FROM metric m, (SELECT 60 AS period UNION SELECT 300 UNION SELECT 3600) p",
            )?;
            statement.query_row([], |row| Ok(row.get_ref(0)?.as_i64_or_null().unwrap_or_default()))
        })?;
        Ok(first.flatten().and_then(|start| Timestamp::from_second(start).ok()))
    }

    /// When the newest minute with a measurement ends; `None` if nothing was recorded in the time for which minutes are kept.
    pub fn newest(&self) -> Result<Option<Timestamp>, TelemetryReadError> {
        let waiting = self.memory.as_ref().map(|memory| memory.read());
        let in_file = self.with(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT max((SELECT max(start) FROM datapoint WHERE metric = m.id AND period = 60)) FROM metric m",
            )?;
            statement.query_row([], |row| Ok(row.get_ref(0)?.as_i64_or_null().unwrap_or_default()))
        })?;
        let in_memory = waiting.and_then(|waiting| waiting.minutes.keys().map(|(_, minute)| *minute).max());
        let newest = in_file.flatten().max(in_memory);
        Ok(newest.and_then(|start| Timestamp::from_second(start.saturating_add(MINUTE)).ok()))
    }

    /// Works with a connection in one read transaction; `None` if there is no file yet.
    pub(super) fn with<R>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<R>,
    ) -> Result<Option<R>, TelemetryReadError> {
        let read = || -> Result<Option<R>, FileError> {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match idle {
                Some(connection) => Some(connection),
                None => file::open_to_read(&self.path)?,
            };
            let Some(mut connection) = connection else { return Ok(None) };
            let transaction = connection.transaction()?;
            let answer = work(&transaction)?;
            drop(transaction);
            // After an error the connection is not kept: a new one finds a file that has been replaced.
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < IDLE_CONNECTIONS {
                idle.push(connection);
            }
            Ok(Some(answer))
        };
        read()
            .map_err(|error| TelemetryReadError::File { path: self.path.clone(), reason: error.to_string() })
    }
}

/// Adds what is not in the file yet.
fn add_waiting(
    sets: &mut [Option<StatisticSet>],
    grid: Grid,
    memory: &Memory,
    waiting: &Waiting,
    metric: &MetricId,
) {
    memory.each(waiting, metric, grid.period, (grid.start, grid.end()), |start, set| {
        if let Some(place) = sets.get_mut(grid.position(start)) {
            place.get_or_insert_with(|| StatisticSet::empty(false)).merge(set);
        }
    });
}

/// Periods one after another.
#[derive(Clone, Copy)]
struct Grid {
    start: i64,
    period: i64,
    len: usize,
}

impl Grid {
    fn new(from: Timestamp, to: Timestamp, period_s: u32) -> Result<Self, TelemetryReadError> {
        let period = i64::from(period_s);
        let (from, to) = (from.as_second(), to.as_second() + i64::from(to.subsec_nanosecond() > 0));
        let is_known = period == SHORT || (period > 0 && period % MINUTE == 0);
        if !is_known || from > to {
            return Err(TelemetryReadError::Range { period_s, range_s: to - from });
        }
        let start = floor(from, period);
        let end = floor(to + period - 1, period);
        Ok(Self { start, period, len: usize::try_from((end - start) / period).unwrap_or(0) })
    }

    fn end(self) -> i64 {
        self.start + self.period * self.len as i64
    }

    /// The number of the period that has this second.
    fn position(self, second: i64) -> usize {
        usize::try_from((second - self.start) / self.period).unwrap_or(0)
    }
}

fn by_metric(queries: &[MetricQuery]) -> HashMap<&MetricId, Vec<usize>> {
    let mut positions: HashMap<&MetricId, Vec<usize>> = HashMap::new();
    for (position, query) in queries.iter().enumerate() {
        positions.entry(&query.metric).or_default().push(position);
    }
    positions
}

fn read_sets(
    connection: &Connection,
    metric: &MetricId,
    grid: Grid,
    percentiles: bool,
) -> rusqlite::Result<Vec<Option<StatisticSet>>> {
    let mut sets = vec![None; grid.len];
    let mut find = connection
        .prepare_cached("SELECT id FROM metric WHERE namespace = ?1 AND name = ?2 AND dimensions = ?3")?;
    let id: Option<i64> = find
        .query_row(params![metric.namespace, metric.name, dimensions_json(metric)], |row| row.get(0))
        .optional()?;
    let Some(id) = id else { return Ok(sets) };

    let mut select = connection.prepare_cached(
        "SELECT start, sum, count, minimum, maximum, CASE WHEN ?5 THEN histogram END FROM datapoint
         WHERE metric = ?1 AND period = ?2 AND start >= ?3 AND start < ?4",
    )?;
    for (source, from, to) in sources(connection, grid)? {
        let mut rows = select.query(params![id, source, from, to, percentiles])?;
        while let Some(row) = rows.next()? {
            // A datapoint that somebody changed to no number is a gap.
            let Ok(numbers) = numbers(row) else { continue };
            let Some(place) = sets.get_mut(grid.position(numbers.start)) else { continue };
            let set = place.get_or_insert_with(|| StatisticSet::empty(false));
            set.merge_numbers(numbers.sum, numbers.count, numbers.minimum, numbers.maximum);
            if let Ok(Some(bytes)) = row.get_ref(5)?.as_blob_or_null() {
                set.histogram.get_or_insert_default().merge_encoded(bytes);
            }
        }
    }
    Ok(sets)
}

struct Numbers {
    start: i64,
    sum: f64,
    count: u64,
    minimum: f64,
    maximum: f64,
}

fn numbers(row: &Row<'_>) -> rusqlite::Result<Numbers> {
    let (start, sum, count, minimum, maximum) =
        (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
    Ok(Numbers { start, sum, count, minimum, maximum })
}

/// Which datapoints to read for which range. The longest periods that fit into the grid's period come first,
/// as far as they are complete, then shorter ones.
fn sources(connection: &Connection, grid: Grid) -> rusqlite::Result<Vec<(i64, i64, i64)>> {
    if grid.period == SHORT {
        return Ok(vec![(SHORT, grid.start, grid.end())]);
    }
    let mut sources = Vec::new();
    let mut from = grid.start;
    for period in retention::longer_periods().filter(|period| grid.period % period == 0) {
        let until = retention::rolled_until(connection, period)?.unwrap_or(from).min(grid.end());
        if until > from {
            sources.push((period, from, until));
            from = until;
        }
    }
    if from < grid.end() {
        sources.push((MINUTE, from, grid.end()));
    }
    Ok(sources)
}
