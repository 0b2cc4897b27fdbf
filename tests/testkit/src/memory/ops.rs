//! The audit log.

use super::MemoryPipeline;
use async_trait::async_trait;
use spillway_core::ports::{ArchiveError, AuditEntry, OpsLog};
use std::collections::BTreeMap;

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

    async fn documents(&self, names: &[String]) -> Result<BTreeMap<String, String>, ArchiveError> {
        let state = self.state();
        let known = names.iter().filter_map(|name| Some((name.clone(), state.documents.get(name)?.clone())));
        Ok(known.collect())
    }

    async fn replace_document(
        &self,
        name: &str,
        before: Option<&str>,
        after: &str,
        entry: &AuditEntry,
    ) -> Result<bool, ArchiveError> {
        let mut state = self.state();
        if state.documents.get(name).map(String::as_str) != before {
            return Ok(false);
        }
        state.documents.insert(name.to_owned(), after.to_owned());
        state.audit.push(entry.clone());
        Ok(true)
    }
}
