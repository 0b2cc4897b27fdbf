//! The file: its schema, and the two functions that SQLite lacks for histograms.

use super::histogram::Histogram;
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// Name of the file in the data folder.
pub const FILE_NAME: &str = "telemetry.db";

/// Version of the schema, in SQLite's `user_version`.
const VERSION: i32 = 1;

/// How long a statement waits for another process to release the file.
const BUSY_TIMEOUT: Duration = Duration::from_millis(500);

const SCHEMA: &str = "
CREATE TABLE metric (
    id INTEGER PRIMARY KEY,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    dimensions TEXT NOT NULL,  -- JSON: [[name, value], …]
    unit TEXT NOT NULL,
    UNIQUE (namespace, name, dimensions)
);
CREATE TABLE datapoint (
    metric INTEGER NOT NULL,
    period INTEGER NOT NULL,   -- 5, 60, 300 or 3600 s
    start INTEGER NOT NULL,    -- Unix seconds, a multiple of the period
    sum REAL NOT NULL,
    count INTEGER NOT NULL,
    minimum REAL NOT NULL,
    maximum REAL NOT NULL,
    histogram BLOB,
    PRIMARY KEY (metric, period, start)
) WITHOUT ROWID;
-- Datapoints of a period are complete before `until`; from there on they must be computed from shorter ones.
CREATE TABLE rollup (period INTEGER PRIMARY KEY, until INTEGER NOT NULL);
CREATE TABLE segment (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    trace_id TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    flags INTEGER NOT NULL,    -- 1 fault, 2 error, 4 throttle
    document TEXT NOT NULL     -- X-Ray's segment document
);
CREATE INDEX segment_by_trace ON segment (trace_id);
CREATE INDEX segment_by_time ON segment (start_ms);
CREATE TABLE segment_event (
    event_id TEXT NOT NULL,
    segment INTEGER NOT NULL,
    PRIMARY KEY (event_id, segment)
) WITHOUT ROWID;
";

/// Why the file can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    /// SQLite's answer.
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// Another version of this program wrote it.
    #[error(
        "it has version {found} and this program knows version {VERSION}; move it away to start a new one, \
         the events are in another file"
    )]
    Version {
        /// Its version.
        found: i32,
    },
}

/// Opens the file for writing, and makes it if there is none. `durable` is for real time: after a crash of the whole
/// machine the file is intact and lacks at most the last seconds. Otherwise nothing is promised.
pub(super) fn open_to_write(path: &Path, durable: bool) -> Result<Connection, FileError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let found: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found != 0 && found != VERSION {
        return Err(FileError::Version { found });
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", if durable { "NORMAL" } else { "OFF" })?;
    connection.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    if found == 0 {
        let transaction = connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
    }
    add_functions(&connection)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Opens the file for reading, also while another process writes it. `None` if there is none yet.
pub(super) fn open_to_read(path: &Path) -> Result<Option<Connection>, FileError> {
    if !path.exists() {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let found: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match found {
        // It was created a moment ago, and its first transaction has not ended.
        0 => Ok(None),
        VERSION => Ok(Some(connection)),
        found => Err(FileError::Version { found }),
    }
}

fn add_functions(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("merge_histograms", 2, flags, |context| {
        let mut merged = None;
        for position in 0..2 {
            merge(context, position, &mut merged)?;
        }
        Ok(merged.map(|histogram| histogram.encode()))
    })?;
    connection.create_aggregate_function("merged_histogram", 1, flags, MergedHistogram)
}

struct MergedHistogram;

impl Aggregate<Option<Histogram>, Option<Vec<u8>>> for MergedHistogram {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Option<Histogram>> {
        Ok(None)
    }

    fn step(&self, context: &mut Context<'_>, merged: &mut Option<Histogram>) -> rusqlite::Result<()> {
        merge(context, 0, merged)
    }

    fn finalize(
        &self,
        _: &mut Context<'_>,
        merged: Option<Option<Histogram>>,
    ) -> rusqlite::Result<Option<Vec<u8>>> {
        Ok(merged.flatten().map(|histogram| histogram.encode()))
    }
}

fn merge(context: &Context<'_>, position: usize, merged: &mut Option<Histogram>) -> rusqlite::Result<()> {
    if let Some(bytes) = context.get_raw(position).as_blob_or_null()? {
        merged.get_or_insert_default().merge_encoded(bytes);
    }
    Ok(())
}
