//! The audit log in a database, and documents that people change.

use crate::db::{Columns, Db, millis, text};
use async_trait::async_trait;
use rusqlite::{Connection, params};
use spillway_core::ports::{ArchiveError, AuditEntry, OpsLog};
use std::collections::BTreeMap;
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

    async fn documents(&self, names: &[String]) -> Result<BTreeMap<String, String>, ArchiveError> {
        let names = serde_json::to_string(names).unwrap_or_default();
        Ok(self
            .0
            .read(move |connection| {
                let mut query = connection.prepare_cached(
                    "SELECT name, document FROM ops_documents WHERE name IN (SELECT value FROM json_each(?1))",
                )?;
                query.query_map([names], |row| Ok((text(row, 0)?, text(row, 1)?)))?.collect()
            })
            .await?)
    }

    async fn replace_document(
        &self,
        name: &str,
        before: Option<&str>,
        after: &str,
        entry: &AuditEntry,
    ) -> Result<bool, ArchiveError> {
        let (name, before) = (name.to_owned(), before.map(str::to_owned));
        let (after, entry) = (after.to_owned(), entry.clone());
        let replace = move |tx: &Connection| {
            let changed = match before {
                Some(before) => tx
                    .prepare_cached(
                        "UPDATE ops_documents SET document = ?3 WHERE name = ?1 AND document = ?2",
                    )?
                    .execute([name, before, after])?,
                None => tx
                    .prepare_cached("INSERT OR IGNORE INTO ops_documents VALUES (?1, ?2)")?
                    .execute([name, after])?,
            };
            if changed == 1 {
                append(tx, &entry)?;
            }
            Ok(changed == 1)
        };
        Ok(self.0.write(replace).await?)
    }
}
