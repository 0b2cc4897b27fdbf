//! The features of a pipeline on this machine only, and those of a deployment in AWS only.

use super::FakePipeline;
use crate::backend::Local;
use async_trait::async_trait;
use spillway_core::ids::MessageId;
use spillway_core::ports::{ArchiveError, AuditEntry, Clock as _, IndexRebuild, IndexRepair, IndexedArchive};
use spillway_embedded::faults::Fault;

#[async_trait]
impl Local for FakePipeline {
    async fn start_fault(&self, fault: Fault, entry: AuditEntry) -> anyhow::Result<()> {
        self.machine().faults.push(fault);
        self.state().audit.push(entry);
        Ok(())
    }

    async fn stop_fault(&self, name: &str, entry: AuditEntry) -> anyhow::Result<usize> {
        let now = self.memory().clock.now();
        let mut stopped = 0;
        for fault in &mut self.machine().faults {
            if fault.kind.name() == name && fault.is_on(now) {
                fault.until = Some(now);
                stopped += 1;
            }
        }
        if stopped > 0 {
            self.state().audit.push(entry);
        }
        Ok(stopped)
    }

    async fn faults(&self) -> anyhow::Result<Vec<Fault>> {
        Ok(self.machine().faults.clone())
    }

    fn disk_trouble(&self) -> Option<String> {
        None
    }

    async fn sign_in_link(&self) -> anyhow::Result<Option<String>> {
        Ok(self.machine().link.clone())
    }
}

#[async_trait]
impl IndexedArchive for FakePipeline {
    async fn repair(&self, most: usize) -> Result<IndexRepair, ArchiveError> {
        let mut machine = self.machine();
        let indexed = machine.unindexed.min(most as u64);
        machine.unindexed -= indexed;
        Ok(IndexRepair { indexed, failed: 0 })
    }

    async fn rebuild(&self) -> Result<IndexRebuild, ArchiveError> {
        let added = std::mem::take(&mut self.machine().unindexed);
        let there = self.state().dead_letters.len() as u64 - added;
        Ok(IndexRebuild { added, there, ..IndexRebuild::default() })
    }

    async fn recover(&self, ids: &[MessageId]) -> Result<Vec<MessageId>, ArchiveError> {
        let mut recovered = Vec::new();
        for letter in self.state().dead_letters.iter_mut().filter(|letter| ids.contains(&letter.id)) {
            if std::mem::take(&mut letter.is_lost) {
                recovered.push(letter.id.clone());
            }
        }
        Ok(recovered)
    }
}
