//! A pipeline on this machine.

use super::{Backend, Local, Site};
use crate::answer::CommandError;
use async_trait::async_trait;
use spillway_core::ports::{AuditEntry, Clock};
use spillway_dashboard_embedded::{Sources, sign_in_link};
use spillway_embedded::Pipeline;
use spillway_embedded::faults::Fault;
use std::path::Path;
use std::sync::Arc;

/// Opens the pipeline with that data folder.
pub async fn open(folder: &Path) -> anyhow::Result<Backend> {
    let attached = Pipeline::attach(folder).await;
    let (pipeline, local) = attached.map_err(|error| CommandError::Unreachable(error.to_string()))?;
    let clock = Arc::clone(&pipeline.clock);
    let Sources { flow, alarms, incidents, .. } = Sources::of(&pipeline, &local);
    let alarms = Some(alarms);
    Ok(Backend { pipeline, flow, alarms, incidents, site: Site::Local(Arc::new(Embedded(local, clock))) })
}

struct Embedded(spillway_embedded::Local, Arc<dyn Clock>);

#[async_trait]
impl Local for Embedded {
    async fn start_fault(&self, fault: Fault, entry: AuditEntry) -> anyhow::Result<()> {
        Ok(self.0.faults.start(fault, entry).await?)
    }

    async fn stop_fault(&self, name: &str, entry: AuditEntry) -> anyhow::Result<usize> {
        Ok(self.0.faults.stop(name, entry).await?)
    }

    async fn faults(&self) -> anyhow::Result<Vec<Fault>> {
        Ok(self.0.faults.list().await?)
    }

    fn disk_trouble(&self) -> Option<String> {
        self.0.db().trouble().map(|error| error.to_string())
    }

    async fn sign_in_link(&self) -> anyhow::Result<Option<String>> {
        Ok(sign_in_link(&self.0, &self.1).await?)
    }
}
