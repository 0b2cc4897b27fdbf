//! The audit log in a database.

use crate::db::{Columns, Db, millis};
use async_trait::async_trait;
use rusqlite::{Connection, params};
use spillway_core::ports::{ArchiveError, AuditEntry, OpsLog};
use std::sync::Arc;

/// The audit log.
pub struct Audit(pub Arc<Db>);

/// Adds an entry, in the transaction of what it is about.
pub(crate) fn append(tx: &Connection, entry: &AuditEntry) -> rusqlite::Result<()> {
    let values = params![millis(entry.at), entry.by, entry.action, entry.subject, entry.detail];
    tx.prepare_cached("INSERT INTO audit (at, by, action, subject, detail) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(values)
        .map(|_| ())
}

/// The newest entries. The first parameter is nothing.
const ENTRIES: &str =
    "SELECT at, by, action, subject, detail FROM audit WHERE ?1 IS NULL ORDER BY seq DESC LIMIT ?2";
/// The newest entries about one subject.
pub(crate) const ENTRIES_ABOUT: &str =
    "SELECT at, by, action, subject, detail FROM audit WHERE subject = ?1 ORDER BY seq DESC LIMIT ?2";

#[async_trait]
impl OpsLog for Audit {
    async fn append(&self, entries: &[AuditEntry]) -> Result<(), ArchiveError> {
        let entries = entries.to_vec();
        Ok(self.0.write(move |tx| entries.iter().try_for_each(|entry| append(tx, entry))).await?)
    }

    async fn entries(&self, subject: Option<&str>, limit: usize) -> Result<Vec<AuditEntry>, ArchiveError> {
        let subject = subject.map(str::to_owned);
        Ok(self
            .0
            .read(move |connection| {
                let mut query = connection.prepare_cached(match subject {
                    Some(_) => ENTRIES_ABOUT,
                    None => ENTRIES,
                })?;
                let rows = query.query_map(params![subject, limit as i64], |row| {
                    let columns = Columns::of(row);
                    let detail = columns.text(4)?;
                    Ok(AuditEntry {
                        at: columns.time(0)?,
                        by: columns.text(1)?,
                        action: columns.text(2)?,
                        subject: columns.text(3)?,
                        detail: columns.unless_damaged(detail),
                    })
                })?;
                rows.collect()
            })
            .await?)
    }
}
