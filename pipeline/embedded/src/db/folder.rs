//! Opens a data folder: which process owns it, its version, and its durability guarantees.

use super::schema::{ADDITIONS, ALARM_TABLES, NEWEST, TABLES, VERSION};
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use spillway_core::dead_letter::SearchWords;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
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

/// `O_NOFOLLOW`: opening a link fails.
const NO_FOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();

/// How long a connection waits for a lock.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

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
        folder.create_or_check().map_err(|error| folder.opening(error))?;
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
        let lock = open("pipeline.lock")?;
        // SQLite gives the files beside a database the same permissions.
        open(DATABASE)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::Running(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(unusable(error.to_string())),
        }
        Ok(Self { path: path.to_owned(), _lock: Some(lock) })
    }

    /// Opens the folder of a pipeline that may be running in another process. It writes nothing into a folder that this
    /// version has written, so it does not wait for the pipeline's writes.
    ///
    /// # Errors
    /// There is no data in it, it is of another version, or it can't be read.
    pub fn attach(path: &Path) -> Result<Self, OpenError> {
        let folder = Self { path: path.to_owned(), _lock: None };
        if !folder.database().is_file() {
            return Err(OpenError::Missing(path.to_owned()));
        }
        let checked = folder.is_complete().and_then(|is_complete| match is_complete {
            true => Ok(()),
            false => folder.create_or_check(),
        });
        checked.map_err(|error| folder.opening(error))?;
        Ok(folder)
    }

    fn opening(&self, error: Check) -> OpenError {
        match error {
            Check::Open(error) => error,
            Check::Sqlite(error) => {
                OpenError::Unusable { folder: self.path.clone(), reason: error.to_string() }
            }
        }
    }

    /// Whether the database has all tables and indexes of this version.
    fn is_complete(&self) -> Result<bool, Check> {
        let connection = self.connect_reader()?;
        match connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? {
            // Another program's database, or one whose creation was interrupted.
            0 => return Err(Check::Open(OpenError::Missing(self.path.clone()))),
            VERSION => {}
            found => return Err(Check::Open(OpenError::Version { folder: self.path.clone(), found })),
        }
        let found: usize = connection.query_row(
            "SELECT count(*) FROM sqlite_schema WHERE name IN (?1, ?2)",
            NEWEST,
            |row| row.get(0),
        )?;
        Ok(found == NEWEST.len())
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
        let connection = Connection::open_with_flags(self.database(), flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        keep_plans(&connection)?;
        add_search(&connection)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    }
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
    connection.create_scalar_function("has_words", 4, flags, |context| {
        let words = context.get_or_create_aux(0, |words| words.as_str().map(SearchWords::new))?;
        // A value that somebody has changed to no text has no words.
        let text = |number| context.get_raw(number).as_str_or_null().ok().flatten().unwrap_or_default();
        Ok(words.are_in([text(1), text(2), text(3)]))
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
    fn attaching_neither_waits_for_a_writer_nor_writes() {
        let dir = tempfile::tempdir().unwrap();
        let owner = DataFolder::own(dir.path()).unwrap();
        let writer = owner.connect(Durability::Full).unwrap();
        writer.execute_batch("BEGIN IMMEDIATE").unwrap();
        DataFolder::attach(dir.path()).unwrap();
        writer.execute_batch("COMMIT").unwrap();
    }

    #[test]
    fn an_older_folder_gets_what_it_lacks() {
        let dir = tempfile::tempdir().unwrap();
        let owner = DataFolder::own(dir.path()).unwrap();
        let writer = owner.connect(Durability::Full).unwrap();
        writer
            .execute_batch(
                "DROP INDEX dead_letters_search; DROP TABLE replay_counts; DROP TRIGGER replay_item_added;
                 DROP TRIGGER replay_item_changed; CREATE INDEX messages_visible ON messages (queue);
                 INSERT INTO replay_items VALUES ('r', 'a', 'waiting', 0), ('r', 'b', 'waiting', 0);",
            )
            .unwrap();
        DataFolder::attach(dir.path()).unwrap();
        let names =
            "SELECT count(*) FROM sqlite_schema WHERE name IN ('dead_letters_search', 'messages_visible')";
        let number = |sql: &str| -> usize { writer.query_row(sql, [], |row| row.get(0)).unwrap() };
        assert_eq!(number(names), 1);
        assert_eq!(number("SELECT items FROM replay_counts WHERE replay_id = 'r' AND state = 'waiting'"), 2);
    }

    #[test]
    fn another_program_s_database_is_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let foreign = Connection::open(dir.path().join(DATABASE)).unwrap();
        foreign.execute_batch("CREATE TABLE theirs (a)").unwrap();
        assert!(matches!(DataFolder::attach(dir.path()), Err(OpenError::Missing(_))));
        let tables: usize =
            foreign.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
        assert_eq!(tables, 1);
    }

    #[test]
    fn reads_that_grow_with_a_backlog_use_covering_indexes() {
        let dir = tempfile::tempdir().unwrap();
        let reader = DataFolder::own(dir.path()).unwrap().connect_reader().unwrap();
        let plan = |sql: &str| -> String {
            let mut plan = reader.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let lines = plan.query_map([], |row| row.get::<_, String>(3)).unwrap();
            lines.map(Result::unwrap).collect::<Vec<_>>().join("\n")
        };
        for sql in [crate::ledger::WAITING.replace("?1", "1"), crate::ledger::IN_DLQ_ROWS.to_owned()] {
            assert!(plan(&sql).contains("USING COVERING INDEX messages_waiting"), "{}", plan(&sql));
        }
        let newest = plan("SELECT id FROM replays ORDER BY started_at DESC LIMIT 1");
        assert!(newest.contains("replays_started") && !newest.contains("TEMP B-TREE"), "{newest}");
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
    fn only_its_owner_can_read_a_folder_and_a_folder_that_others_can_change_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/data");
        drop(DataFolder::own(&path).unwrap());
        let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&path), mode(&path.join(DATABASE))), (0o700, 0o600));
        assert_eq!(mode(&path.join("pipeline.lock")), 0o600);
        let writable = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(&path, writable).unwrap();
        let error = DataFolder::own(&path).unwrap_err();
        assert!(
            matches!(error, OpenError::Exposed(_)) && error.to_string().contains("chmod go-w"),
            "{error}"
        );
    }

    #[test]
    fn a_link_in_the_place_of_a_file_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("precious");
        std::fs::write(&target, "text").unwrap();
        let path = dir.path().join("data");
        DirBuilder::new().mode(0o700).create(&path).unwrap();
        std::os::unix::fs::symlink(&target, path.join(DATABASE)).unwrap();
        assert!(matches!(DataFolder::own(&path), Err(OpenError::Unusable { .. })));
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "text");
    }

    #[test]
    fn an_empty_folder_has_nothing_to_attach_to() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(DataFolder::attach(dir.path()), Err(OpenError::Missing(_))));
    }
}
