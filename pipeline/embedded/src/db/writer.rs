//! Group commit: writes that wait while one commit is under way share the next one.
//!
//! A commit costs one sync of the disk, some milliseconds, whether it carries one write or hundreds. A separate
//! thread takes all waiting work. It runs each piece inside a savepoint, so that a failed one does not undo the
//! others. It commits once, and only then answers all of them.

use super::DbError;
use super::commit::{Job, Work, in_savepoint, write_all};
use super::disk::{Disk, has_no_room};
use super::folder::{DataFolder, Durability};
use super::log::{LOG_LIMIT, LOG_PAUSE, WriteAheadLog};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Items in a part of a large piece of work: some tens of milliseconds.
const PART: usize = 500;
/// How long other writers get their turn after a part: as long as it took, within these bounds.
const SHORTEST_TURN: Duration = Duration::from_millis(20);
const LONGEST_TURN: Duration = Duration::from_millis(200);
/// Readers' connections that are kept for the next reads. Each has some memory and files open.
const MOST_IDLE: usize = 8;
/// In a simulation: pieces of work in one transaction.
const SIMULATED_COMMIT: u32 = 20_000;

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
        let (job, answer) = Work::new(work);
        let sent = lock(&shared.jobs).as_ref().is_some_and(|jobs| jobs.send(Box::new(job)).is_ok());
        if !sent {
            return Err(DbError::closed());
        }
        answer.await.unwrap_or_else(|_| Err(DbError::closed()))
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
