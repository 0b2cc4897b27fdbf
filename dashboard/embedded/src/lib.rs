//! The dashboard's ports for a pipeline on this machine.
//!
//! The pipeline may run in this process or in another one: these ports read its data folder.

mod alarms;
mod host;
mod incidents;
mod metrics;
mod queues;
mod sign_ins;
mod traces;

pub use alarms::EmbeddedAlarms;
pub use host::EmbeddedHost;
pub use incidents::EmbeddedIncidents;
pub use metrics::EmbeddedMetrics;
pub use queues::EmbeddedQueues;
pub use sign_ins::{SignInTokens, announce, sign_in_link, sign_in_link_at};
pub use traces::EmbeddedTraces;

use spillway_core::Pipeline;
use spillway_dashboard_model::alarms::AlarmSource;
use spillway_dashboard_model::flow::{FlowSnapshots, FlowSources};
use spillway_dashboard_model::incidents::IncidentSource;
use spillway_dashboard_model::traces::TraceReader;
use spillway_dashboard_model::{Cached, MetricReader};
use spillway_embedded::Local;
use std::sync::Arc;
use std::time::Duration;

/// Reads on this machine are cheap, and measurements reach the file within a second or two.
const KEEP_METRICS: Duration = Duration::from_secs(1);
/// Viewers who refresh at the same time share a snapshot.
const KEEP_FLOW: Duration = Duration::from_millis(500);

/// Everything that the dashboard reads, shared by all viewers.
#[derive(Clone)]
pub struct Sources {
    /// Metrics, behind a cache.
    pub metrics: Arc<dyn MetricReader>,
    /// Traces.
    pub traces: Arc<dyn TraceReader>,
    /// Where all events are, behind a cache.
    pub flow: Arc<FlowSnapshots>,
    /// The alarms and their states. Not behind a cache.
    pub alarms: Arc<dyn AlarmSource>,
    /// The incidents. Not behind a cache.
    pub incidents: Arc<dyn IncidentSource>,
}

impl Sources {
    /// The sources of a pipeline. If this process runs it, they also have what could not be written into the data folder.
    pub fn of(ports: &Pipeline, local: &Local) -> Self {
        let reader = Arc::clone(&local.telemetry);
        let clock = Arc::clone(&ports.clock);
        let metrics = Arc::new(EmbeddedMetrics::new(Arc::clone(&reader), Arc::clone(&clock)));
        let metrics: Arc<dyn MetricReader> = Arc::new(Cached::new(metrics, clock, KEEP_METRICS));
        let flow = FlowSources {
            pipeline: ports.clone(),
            queues: Arc::new(EmbeddedQueues::new(Arc::clone(&local.queues))),
            metrics: Arc::clone(&metrics),
            has_short_periods: true,
            host: Some(Arc::new(EmbeddedHost::new(local.clone()))),
        };
        Self {
            metrics,
            traces: Arc::new(EmbeddedTraces::new(reader)),
            flow: Arc::new(FlowSnapshots::new(flow, KEEP_FLOW)),
            alarms: Arc::new(EmbeddedAlarms::new(ports.clone(), Arc::clone(&local.alarms))),
            incidents: Arc::new(EmbeddedIncidents(Arc::clone(&local.alarms))),
        }
    }
}

/// Runs a blocking read on a thread for blocking work.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, spillway_embedded::telemetry::TelemetryReadError> + Send + 'static,
) -> Result<T, spillway_dashboard_model::ReadError> {
    let unavailable = |reason: String| spillway_dashboard_model::ReadError::Unavailable {
        reason: format!("telemetry: {reason}"),
    };
    match tokio::task::spawn_blocking(read).await {
        Ok(answer) => answer.map_err(|error| unavailable(error.to_string())),
        Err(error) => Err(unavailable(error.to_string())),
    }
}
