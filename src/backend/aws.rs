//! A deployment in AWS.

use super::{Api, Backend, Index, Kind, Rebuilt};
use crate::answer::Trouble;
use async_trait::async_trait;
use spillway_aws::operator::Deployment;
use spillway_aws::{S3Archive, Topology};
use std::path::Path;

/// The topology in a file.
pub fn topology(file: &Path) -> Result<Topology, Trouble> {
    Topology::load(file).map_err(|error| Trouble::Unreachable(error.to_string()))
}

/// The API that a file tells of.
pub fn api(file: &Path) -> Result<Api, Trouble> {
    let api = topology(file)?.api;
    Ok(Api { url: api.url, authorization: api.authorization })
}

/// The deployment that a file tells of, with the credentials that AWS's own tools would use.
pub async fn open(file: &Path) -> anyhow::Result<Backend> {
    let topology = topology(file)?;
    let replay_rate_per_s = topology.settings().replay_rate_per_s;
    let deployment =
        Deployment::attach(topology).await.map_err(|error| Trouble::Unreachable(error.to_string()))?;
    Ok(Backend {
        queue: deployment.queue,
        archive: deployment.archive,
        replays: deployment.replays,
        ops: deployment.ops,
        flow: deployment.flow,
        schemas: deployment.schemas,
        clock: deployment.clock,
        local: None,
        index: Some(deployment.index),
        kind: Kind::Aws { replay_rate_per_s },
    })
}

#[async_trait]
impl Index for S3Archive {
    async fn rebuild(&self) -> anyhow::Result<Rebuilt> {
        let done = self.rebuild_index().await?;
        Ok(Rebuilt { added: done.added, there: done.there })
    }
}
