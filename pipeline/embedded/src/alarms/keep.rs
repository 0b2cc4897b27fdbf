//! Where alarms are kept: in the database, and in memory while the database can't be written. What reports trouble must not
//! depend on what is in trouble.

use crate::db::{ALARM_TABLES, Db, DbError, TABLES, value};
use rusqlite::Connection;
use rusqlite::types::Value;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Most rows of a table that are copied into memory, the newest. Older ones are not shown meanwhile.
const COPIED: u32 = 20_000;

/// What is read back from the database before it is changed apart from it, with the column that sorts it by age.
const COPIES: [(&str, &str); 5] = [
    ("facts", "name"),
    ("alarm_states", "rule"),
    ("alarm_changes", "seq"),
    ("alarm_messages", "seq"),
    ("incidents", "began"),
];

/// A change of the alarms' tables. It is done in memory first and in the database later, or only there.
type Change = Arc<dyn Fn(&Connection) -> rusqlite::Result<()> + Send + Sync>;

/// The alarms' tables.
pub(super) struct Keep {
    db: Arc<Db>,
    /// `None` while the database takes what is written.
    apart: Mutex<Option<Apart>>,
}

/// The tables in memory, and what the database lacks.
struct Apart {
    memory: Connection,
    backlog: Vec<Change>,
}

impl Keep {
    pub(super) fn new(db: Arc<Db>) -> Self {
        Self { db, apart: Mutex::default() }
    }

    /// Reads the newest state, wherever it is.
    pub(super) async fn read<T, F>(&self, work: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        if let Some(apart) = &*self.apart.lock().await {
            return work(&apart.memory).map_err(|error| DbError::from(&error));
        }
        self.db.read(work).await
    }

    /// Changes the tables: in the database, or in memory until the database can be written again.
    ///
    /// # Errors
    /// There is no memory for it.
    pub(super) async fn write<F>(&self, change: F) -> Result<(), DbError>
    where
        F: Fn(&Connection) -> rusqlite::Result<()> + Send + Sync + 'static,
    {
        let change: Change = Arc::new(change);
        let mut apart = self.apart.lock().await;
        let state = match &mut *apart {
            Some(state) => state,
            none => match self.save(vec![Arc::clone(&change)]).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    tracing::warn!(%error, "alarms are kept in memory until the data folder can be written again");
                    none.insert(Apart::begin(&self.db).await?)
                }
            },
        };
        change(&state.memory).map_err(|error| DbError::from(&error))?;
        state.backlog.push(change);
        if self.save(state.backlog.clone()).await.is_ok() {
            tracing::info!("alarms are kept in the data folder again");
            *apart = None;
        }
        Ok(())
    }

    async fn save(&self, changes: Vec<Change>) -> Result<(), DbError> {
        self.db.write(move |tx| changes.iter().try_for_each(|change| change(tx))).await
    }
}

impl Apart {
    /// A copy of the tables. If they can't be read either, it begins empty: new alarms are still notified.
    async fn begin(db: &Db) -> Result<Self, DbError> {
        let rows = db.read(copy).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the alarms in the data folder can't be read; those from now on are known");
            Vec::new()
        });
        let memory = || {
            let memory = Connection::open_in_memory()?;
            memory.execute_batch(TABLES)?;
            memory.execute_batch(ALARM_TABLES)?;
            for (table, row) in rows {
                let places = vec!["?"; row.len()].join(", ");
                memory
                    .prepare_cached(&format!("INSERT INTO {table} VALUES ({places})"))?
                    .execute(rusqlite::params_from_iter(row))?;
            }
            Ok(memory)
        };
        let memory = memory().map_err(|error: rusqlite::Error| DbError::from(&error))?;
        Ok(Self { memory, backlog: Vec::new() })
    }
}

type Row = (&'static str, Vec<Value>);

fn copy(connection: &Connection) -> rusqlite::Result<Vec<Row>> {
    let mut copied = Vec::new();
    for (table, order) in COPIES {
        let mut query =
            connection.prepare(&format!("SELECT * FROM {table} ORDER BY {order} DESC LIMIT {COPIED}"))?;
        let columns = query.column_count();
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let values =
                (0..columns).map(|column| value(row, column)).collect::<rusqlite::Result<Vec<_>>>()?;
            copied.push((table, values));
        }
    }
    Ok(copied)
}
