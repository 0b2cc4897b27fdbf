//! The audit log.

use super::MemoryPipeline;
use async_trait::async_trait;
use spillway_core::ports::{ArchiveError, AuditEntry, OpsLog};

#[async_trait]
impl OpsLog for MemoryPipeline {
    async fn append(&self, entries: &[AuditEntry]) -> Result<(), ArchiveError> {
        self.state().audit.extend_from_slice(entries);
        Ok(())
    }

    async fn entries(&self, subject: Option<&str>, limit: usize) -> Result<Vec<AuditEntry>, ArchiveError> {
        let state = self.state();
        let about = state.audit.iter().rev().filter(|entry| subject.is_none_or(|it| it == entry.subject));
        Ok(about.take(limit).cloned().collect())
    }
}
