//! The server on a deployment in AWS.

mod replays;

pub use replays::carry_on;

use spillway_aws::operator::Deployment;
use spillway_dashboard_app::ports::{Environment, Ports};
use spillway_dashboard_aws::{AlarmsError, CloudWatchAlarms, Sources};
use spillway_dashboard_model::alarms::{AlarmSource, CachedAlarms};
use std::sync::Arc;
use std::time::Duration;

/// How long alarms are cached. CloudWatch evaluates once a minute, and the header of every page reads them.
const KEEP_ALARMS: Duration = Duration::from_secs(30);

/// The ports of the pages, on a deployment.
///
/// # Errors
/// [`AlarmsError`] if the topology's alarms do not match the rules.
pub fn ports(deployment: &Deployment) -> Result<Ports, AlarmsError> {
    let sources = Sources::of(deployment);
    let topology = &deployment.topology;
    let alarms: Arc<dyn AlarmSource> = Arc::new(CloudWatchAlarms::of(deployment)?);
    let alarms = Arc::new(CachedAlarms::new(alarms, Arc::clone(&deployment.ports.clock), KEEP_ALARMS));
    let environment = Environment { name: format!("{}, {}", topology.name, topology.region), demo: false };
    Ok(Ports {
        pipeline: deployment.ports.clone(),
        environment: Arc::new(environment),
        metrics: sources.metrics,
        traces: sources.traces,
        flow: sources.flow,
        alarms,
    })
}
