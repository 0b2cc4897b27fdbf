//! A deployment in AWS.

use super::{Api, Backend, Site};
use crate::answer::CommandError;
use spillway_aws::Topology;
use spillway_aws::operator::Deployment;
use spillway_core::one_line;
use spillway_dashboard_aws::{CloudWatchAlarms, Sources};
use spillway_dashboard_model::alarms::AlarmSource;
use std::path::Path;
use std::sync::Arc;

pub fn topology(file: &Path) -> Result<Topology, CommandError> {
    Topology::load(file).map_err(|error| CommandError::Usage(one_line(&error)))
}

/// The API that the topology file names.
pub fn api(file: &Path) -> Result<Api, CommandError> {
    let api = topology(file)?.api;
    Ok(Api { url: api.url, authorization: api.authorization })
}

/// The deployment that the topology file names, with the credentials that AWS's own tools would use.
pub async fn open(file: &Path) -> anyhow::Result<Backend> {
    let deployment = Deployment::attach(topology(file)?)
        .await
        .map_err(|error| CommandError::Unreachable(error.to_string()))?;
    let flow = Sources::of(&deployment).flow;
    // A topology whose alarms do not match the rules has none here.
    let alarms =
        CloudWatchAlarms::of(&deployment).ok().map(|alarms| Arc::new(alarms) as Arc<dyn AlarmSource>);
    Ok(Backend { pipeline: deployment.ports, flow, alarms, site: Site::Aws(deployment.index) })
}
