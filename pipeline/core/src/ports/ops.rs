//! The audit log, and documents that people change: who has an incident, notes about it, and whether it is muted.

use super::ArchiveError;
use crate::Timestamp;
use crate::ids::ReplayId;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An action of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When it was done.
    pub at: Timestamp,
    /// The person.
    pub by: String,
    /// The action, such as `replay` or `discard`.
    pub action: String,
    /// What it was done to, such as a dead letter's id.
    pub subject: String,
    /// The reason or other details.
    pub detail: String,
}

/// An action on something that the archive changes: an entry without its subject. The archive adds the entry in the
/// transaction of the change, so that neither is there without the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditNote {
    /// When it is done.
    pub at: Timestamp,
    /// Who does it.
    pub by: String,
    /// The action, such as `discard`.
    pub action: &'static str,
    /// The reason or other details.
    pub detail: String,
}

impl AuditNote {
    /// The entry about this subject.
    pub fn about(&self, subject: &str) -> AuditEntry {
        AuditEntry {
            at: self.at,
            by: self.by.clone(),
            action: self.action.to_owned(),
            subject: subject.to_owned(),
            detail: self.detail.clone(),
        }
    }
}

impl AuditEntry {
    /// The start of a replay for which a person chose this number of dead letters. It takes those that are archived.
    pub fn of_replay(at: Timestamp, by: &str, replay: &ReplayId, chosen: usize) -> Self {
        let detail = format!("{chosen} dead letters chosen");
        AuditNote { at, by: by.to_owned(), action: "replay", detail }.about(replay.as_str())
    }
}

/// The audit log, and small documents that people change.
#[async_trait]
pub trait OpsLog: Send + Sync {
    /// Adds entries, in their order: all of them or none.
    async fn append(&self, entries: &[AuditEntry]) -> Result<(), ArchiveError>;

    /// Entries, newest first, at most `limit`; only those about `subject`, if given.
    async fn entries(&self, subject: Option<&str>, limit: usize) -> Result<Vec<AuditEntry>, ArchiveError>;

    /// The documents with these names, by name. One that was never written is left out.
    async fn documents(&self, names: &[String]) -> Result<BTreeMap<String, String>, ArchiveError>;

    /// Writes a document, if it still is `before` (`None`: not there), with an audit entry in the same transaction. `false`:
    /// somebody else has changed it, and nothing was written. A document has at most 300,000 bytes.
    async fn replace_document(
        &self,
        name: &str,
        before: Option<&str>,
        after: &str,
        entry: &AuditEntry,
    ) -> Result<bool, ArchiveError>;
}
