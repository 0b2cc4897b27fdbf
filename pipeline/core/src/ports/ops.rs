//! The audit log.

use super::ArchiveError;
use crate::Timestamp;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Something that a person did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// What, such as `replay` or `discard`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// With what words.
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
