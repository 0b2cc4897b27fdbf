//! A deployment in AWS.

use super::{Api, Backend, Site};
use crate::answer::Trouble;
use spillway_aws::Topology;
use spillway_aws::operator::Deployment;
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
    let deployment =
        Deployment::attach(topology(file)?).await.map_err(|error| Trouble::Unreachable(error.to_string()))?;
    Ok(Backend { pipeline: deployment.ports, site: Site::Aws(deployment.index) })
}
