//! What is known about the disk with the data folder.

use super::DbError;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Bytes: the largest message, in the log and in the database.
const LEAST_FREE: u64 = 512 * 1024;
/// How long a failed write counts. On a disk that is almost full small writes succeed between large ones that fail.
const FAILURE_COUNTS: Duration = Duration::from_secs(60);

/// What the last writes say about the disk.
#[derive(Default)]
pub(super) struct Disk(Mutex<Option<Failed>>);

struct Failed {
    error: DbError,
    at: Instant,
    /// Whether a later write succeeded.
    is_over: bool,
}

impl Disk {
    fn last(&self) -> MutexGuard<'_, Option<Failed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A write failed because of the disk.
    pub(super) fn failed(&self, error: DbError) {
        *self.last() = Some(Failed { error, at: Instant::now(), is_over: false });
    }

    /// A write needed room and got it.
    pub(super) fn written(&self) {
        if let Some(failed) = &mut *self.last() {
            failed.is_over = true;
        }
    }

    /// Why the disk takes no data at the moment.
    pub(super) fn trouble(&self) -> Option<DbError> {
        let last = self.last();
        let counts = |failed: &&Failed| !failed.is_over || failed.at.elapsed() < FAILURE_COUNTS;
        last.as_ref().filter(counts).map(|failed| failed.error.clone())
    }
}

/// Whether less is free on a folder's disk than one event may need. If that can't be found out, there is room.
pub(super) fn has_no_room(folder: &Path) -> bool {
    rustix::fs::statvfs(folder).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < LEAST_FREE)
}
