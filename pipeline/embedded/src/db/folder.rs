//! Opens a data folder: which process owns it, its version, and its durability guarantees.

use super::DbError;
use super::schema::{ADDITIONS, ALARM_TABLES, NEWEST, TABLES, VERSION};
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};
use spillway_core::dead_letter::SearchWords;
use std::cell::RefCell;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
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
    /// It belongs to another user, who could read and change the events.
    #[error("{folder} belongs to another user: choose a folder of your own", folder = .0.display())]
    Foreign(PathBuf),
    /// Other users can write into it.
    #[error(
        "other users can write into {folder}: run `chmod go-w {folder}`, or choose another folder",
        folder = .0.display()
    )]
    Exposed(PathBuf),
    /// Its database is another program's.
    #[error(
        "{folder} has a database of another program, which was not changed: choose another folder",
        folder = .0.display()
    )]
    NotOurs(PathBuf),
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

impl OpenError {
    /// The database in a folder does not work.
    pub(crate) fn unusable(folder: &Path, error: DbError) -> Self {
        let reason = match error {
            // Its own text says what the text of this error says.
            DbError::Other(reason) => reason,
            error => error.to_string(),
        };
        Self::Unusable { folder: folder.to_owned(), reason }
    }
}

/// `O_NOFOLLOW`: opening a link fails.
const NO_FOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();

/// How long a connection waits for a lock.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The database's file in a data folder.
pub const DATABASE: &str = "pipeline.db";

/// The file in a data folder that a running pipeline locks.
const LOCK: &str = "pipeline.lock";

/// How connections treat the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A commit returns when the data is on disk.
    Full,
    /// A commit returns at once: for simulations, whose data can be generated again.
    None,
}

/// How readers open the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Beside a writer, whose log they share.
    Shared,
    /// As a file that nobody changes: a copy where nothing can be written, as on a read-only disk.
    Unchanging,
}

/// A data folder that may be opened.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    reading: Reading,
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
        let checked = folder.content().and_then(|_| folder.create_or_check());
        checked.map_err(|error| folder.opening(error))?;
        Ok(folder)
    }

    /// Creates the folder if it is missing, and locks it for this process, with any content.
    ///
    /// # Errors
    /// Another pipeline runs on it, or it can't be written.
    pub fn lock(path: &Path) -> Result<Self, OpenError> {
        let unusable = |reason: String| OpenError::Unusable { folder: path.to_owned(), reason };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| unusable(error.to_string()))?;
        let metadata = std::fs::metadata(path).map_err(|error| unusable(error.to_string()))?;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(OpenError::Foreign(path.to_owned()));
        }
        if metadata.mode() & 0o022 != 0 {
            return Err(OpenError::Exposed(path.to_owned()));
        }
        let open = |name: &str| private().open(path.join(name)).map_err(|error| unusable(error.to_string()));
        let lock = open(LOCK)?;
        // SQLite gives the files beside a database the same permissions.
        open(DATABASE)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::Running(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(unusable(error.to_string())),
        }
        Ok(Self { path: path.to_owned(), reading: Reading::Shared, _lock: Some(lock) })
    }

    /// Whether a pipeline runs on the folder. It asks for the lock for a moment, so a pipeline that starts in the very same
    /// moment finds it taken.
    pub fn is_in_use(path: &Path) -> bool {
        let lock = File::open(path.join(LOCK));
        lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Opens the folder of a pipeline that may be running in another process. It writes nothing into a folder that this
    /// version has written, so it does not wait for the pipeline's writes.
    ///
    /// # Errors
    /// There is no data in it, it is of another version, or it can't be read.
    pub fn attach(path: &Path) -> Result<Self, OpenError> {
        let mut folder = Self { path: path.to_owned(), reading: Reading::Shared, _lock: None };
        match folder.database().metadata() {
            Ok(file) if file.is_file() => {}
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Err(OpenError::Unusable { folder: path.to_owned(), reason: error.to_string() });
            }
            Ok(_) | Err(_) => return Err(OpenError::Missing(path.to_owned())),
        }
        let content = match folder.content() {
            Err(Check::Sqlite(error)) if needs_a_log(&error) => {
                folder.read_as_unchanging()?;
                folder.content()
            }
            content => content,
        };
        let checked = content.and_then(|content| match content {
            // Another program's database, or one whose creation was interrupted.
            Content::Nothing => Err(Check::Open(OpenError::Missing(path.to_owned()))),
            Content::Older if folder.can_be_written() => folder.create_or_check(),
            // Readers need what it lacks.
            Content::Older => Err(Check::Open(OpenError::Unusable {
                folder: path.to_owned(),
                reason: "nothing can be written into it, and an older Spillway wrote it, so that it lacks tables that this \
                         one reads: copy the folder to a place where it can be written"
                    .to_owned(),
            })),
            Content::Complete => Ok(()),
        });
        checked.map_err(|error| folder.opening(error))?;
        Ok(folder)
    }

    /// From now on the database is read as a file that nobody changes.
    ///
    /// # Errors
    /// There are changes in its log, which cannot be read in this way.
    fn read_as_unchanging(&mut self) -> Result<(), OpenError> {
        let log = self.path.join(format!("{DATABASE}-wal"));
        if log.metadata().is_ok_and(|log| log.len() > 0) {
            let reason = format!(
                "nothing can be written into it, and the newest changes are in a log, {DATABASE}-wal, which can be read \
                 only in a folder that can be written: copy the folder to such a place"
            );
            return Err(OpenError::Unusable { folder: self.path.clone(), reason });
        }
        self.reading = Reading::Unchanging;
        Ok(())
    }

    /// Whether the database can be changed; a read-only copy can't.
    pub(super) fn can_be_written(&self) -> bool {
        self.reading == Reading::Shared
    }

    fn opening(&self, error: Check) -> OpenError {
        match error {
            Check::Open(error) => error,
            Check::Sqlite(error) => {
                let reason = match error.sqlite_error_code() {
                    Some(ErrorCode::NotADatabase) => format!(
                        "{DATABASE} is not a SQLite database, or is damaged: put a copy of it there, or choose another folder"
                    ),
                    _ => error.to_string(),
                };
                OpenError::Unusable { folder: self.path.clone(), reason }
            }
        }
    }

    /// What is in the database. This only reads: another program's database stays as it is.
    fn content(&self) -> Result<Content, Check> {
        if self.database().metadata().is_ok_and(|file| file.len() == 0) {
            return Ok(Content::Nothing);
        }
        let connection = self.connect_reader()?;
        let count = |sql: &str, names: &[&str]| {
            connection.query_row(sql, rusqlite::params_from_iter(names), |row| row.get::<_, usize>(0))
        };
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if count("SELECT count(*) FROM sqlite_schema", &[])? == 0 {
            return Ok(Content::Nothing);
        }
        let marks = vec!["?"; OURS.len()].join(", ");
        let ours = count(
            &format!("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ({marks})"),
            &OURS,
        )?;
        if ours != OURS.len() {
            return Err(Check::Open(OpenError::NotOurs(self.path.clone())));
        }
        if version != VERSION {
            return Err(Check::Open(OpenError::Version { folder: self.path.clone(), found: version }));
        }
        let newest = count("SELECT count(*) FROM sqlite_schema WHERE name IN (?, ?)", &NEWEST)?;
        Ok(if newest == NEWEST.len() { Content::Complete } else { Content::Older })
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
        tx.execute_batch(ADDITIONS)?;
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
        connection.busy_timeout(BUSY_TIMEOUT)?;
        keep_plans(&connection)?;
        add_search(&connection)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // FULL: the write-ahead log is synced at each commit, so that a 202 outlives a power cut.
        let synchronous = if durability == Durability::Full { "full" } else { "off" };
        connection.pragma_update(None, "synchronous", synchronous)?;
        // A log that grows to some 16 MiB before it is copied into the database: fewer pauses under load.
        connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
        // Bytes. A log that grew while readers held it up is cut when it is reused.
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
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
        let connection = match self.reading {
            Reading::Shared => Connection::open_with_flags(self.database(), flags)?,
            Reading::Unchanging => {
                let uri = as_uri(&self.database());
                Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?
            }
        };
        connection.busy_timeout(BUSY_TIMEOUT)?;
        keep_plans(&connection)?;
        add_search(&connection)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    }
}

/// What the database of a folder has.
enum Content {
    /// No table.
    Nothing,
    /// The tables of this version, without what was added later.
    Older,
    /// All tables and indexes of this version.
    Complete,
}

/// Tables by which a database is known to be a pipeline's: a version number alone is no sign, as other programs number
/// theirs too.
const OURS: [&str; 5] = ["counters", "messages", "store", "dead_letters", "facts"];

/// Whether SQLite could not open the log beside the database, which even a reader needs.
fn needs_a_log(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

/// A database as a URI that promises SQLite that nobody changes the file.
fn as_uri(database: &Path) -> String {
    let path = database.to_string_lossy();
    let path = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{path}?immutable=1")
}

/// How files that only this user may read are created. A link is not followed.
fn private() -> OpenOptions {
    let mut options = File::options();
    options.create(true).truncate(false).write(true).mode(0o600).custom_flags(NO_FOLLOW);
    options
}

/// Keeps the plans of prepared statements. Otherwise SQLite plans a range query again each time its bounds
/// are bound to other values. It hopes for statistics that these tables do not have. Every receive would pay
/// for that.
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(|_| ())
}

/// Adds the SQL function `has_words(words, text, text, text)`: whether one of the texts has the words, in any letter
/// case. SQLite's own `lower` knows only ASCII.
fn add_search(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    // The dead letters of a group come one after another and often have the same message, the longest of the texts.
    let last = RefCell::new((String::new(), String::new(), false));
    connection.create_scalar_function("has_words", 4, flags, move |context| {
        let words = context.get_or_create_aux(0, |words| words.as_str().map(SearchWords::new))?;
        // A value that somebody has changed to no text has no words.
        let text = |number| context.get_raw(number).as_str_or_null().ok().flatten().unwrap_or_default();
        let mut last = last.borrow_mut();
        if last.0 != text(0) || last.1 != text(1) {
            *last = (text(0).to_owned(), text(1).to_owned(), words.are_in([text(1)]));
        }
        Ok(last.2 || words.are_in([text(2), text(3)]))
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
mod tests;
