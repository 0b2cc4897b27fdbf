//! Group commit: writes that wait while one commit is under way share the next one.
//!
//! A commit costs one sync of the disk, some milliseconds, whether it carries one write or hundreds. A separate
//! thread takes all waiting work. It runs each piece inside a savepoint, so that a failed one does not undo the
//! others. It commits once, and only then answers all of them.

use super::folder::{BUSY_TIMEOUT, DataFolder, Durability};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

/// Most pieces of work in one commit.
const MAX_IN_A_COMMIT: usize = 1024;
/// Items in a part of a large piece of work: some tens of milliseconds.
const PART: usize = 500;
/// How long other writers get their turn after a part: as long as it took, within these bounds.
const SHORTEST_TURN: Duration = Duration::from_millis(20);
const LONGEST_TURN: Duration = Duration::from_millis(200);
/// Bytes. The write-ahead log is emptied when it is larger. Readers that overlap keep it from being reused by itself.
const LOG_LIMIT: u64 = 64 << 20;
/// How long emptying the log may wait for readers, and how long the next try waits if it was in vain.
const LOG_WAIT: Duration = Duration::from_millis(100);
const LOG_PAUSE: Duration = Duration::from_secs(2);
/// Readers' connections that are kept for the next reads. Each has some memory and files open.
const MOST_IDLE: usize = 8;
/// In a simulation: pieces of work in one transaction.
const SIMULATED_COMMIT: u32 = 20_000;
/// Bytes: the largest message, in the log and in the database.
const LEAST_FREE: u64 = 512 * 1024;
/// How long a failed write counts. On a disk that is almost full small writes succeed between large ones that fail.
const FAILURE_COUNTS: Duration = Duration::from_secs(60);

/// Why the database did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// The disk is full.
    #[error("the disk with the data folder is full")]
    Full,
    /// The files can't be written.
    #[error("the data folder is read-only: make it writable for this user")]
    ReadOnly,
    /// Another process holds the database for too long.
    #[error("the data folder is busy: another process holds it")]
    Busy,
    /// Anything else.
    #[error("the data folder can't be used: {0}")]
    Other(String),
}

impl DbError {
    /// Whether the same work may succeed later, although nobody changes anything.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Busy => true,
            Self::Full | Self::ReadOnly | Self::Other(_) => false,
        }
    }

    /// The error, if it is one of the disk and not one of the work.
    fn of_disk(error: &rusqlite::Error) -> Option<Self> {
        use rusqlite::ErrorCode::{CannotOpen, DiskFull, ReadOnly, SystemIoFailure};
        let code = error.sqlite_error_code()?;
        [DiskFull, ReadOnly, SystemIoFailure, CannotOpen].contains(&code).then(|| Self::from(error))
    }
}

impl From<&rusqlite::Error> for DbError {
    fn from(error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Other(error.to_string()),
        }
    }
}

/// The database: asynchronous outside, SQLite inside.
pub struct Db {
    path: PathBuf,
    mode: Mode,
}

enum Mode {
    Shared(Shared),
    /// A copy where nothing can be written.
    ReadOnly(Arc<Readers>),
    Simulated(Mutex<Simulated>),
}

/// Real time: a writer thread, and readers beside it.
struct Shared {
    jobs: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    readers: Arc<Readers>,
    disk: Arc<Disk>,
    /// Closed when the writer's thread has ended.
    writes: watch::Receiver<()>,
}

/// What the last writes say about the disk.
#[derive(Default)]
struct Disk(Mutex<Option<Failed>>);

struct Failed {
    error: DbError,
    at: Instant,
    /// Whether a later write succeeded.
    is_over: bool,
}

impl Disk {
    fn failed(&self, error: DbError) {
        *lock(&self.0) = Some(Failed { error, at: Instant::now(), is_over: false });
    }

    fn written(&self) {
        if let Some(failed) = &mut *lock(&self.0) {
            failed.is_over = true;
        }
    }

    fn trouble(&self) -> Option<DbError> {
        let last = lock(&self.0);
        let counts = |failed: &&Failed| !failed.is_over || failed.at.elapsed() < FAILURE_COUNTS;
        last.as_ref().filter(counts).map(|failed| failed.error.clone())
    }
}

struct Readers {
    folder: DataFolder,
    idle: Mutex<Vec<Connection>>,
}

/// Virtual time: everything on the caller's thread, on one connection, in long transactions.
struct Simulated {
    connection: Connection,
    since_commit: u32,
    _folder: DataFolder,
}

impl Db {
    /// Opens a folder for real work. One that can't be written is only read.
    pub fn open(folder: DataFolder) -> Result<Self, DbError> {
        Self::open_with(folder, LOG_LIMIT, LOG_PAUSE)
    }

    fn open_with(folder: DataFolder, log_limit: u64, log_pause: Duration) -> Result<Self, DbError> {
        let path = folder.path().to_owned();
        if !folder.can_be_written() {
            let readers = Arc::new(Readers { folder, idle: Mutex::default() });
            return Ok(Self { path, mode: Mode::ReadOnly(readers) });
        }
        let connection = folder.connect(Durability::Full).map_err(|error| DbError::from(&error))?;
        let (jobs, inbox) = mpsc::channel();
        let disk = Arc::<Disk>::default();
        let (alive, writes) = watch::channel(());
        let writer = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn({
                let disk = Arc::clone(&disk);
                move || {
                    // Dropped at the end of the thread, also if that is a panic.
                    let _alive = alive;
                    let mut log = WriteAheadLog::of(&connection, log_limit, log_pause);
                    write_all(&connection, &inbox, &disk, &mut log);
                }
            })
            .map_err(|error| DbError::Other(error.to_string()))?;
        let readers = Arc::new(Readers { folder, idle: Mutex::default() });
        Ok(Self {
            path,
            mode: Mode::Shared(Shared {
                jobs: Mutex::new(Some(jobs)),
                writer: Mutex::new(Some(writer)),
                readers,
                disk,
                writes,
            }),
        })
    }

    /// Opens a folder for a simulation: fast, and durable only once it is dropped.
    pub fn open_simulated(folder: DataFolder) -> Result<Self, DbError> {
        let open = || {
            let connection = folder.connect(Durability::None)?;
            connection.execute_batch("BEGIN IMMEDIATE")?;
            Ok(connection)
        };
        let connection = open().map_err(|error: rusqlite::Error| DbError::from(&error))?;
        Ok(Self {
            path: folder.path().to_owned(),
            mode: Mode::Simulated(Mutex::new(Simulated { connection, since_commit: 0, _folder: folder })),
        })
    }

    /// Does work that changes the database; all of it or nothing. It is durable when this returns.
    ///
    /// # Errors
    /// The work failed or could not be made durable; then nothing of it has happened.
    pub async fn write<T, F>(&self, work: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let shared = match &self.mode {
            Mode::Shared(shared) => shared,
            Mode::ReadOnly(_) => return Err(DbError::ReadOnly),
            Mode::Simulated(simulated) => return lock(simulated).write(work),
        };
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Work { work: Some(work), result: None, reply: Some(reply) });
        let sent = lock(&shared.jobs).as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        if !sent {
            return Err(closed());
        }
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Does work on many items, some hundreds at a time, each part in its own transaction. After each part, other writers of
    /// this and of other processes get their turn: a pipeline beside it goes on accepting events.
    ///
    /// Returns the results of the parts that were done, and the error that kept the others from being done.
    pub async fn write_in_parts<I, T, F>(&self, items: &[I], work: F) -> (Vec<T>, Option<DbError>)
    where
        I: Clone + Send + 'static,
        T: Send + 'static,
        F: Fn(&Connection, &[I]) -> rusqlite::Result<T> + Clone + Send + 'static,
    {
        let mut done = Vec::new();
        let mut parts = items.chunks(PART).peekable();
        while let Some(part) = parts.next() {
            let (part, work, began) = (part.to_vec(), work.clone(), Instant::now());
            match self.write(move |connection| work(connection, &part)).await {
                Ok(result) => done.push(result),
                Err(error) => return (done, Some(error)),
            }
            if parts.peek().is_some() && matches!(self.mode, Mode::Shared(_)) {
                // A process that waits for the lock asks for it up to every 100 ms.
                tokio::time::sleep(began.elapsed().clamp(SHORTEST_TURN, LONGEST_TURN)).await;
            }
        }
        (done, None)
    }

    /// Does work that only reads, on one consistent state of the database.
    ///
    /// # Errors
    /// The work failed.
    pub async fn read<T, F>(&self, work: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        match &self.mode {
            Mode::Shared(Shared { readers, .. }) | Mode::ReadOnly(readers) => {
                let readers = Arc::clone(readers);
                tokio::task::spawn_blocking(move || readers.read(work))
                    .await
                    .unwrap_or_else(|error| Err(DbError::Other(error.to_string())))
            }
            Mode::Simulated(simulated) => {
                work(&lock(simulated).connection).map_err(|error| DbError::from(&error))
            }
        }
    }
}

impl Db {
    /// The data folder.
    pub fn folder(&self) -> &Path {
        &self.path
    }

    /// Resolves when nothing can be written any more, because the writer's thread has ended. Of a copy that is only read, and
    /// in a simulation, there is no such thread.
    pub(crate) async fn writer_ended(&self) {
        match &self.mode {
            Mode::Shared(shared) => while shared.writes.clone().changed().await.is_ok() {},
            Mode::ReadOnly(_) | Mode::Simulated(_) => std::future::pending().await,
        }
    }

    /// Why the disk takes no data at the moment: the last writes of this process failed, or there is no room left for
    /// anybody's, or nothing can be written.
    pub fn trouble(&self) -> Option<DbError> {
        match &self.mode {
            Mode::Shared(shared) => {
                shared.disk.trouble().or_else(|| has_no_room(&self.path).then_some(DbError::Full))
            }
            Mode::ReadOnly(_) => Some(DbError::ReadOnly),
            Mode::Simulated(_) => None,
        }
    }
}

impl Drop for Db {
    /// Lets the writer finish what is waiting; a simulation commits.
    fn drop(&mut self) {
        match &self.mode {
            Mode::Shared(shared) => {
                // Close the readers first. Only a connection that may write can move the log into the
                // database, as the last one to close. Then the folder of a stopped pipeline is complete with
                // its one file.
                lock(&shared.readers.idle).clear();
                lock(&shared.jobs).take();
                if let Some(writer) = lock(&shared.writer).take() {
                    let _ = writer.join();
                }
            }
            Mode::ReadOnly(_) => {}
            Mode::Simulated(simulated) => {
                let _ = lock(simulated).connection.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE);");
            }
        }
    }
}

impl Readers {
    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, DbError> {
        let idle = lock(&self.idle).pop();
        let run = || {
            let connection = idle.map_or_else(|| self.folder.connect_reader(), Ok)?;
            connection.execute_batch("BEGIN")?;
            let result = work(&connection);
            connection.execute_batch("COMMIT")?;
            let mut idle = lock(&self.idle);
            if idle.len() < MOST_IDLE {
                idle.push(connection);
            }
            result
        };
        run().map_err(|error| DbError::from(&error))
    }
}

impl Simulated {
    fn write<T>(&mut self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, DbError> {
        let result = in_savepoint(&self.connection, work);
        self.since_commit += 1;
        if self.since_commit >= SIMULATED_COMMIT {
            self.since_commit = 0;
            self.connection
                .execute_batch("COMMIT; BEGIN IMMEDIATE")
                .map_err(|error| DbError::from(&error))?;
        }
        result.map_err(|error| DbError::from(&error))
    }
}

fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.prepare_cached("SAVEPOINT work")?.execute([])?;
    let result = work(connection);
    if result.is_err() && !connection.is_autocommit() {
        connection.prepare_cached("ROLLBACK TO work")?.execute([])?;
    }
    if !connection.is_autocommit() {
        connection.prepare_cached("RELEASE work")?.execute([])?;
    }
    result
}

/// Whether less is free on a folder's disk than one event may need. If that can't be found out, there is room.
fn has_no_room(folder: &Path) -> bool {
    rustix::fs::statvfs(folder).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < LEAST_FREE)
}

/// A piece of work whose caller waits for the result.
trait Job: Send {
    /// Does the work inside the transaction. Returns an error of the disk.
    fn run(&mut self, connection: &Connection) -> Option<DbError>;
    /// Answers, once it is known whether the transaction was committed.
    fn answer(self: Box<Self>, commit: Result<(), DbError>);
}

struct Work<T, F> {
    work: Option<F>,
    result: Option<rusqlite::Result<T>>,
    reply: Option<oneshot::Sender<Result<T, DbError>>>,
}

impl<T: Send, F: FnOnce(&Connection) -> rusqlite::Result<T> + Send> Job for Work<T, F> {
    fn run(&mut self, connection: &Connection) -> Option<DbError> {
        let result = in_savepoint(connection, self.work.take()?);
        let error = result.as_ref().err().and_then(DbError::of_disk);
        self.result = Some(result);
        error
    }

    fn answer(mut self: Box<Self>, commit: Result<(), DbError>) {
        let answer = match (self.result.take(), commit) {
            (Some(Err(error)), _) => Err(DbError::from(&error)),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (_, Err(error)) => Err(error),
            (None, Ok(())) => Err(closed()),
        };
        if let Some(reply) = self.reply.take() {
            // The caller may have gone away; the work is still done.
            let _ = reply.send(answer);
        }
    }
}

fn write_all(
    connection: &Connection,
    inbox: &mpsc::Receiver<Box<dyn Job>>,
    disk: &Disk,
    log: &mut WriteAheadLog,
) {
    while let Ok(first) = inbox.recv() {
        let mut jobs = vec![first];
        jobs.extend(inbox.try_iter().take(MAX_IN_A_COMMIT - 1));
        let commit = commit(connection, &mut jobs, disk);
        for job in jobs {
            job.answer(commit.clone());
        }
        log.keep_small(connection);
    }
}

/// The write-ahead log of a database.
struct WriteAheadLog {
    path: Option<PathBuf>,
    limit: u64,
    pause: Duration,
    /// When it may be emptied again.
    not_before: Instant,
}

impl WriteAheadLog {
    fn of(connection: &Connection, limit: u64, pause: Duration) -> Self {
        let path = connection.path().map(|path| PathBuf::from(format!("{path}-wal")));
        Self { path, limit, pause, not_before: Instant::now() }
    }

    /// Empties the log if it is too large. Readers that hold it up delay that: it is tried again later.
    fn keep_small(&mut self, connection: &Connection) {
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

fn commit(connection: &Connection, jobs: &mut [Box<dyn Job>], disk: &Disk) -> Result<(), DbError> {
    let (before, mut failure) = (connection.total_changes(), None);
    let mut all = || -> rusqlite::Result<()> {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for job in jobs.iter_mut() {
            failure = job.run(connection).or(failure.take());
            // Some errors (a full disk) make SQLite roll the whole transaction back.
            if connection.is_autocommit() {
                return Err(rusqlite::Error::SqliteFailure(
                    rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL),
                    None,
                ));
            }
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    };
    let result = all();
    if result.is_err() && !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    match failure.or_else(|| result.as_ref().err().and_then(DbError::of_disk)) {
        Some(error) => disk.failed(error),
        // A transaction that changed nothing needed no room.
        None if result.is_ok() && connection.total_changes() > before => disk.written(),
        None => {}
    }
    result.map_err(|error| DbError::from(&error))
}

fn closed() -> DbError {
    DbError::Other("the pipeline has stopped".to_owned())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
