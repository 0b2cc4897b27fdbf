//! The audit log in a database.

use crate::db::{Db, from_millis, millis};
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
                let mut query = connection.prepare_cached(
                    "SELECT at, by, action, subject, detail FROM audit
                     WHERE ?1 IS NULL OR subject = ?1 ORDER BY seq DESC LIMIT ?2",
                )?;
                let rows = query.query_map(params![subject, limit as i64], |row| {
                    Ok(AuditEntry {
                        at: from_millis(row.get(0)?),
                        by: row.get(1)?,
                        action: row.get(2)?,
                        subject: row.get(3)?,
                        detail: row.get(4)?,
                    })
                })?;
                rows.collect()
            })
            .await?)
    }
}
