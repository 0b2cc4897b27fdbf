//! The write-ahead log is kept small.

use super::folder::BUSY_TIMEOUT;
use rusqlite::Connection;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::Instant;

/// Bytes. The write-ahead log is emptied when it is larger. Readers that overlap keep it from being reused by itself.
pub(super) const LOG_LIMIT: u64 = 64 << 20;
/// How long emptying the log may wait for readers, and how long the next try waits if it was in vain.
const LOG_WAIT: Duration = Duration::from_millis(100);
pub(super) const LOG_PAUSE: Duration = Duration::from_secs(2);

/// The write-ahead log of a database.
pub(super) struct WriteAheadLog {
    path: Option<PathBuf>,
    limit: u64,
    pause: Duration,
    /// When it may be emptied again.
    not_before: Instant,
}

impl WriteAheadLog {
    pub(super) fn of(connection: &Connection, limit: u64, pause: Duration) -> Self {
        let path = connection.path().map(|path| PathBuf::from(format!("{path}-wal")));
        Self { path, limit, pause, not_before: Instant::now() }
    }

    /// Empties the log if it is too large. Readers that hold it up delay that: it is tried again later.
    pub(super) fn keep_small(&mut self, connection: &Connection) {
        let size = || std::fs::metadata(self.path.as_ref()?).ok().map(|log| log.len());
        if size().is_none_or(|size| size <= self.limit) || Instant::now() < self.not_before {
            return;
        }
        let empty = || -> rusqlite::Result<bool> {
            connection.busy_timeout(LOG_WAIT)?;
            let emptied =
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
            connection.busy_timeout(BUSY_TIMEOUT)?;
            Ok(emptied? == 0)
        };
        if !empty().unwrap_or(false) {
            self.not_before = Instant::now() + self.pause;
        }
    }
}
