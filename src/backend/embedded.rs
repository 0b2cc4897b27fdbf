//! A pipeline on this machine.

use super::{Backend, Local, Site};
use crate::answer::Trouble;
use async_trait::async_trait;
use spillway_embedded::Pipeline;
use spillway_embedded::faults::Fault;
use std::path::Path;
use std::sync::Arc;

/// The pipeline with that data folder.
pub async fn open(folder: &Path) -> anyhow::Result<Backend> {
    let attached = Pipeline::attach(folder).await;
    let (pipeline, local) = attached.map_err(|error| Trouble::Unreachable(error.to_string()))?;
    Ok(Backend { pipeline, site: Site::Local(Arc::new(Embedded(local))) })
}

struct Embedded(spillway_embedded::Local);

#[async_trait]
impl Local for Embedded {
    async fn start_fault(&self, fault: Fault) -> anyhow::Result<()> {
        Ok(self.0.faults.start(fault).await?)
    }

    async fn stop_fault(&self, name: &str) -> anyhow::Result<usize> {
        Ok(self.0.faults.stop(name).await?)
    }

    async fn faults(&self) -> anyhow::Result<Vec<Fault>> {
        Ok(self.0.faults.list().await?)
    }

    async fn sign_in_link(&self) -> anyhow::Result<Option<String>> {
        let Some(url) = self.0.dashboard_url() else { return Ok(None) };
        let token = self.0.sign_ins.issue().await?;
        Ok(Some(format!("{}/sign-in?token={token}", url.trim_end_matches('/'))))
    }
}
