//! The audit log.

use super::ArchiveError;
use crate::Timestamp;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

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

/// The audit log.
#[async_trait]
pub trait OpsLog: Send + Sync {
    /// Adds entries, in their order: all of them or none.
    async fn append(&self, entries: &[AuditEntry]) -> Result<(), ArchiveError>;

    /// Entries, newest first, at most `limit`; only those about `subject`, if given.
    async fn entries(&self, subject: Option<&str>, limit: usize) -> Result<Vec<AuditEntry>, ArchiveError>;
}
