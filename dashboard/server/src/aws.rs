//! The server on a deployment in AWS.

mod replays;

pub use replays::carry_on;

use spillway_aws::operator::Deployment;
use spillway_dashboard_app::ports::{Environment, Ports};
use spillway_dashboard_aws::{AlarmsError, CloudWatchAlarms, Sources};
use spillway_dashboard_model::alarms::{AlarmSource, CachedAlarms};
use spillway_dashboard_model::incidents::{CachedIncidents, DerivedIncidents};
use spillway_dashboard_model::traces::CachedTraces;
use spillway_dashboard_model::{ReadLimits, Reads};
use std::sync::Arc;
use std::time::Duration;

/// How long alarms are cached. CloudWatch evaluates once a minute, and the header of every page reads them.
const KEEP_ALARMS: Duration = Duration::from_secs(60);
/// How long a search for traces is cached. A settled event has no new ones.
const KEEP_TRACES: Duration = Duration::from_secs(300);
/// The interval between two live refreshes. What they show is older than that, so a shorter one would show nothing new.
const REFRESH_EVERY: Duration = Duration::from_secs(10);
/// What pages read is charged by the call, so each answer is shared for a minute. A search for words reads each letter's entry,
/// at most 10,000 of them with a hundred calls, so it is shared for longer. Each checked message is one object in S3, and each
/// point of a small chart would be a query for each group and shard. Up to 20,000 letters have their keys on a few pages; to
/// count those of a range among more would take a query for each shard, and for each page of keys in it. An example of a good
/// event is one scan of up to 1 MB, or 128 read units.
const READS: ReadLimits = ReadLimits {
    keep: Duration::from_secs(60),
    keep_progress: Duration::from_secs(15),
    keep_searches: Duration::from_secs(300),
    counted: Some(20_000),
    checked: 2,
    checked_groups: 2,
    spread: None,
    keep_examples: Duration::from_secs(900),
    sparks: false,
};

/// The ports of the pages, on a deployment.
///
/// # Errors
/// [`AlarmsError`] if the topology's alarms do not match the rules.
pub fn ports(deployment: &Deployment) -> Result<Ports, AlarmsError> {
    let sources = Sources::of(deployment);
    let topology = &deployment.topology;
    let alarms: Arc<dyn AlarmSource> = Arc::new(CloudWatchAlarms::of(deployment)?);
    let alarms = Arc::new(CachedAlarms::new(alarms, Arc::clone(&deployment.ports.clock), KEEP_ALARMS));
    let clock = Arc::clone(&deployment.ports.clock);
    let incidents = Arc::new(DerivedIncidents::new(Arc::clone(&alarms) as _, Arc::clone(&clock)));
    let incidents = CachedIncidents::new(incidents, &deployment.ports, KEEP_ALARMS);
    let environment = Environment {
        name: format!("{}, {}", topology.name, topology.region),
        demo: false,
        api: Some(topology.api.url.clone()),
        refresh_every: Some(REFRESH_EVERY),
    };
    Ok(Ports {
        pipeline: deployment.ports.clone(),
        reads: Arc::new(Reads::new(deployment.ports.clone(), READS)),
        environment: Arc::new(environment),
        metrics: sources.metrics,
        traces: Arc::new(CachedTraces::new(sources.traces, clock, KEEP_TRACES)),
        flow: sources.flow,
        alarms,
        incidents: Arc::new(incidents),
    })
}
