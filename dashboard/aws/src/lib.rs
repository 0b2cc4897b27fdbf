//! What the dashboard reads, from CloudWatch, X-Ray, Budgets and the queues of a deployment in AWS.

mod alarms;
pub mod budgets;
mod metrics;
mod queues;
mod traces;

pub use alarms::{AlarmNow, AlarmUpdate, AlarmsError, CloudWatchAlarms, alarm_updates, alarms_now};
pub use metrics::CloudWatchMetrics;
pub use queues::SqsQueues;
pub use traces::XRayTraces;

use spillway_aws::explain::ExplainedError;
use spillway_aws::operator::Deployment;
use spillway_dashboard_model::flow::{FlowSnapshots, FlowSources};
use spillway_dashboard_model::traces::TraceReader;
use spillway_dashboard_model::{Cached, MetricReader, ReadError};
use std::sync::Arc;
use std::time::Duration;

/// CloudWatch charges a cent for 1,000 metrics, and has new datapoints once a minute.
const KEEP_METRICS: Duration = Duration::from_secs(60);
/// A snapshot reads eight metrics, the index's counters and both queues.
const KEEP_FLOW: Duration = Duration::from_secs(60);

/// Everything that the dashboard reads, shared by all viewers.
#[derive(Clone)]
pub struct Sources {
    /// Metrics, behind a cache: a hundred viewers cost as much as one.
    pub metrics: Arc<dyn MetricReader>,
    /// Traces.
    pub traces: Arc<dyn TraceReader>,
    /// Where all events are, behind a cache.
    pub flow: Arc<FlowSnapshots>,
}

impl Sources {
    /// The sources of a deployment.
    pub fn of(deployment: &Deployment) -> Self {
        let clock = Arc::clone(&deployment.ports.clock);
        let metrics = Arc::new(CloudWatchMetrics::new(deployment.clients.cloudwatch(), Arc::clone(&clock)));
        let metrics: Arc<dyn MetricReader> = Arc::new(Cached::new(metrics, clock, KEEP_METRICS));
        let flow = FlowSources {
            pipeline: deployment.ports.clone(),
            queues: Arc::new(SqsQueues::new(deployment, Arc::clone(&metrics))),
            metrics: Arc::clone(&metrics),
            has_short_periods: false,
            host: None,
        };
        Self {
            metrics,
            traces: Arc::new(XRayTraces::new(aws_sdk_xray::Client::new(deployment.clients.config()))),
            flow: Arc::new(FlowSnapshots::new(flow, KEEP_FLOW)),
        }
    }
}

fn read_error(error: ExplainedError) -> ReadError {
    match error {
        ExplainedError::Throttled { .. } => ReadError::Throttled,
        ExplainedError::Failed { reason } | ExplainedError::Unanswered { reason } => {
            ReadError::Unavailable { reason }
        }
    }
}
