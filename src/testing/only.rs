//! What only a pipeline on this machine has, and what only one in AWS has.

use super::FakePipeline;
use crate::backend::{Index, Local, Rebuilt};
use async_trait::async_trait;
use spillway_core::fault::Fault;
use spillway_core::ports::Clock as _;

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
impl Index for FakePipeline {
    async fn rebuild(&self) -> anyhow::Result<Rebuilt> {
        let mut state = self.state();
        let added = std::mem::take(&mut state.unindexed);
        Ok(Rebuilt { added, there: state.dead_letters.len() as u64 - added })
    }
}
