//! The thread that writes: it does all work that waits in one transaction, commits once, and only then answers.

use super::DbError;
use super::disk::Disk;
use super::log::WriteAheadLog;
use rusqlite::Connection;
use std::sync::mpsc;
use tokio::sync::oneshot;

/// Most pieces of work in one commit.
const MAX_IN_A_COMMIT: usize = 1024;

/// A piece of work whose caller waits for the result.
pub(super) trait Job: Send {
    /// Does the work inside the transaction. Returns an error of the disk.
    fn run(&mut self, connection: &Connection) -> Option<DbError>;
    /// Answers, once it is known whether the transaction was committed.
    fn answer(self: Box<Self>, commit: Result<(), DbError>);
}

/// Work for the writer's thread.
pub(super) struct Work<T, F> {
    work: Option<F>,
    result: Option<rusqlite::Result<T>>,
    reply: Option<oneshot::Sender<Result<T, DbError>>>,
}

impl<T, F> Work<T, F> {
    /// Work, and where its result is awaited.
    pub(super) fn new(work: F) -> (Self, oneshot::Receiver<Result<T, DbError>>) {
        let (reply, answer) = oneshot::channel();
        (Self { work: Some(work), result: None, reply: Some(reply) }, answer)
    }
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
            (None, Ok(())) => Err(DbError::closed()),
        };
        if let Some(reply) = self.reply.take() {
            // The caller may have gone away; the work is still done.
            let _ = reply.send(answer);
        }
    }
}

/// Writes until nobody can send work any more.
pub(super) fn write_all(
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

/// Does work that leaves nothing behind if it fails.
pub(super) fn in_savepoint<T>(
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
