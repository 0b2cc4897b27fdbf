//! What only a pipeline on this machine has, and what only one in AWS has.

use super::FakePipeline;
use crate::backend::Local;
use async_trait::async_trait;
use spillway_core::ports::{ArchiveError, Clock as _, IndexRebuild, IndexRepair, IndexedArchive};
use spillway_embedded::faults::Fault;

#[async_trait]
impl Local for FakePipeline {
    async fn start_fault(&self, fault: Fault) -> anyhow::Result<()> {
        self.state().faults.push(fault);
        Ok(())
    }

    async fn stop_fault(&self, name: &str) -> anyhow::Result<usize> {
        let now = self.clock().now();
        let mut stopped = 0;
        for fault in &mut self.state().faults {
            if fault.kind.name() == name && fault.is_on(now) {
                fault.until = Some(now);
                stopped += 1;
            }
        }
        Ok(stopped)
    }

    async fn faults(&self) -> anyhow::Result<Vec<Fault>> {
        Ok(self.state().faults.clone())
    }

    async fn sign_in_link(&self) -> anyhow::Result<Option<String>> {
        Ok(self.state().link.clone())
    }
}

#[async_trait]
impl IndexedArchive for FakePipeline {
    async fn repair(&self, most: usize) -> Result<IndexRepair, ArchiveError> {
        let mut state = self.state();
        let indexed = state.unindexed.min(most as u64);
        state.unindexed -= indexed;
        Ok(IndexRepair { indexed, failed: 0 })
    }

    async fn rebuild(&self) -> Result<IndexRebuild, ArchiveError> {
        let mut state = self.state();
        let added = std::mem::take(&mut state.unindexed);
        Ok(IndexRebuild { added, there: state.dead_letters.len() as u64 - added })
    }
}
