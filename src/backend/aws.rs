//! A deployment in AWS.

use super::{Api, Backend, Site};
use crate::answer::CommandError;
use async_trait::async_trait;
use spillway_aws::Topology;
use spillway_aws::operator::Deployment;
use spillway_core::one_line;
use spillway_dashboard_aws::{CloudWatchAlarms, Sources};
use spillway_dashboard_model::ReadError;
use spillway_dashboard_model::alarms::AlarmSource;
use spillway_dashboard_model::incidents::{DerivedIncidents, Incident, IncidentId, IncidentSource, Sent};
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
    // A topology whose alarms do not match the rules has none here. Other commands need none.
    let (alarms, incidents): (Option<Arc<dyn AlarmSource>>, Arc<dyn IncidentSource>) =
        match CloudWatchAlarms::of(&deployment) {
            Ok(alarms) => {
                let alarms: Arc<dyn AlarmSource> = Arc::new(alarms);
                let incidents =
                    DerivedIncidents::new(Arc::clone(&alarms), Arc::clone(&deployment.ports.clock));
                (Some(alarms), Arc::new(incidents))
            }
            Err(error) => (None, Arc::new(NoAlarms(one_line(&error)))),
        };
    Ok(Backend { pipeline: deployment.ports, flow, alarms, incidents, site: Site::Aws(deployment.index) })
}

/// A deployment whose alarms are not those of its rules, with the reason.
struct NoAlarms(String);

impl NoAlarms {
    fn error(&self) -> ReadError {
        ReadError::Unavailable { reason: self.0.clone() }
    }
}

#[async_trait]
impl IncidentSource for NoAlarms {
    async fn incidents(&self, _: usize) -> Result<Vec<Incident>, ReadError> {
        Err(self.error())
    }

    async fn incident(&self, _: &IncidentId) -> Result<Option<Incident>, ReadError> {
        Err(self.error())
    }

    async fn sent(&self, _: &IncidentId) -> Result<Vec<Sent>, ReadError> {
        Err(self.error())
    }
}
