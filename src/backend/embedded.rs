//! A pipeline on this machine.

use super::{Backend, Kind, Local};
use crate::answer::Trouble;
use async_trait::async_trait;
use spillway_core::fault::Fault;
use spillway_embedded::Pipeline;
use spillway_embedded::faults::Faults;
use spillway_embedded::sign_ins::SignIns;
use std::path::Path;
use std::sync::Arc;

/// The pipeline with that data folder.
pub async fn open(folder: &Path) -> anyhow::Result<Backend> {
    let ports = Pipeline::attach(folder).await.map_err(|error| Trouble::Unreachable(error.to_string()))?;
    let local = Embedded {
        faults: Arc::clone(&ports.faults),
        sign_ins: Arc::clone(&ports.sign_ins),
        dashboard_url: ports.dashboard_url(),
    };
    Ok(Backend {
        queue: ports.queue,
        archive: ports.archive,
        replays: ports.replays,
        ops: ports.ops,
        flow: ports.flow,
        schemas: ports.schemas,
        clock: ports.clock,
        local: Some(Arc::new(local)),
        index: None,
        kind: Kind::Embedded,
    })
}

struct Embedded {
    faults: Arc<Faults>,
    sign_ins: Arc<SignIns>,
    dashboard_url: Option<String>,
}

#[async_trait]
impl Local for Embedded {
    async fn start_fault(&self, fault: Fault) -> anyhow::Result<()> {
        Ok(self.faults.start(fault).await?)
    }

    async fn stop_fault(&self, name: &str) -> anyhow::Result<usize> {
        Ok(self.faults.stop(name).await?)
    }

    async fn faults(&self) -> anyhow::Result<Vec<Fault>> {
        Ok(self.faults.list().await?)
    }

    async fn sign_in_link(&self) -> anyhow::Result<Option<String>> {
        let Some(url) = &self.dashboard_url else { return Ok(None) };
        let token = self.sign_ins.issue().await?;
        Ok(Some(format!("{}/sign-in?token={token}", url.trim_end_matches('/'))))
    }
}
