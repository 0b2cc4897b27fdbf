//! Opens a data folder: which process owns it, its version, and its durability guarantees.

use super::schema::{ALARM_TABLES, TABLES, VERSION};
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use spillway_core::dead_letter::SearchWords;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a data folder can't be used. Each reads as one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process runs the pipeline on it.
    #[error("a pipeline is already running on {folder}: stop it, or choose another folder", folder = .0.display())]
    Running(PathBuf),
    /// Its tables are of another version.
    #[error(
        "{folder} was written by another version of Spillway (data version {found}, this one has {VERSION}): use that \
         version, or choose another folder",
        folder = .folder.display()
    )]
    Version {
        /// The folder.
        folder: PathBuf,
        /// Its version.
        found: i64,
    },
    /// There is no pipeline's data in it.
    #[error("{folder} has no Spillway data: start a pipeline on it first, or check the path", folder = .0.display())]
    Missing(PathBuf),
    /// The operating system or SQLite refused.
    #[error("can't use the data folder {folder}: {reason}", folder = .folder.display())]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
}

/// The database's file in a data folder.
pub const DATABASE: &str = "pipeline.db";

/// How connections treat the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A commit returns when the data is on disk.
    Full,
    /// A commit returns at once: for simulations, whose data can be generated again.
    None,
}

/// A data folder that may be opened.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// Held while a pipeline runs on the folder. The system releases it when the process ends, even after a crash.
    _lock: Option<File>,
}

impl DataFolder {
    /// Creates the folder if it is missing, and locks it for this process: one pipeline at a time.
    ///
    /// # Errors
    /// Another pipeline runs on it, its data is of another version, or it can't be written.
    pub fn own(path: &Path) -> Result<Self, OpenError> {
        let folder = Self::lock(path)?;
        folder.create_or_check().map_err(|error| match error {
            Check::Open(error) => error,
            Check::Sqlite(error) => {
                OpenError::Unusable { folder: path.to_owned(), reason: error.to_string() }
            }
        })?;
        Ok(folder)
    }

    /// Creates the folder if it is missing, and locks it for this process, with any content.
    ///
    /// # Errors
    /// Another pipeline runs on it, or it can't be written.
    pub fn lock(path: &Path) -> Result<Self, OpenError> {
        let unusable = |reason: String| OpenError::Unusable { folder: path.to_owned(), reason };
        std::fs::create_dir_all(path).map_err(|error| unusable(error.to_string()))?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("pipeline.lock"))
            .map_err(|error| unusable(error.to_string()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::Running(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(unusable(error.to_string())),
        }
        Ok(Self { path: path.to_owned(), _lock: Some(lock) })
    }

    /// Opens the folder of a pipeline that may be running in another process.
    ///
    /// # Errors
    /// There is no data in it, it is of another version, or it can't be read.
    pub fn attach(path: &Path) -> Result<Self, OpenError> {
        let folder = Self { path: path.to_owned(), _lock: None };
        if !folder.database().is_file() {
            return Err(OpenError::Missing(path.to_owned()));
        }
        folder.create_or_check().map_err(|error| match error {
            Check::Open(error) => error,
            Check::Sqlite(error) => {
                OpenError::Unusable { folder: path.to_owned(), reason: error.to_string() }
            }
        })?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    fn create_or_check(&self) -> Result<(), Check> {
        let mut connection = self.connect(Durability::Full)?;
        let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        match tx.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? {
            0 => {
                tx.execute_batch(TABLES)?;
                tx.pragma_update(None, "user_version", VERSION)?;
            }
            VERSION => {}
            found => {
                return Err(Check::Open(OpenError::Version { folder: self.path.clone(), found }));
            }
        }
        tx.execute_batch(ALARM_TABLES)?;
        tx.commit()?;
        Ok(())
    }

    /// A connection that may write.
    pub(super) fn connect(&self, durability: Durability) -> rusqlite::Result<Connection> {
        // One thread at a time uses a connection here, so SQLite does not have to lock.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(self.database(), flags)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        keep_plans(&connection)?;
        add_fold(&connection)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // FULL: the write-ahead log is synced at each commit, so that a 202 outlives a power cut.
        let synchronous = if durability == Durability::Full { "full" } else { "off" };
        connection.pragma_update(None, "synchronous", synchronous)?;
        // A log that grows to some 16 MiB before it is copied into the database: fewer pauses under load.
        connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
        // The temporary data of savepoints stays in memory.
        connection.pragma_update(None, "temp_store", "memory")?;
        // KiB. A simulation keeps its whole working set: its long transactions would spill to disk all the time.
        connection.pragma_update(
            None,
            "cache_size",
            if durability == Durability::Full { -16_000 } else { -400_000 },
        )?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    }

    /// A connection that only reads.
    pub(super) fn connect_reader(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(self.database(), flags)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        keep_plans(&connection)?;
        add_fold(&connection)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    }
}

/// Keeps the plans of prepared statements. Otherwise SQLite plans a range query again each time its bounds
/// are bound to other values. It hopes for statistics that these tables do not have. Every receive would pay
/// for that.
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(|_| ())
}

/// Adds the SQL function `fold`: a text without its letter case. SQLite's own `lower` knows only ASCII.
fn add_fold(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("fold", 1, flags, |context| {
        Ok(SearchWords::fold(context.get_raw(0).as_str()?))
    })
}

enum Check {
    Open(OpenError),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Check {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pipeline_at_a_time_but_others_may_attach() {
        let dir = tempfile::tempdir().unwrap();
        let owner = DataFolder::own(dir.path()).unwrap();
        let error = DataFolder::own(dir.path()).unwrap_err();
        assert!(error.to_string().starts_with("a pipeline is already running"), "{error}");
        DataFolder::attach(dir.path()).unwrap();
        drop(owner);
        DataFolder::own(dir.path()).unwrap();
    }

    #[test]
    fn another_version_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::own(dir.path()).unwrap();
        folder.connect(Durability::Full).unwrap().pragma_update(None, "user_version", 99).unwrap();
        drop(folder);
        let error = DataFolder::own(dir.path()).unwrap_err().to_string();
        assert!(error.contains("data version 99, this one has 1"), "{error}");
    }

    #[test]
    fn an_empty_folder_has_nothing_to_attach_to() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(DataFolder::attach(dir.path()), Err(OpenError::Missing(_))));
    }
}
