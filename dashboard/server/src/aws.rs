//! What the server gets from a deployment in AWS.

mod replays;

pub use replays::carry_on;

use async_trait::async_trait;
use spillway_aws::operator::Deployment;
use spillway_core::ports::Replays;
use spillway_core::replay::ReplayState;
use spillway_dashboard_app::ports::{Badges, Environment, HeaderSource, Ports};
use spillway_dashboard_aws::{AlarmsError, CloudWatchAlarms, Sources};
use spillway_dashboard_model::alarms::{AlarmSource, CachedAlarms};
use spillway_dashboard_model::flow::FlowSource;
use std::sync::Arc;
use std::time::Duration;

/// Replays that are looked at for the header. Older ones that still run are rare enough to be left out of a badge.
const REPLAYS: usize = 50;
/// CloudWatch evaluates once a minute, and the header of every page asks.
const KEEP_ALARMS: Duration = Duration::from_secs(30);

/// The ports of the pages, on a deployment.
///
/// # Errors
/// [`AlarmsError`] if the topology's alarms don't fit the rules.
pub fn ports(deployment: &Deployment) -> Result<Ports, AlarmsError> {
    let sources = Sources::of(deployment);
    let topology = &deployment.topology;
    let alarms: Arc<dyn AlarmSource> = Arc::new(CloudWatchAlarms::of(deployment)?);
    let alarms = Arc::new(CachedAlarms::new(alarms, Arc::clone(&deployment.ports.clock), KEEP_ALARMS));
    let header = Header {
        flow: Arc::clone(&sources.flow),
        alarms: Arc::clone(&alarms) as Arc<dyn AlarmSource>,
        replays: Arc::clone(&deployment.ports.replays),
    };
    let environment = Environment { name: format!("{}, {}", topology.name, topology.region), demo: false };
    Ok(Ports {
        pipeline: deployment.ports.clone(),
        header: Arc::new(header),
        environment: Arc::new(environment),
        metrics: sources.metrics,
        traces: sources.traces,
        flow: sources.flow,
        alarms,
    })
}

struct Header {
    flow: Arc<dyn FlowSource>,
    alarms: Arc<dyn AlarmSource>,
    replays: Arc<dyn Replays>,
}

#[async_trait]
impl HeaderSource for Header {
    async fn badges(&self) -> Badges {
        let (snapshot, alarms, replays) =
            tokio::join!(self.flow.snapshot(), self.alarms.now(), self.replays.list(REPLAYS));
        let is_running = |replay: &&spillway_core::replay::Replay| replay.state == ReplayState::Running;
        Badges {
            dead_letters: snapshot.ok().map(|snapshot| snapshot.ledger.archived),
            active_alarms: alarms.ok().map(|now| now.active().len() as u64),
            running_replays: replays.ok().map(|replays| replays.iter().filter(is_running).count() as u64),
        }
    }
}
