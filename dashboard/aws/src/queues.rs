//! The queues of a deployment in AWS.

use crate::read_error;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use spillway_aws::flow::QueueDepths;
use spillway_aws::operator::Deployment;
use spillway_aws::topology;
use spillway_core::ports::{Clock, QueueKind};
use spillway_dashboard_model::flow::{QueueReader, QueueSnapshot};
use spillway_dashboard_model::{MetricReader, Period, ReadError, Statistic, TimeRange};
use spillway_metrics::queue;
use std::sync::Arc;

/// CloudWatch measures the queue's age once a minute, and may report it some minutes late.
const AGE_RANGE: SignedDuration = SignedDuration::from_mins(10);

/// Reads the queues of a deployment.
///
/// SQS does not report receive counts, nor when the first message will be dead-lettered, so both are missing. The
/// oldest message's age comes from SQS, which leaves out messages received three times or more.
pub struct SqsQueues {
    depths: Arc<QueueDepths>,
    queues: topology::Queues,
    metrics: Arc<dyn MetricReader>,
    clock: Arc<dyn Clock>,
}

impl SqsQueues {
    /// Reads a deployment's queues, and their age through `metrics`.
    pub fn new(deployment: &Deployment, metrics: Arc<dyn MetricReader>) -> Self {
        Self {
            depths: Arc::clone(&deployment.depths),
            queues: deployment.topology.queues.clone(),
            metrics,
            clock: Arc::clone(&deployment.ports.clock),
        }
    }

    /// Seconds since the oldest message was sent, as SQS computes it. One read has both queues.
    async fn age_s(&self, queue: QueueKind) -> Option<u64> {
        let both = [&self.queues.primary, &self.queues.dlq].map(|queue| {
            queue::AGE_OF_OLDEST
                .query(&spillway_metrics::Queue::from(queue.name.as_str()), Statistic::Maximum)
        });
        let range = TimeRange::last(AGE_RANGE, self.clock.now());
        let reading = self.metrics.read(&both, range, Period::MINUTE).await.ok()?;
        let position = usize::from(queue == QueueKind::Dlq);
        reading.series.get(position)?.latest().map(|age| age.max(0.0) as u64)
    }
}

#[async_trait]
impl QueueReader for SqsQueues {
    async fn snapshot(&self, queue: QueueKind) -> Result<QueueSnapshot, ReadError> {
        let (depth, age_s) = tokio::join!(self.depths.of(queue), self.age_s(queue));
        let depth = depth.map_err(read_error)?;
        let is_empty = depth.visible + depth.in_flight + depth.delayed == 0;
        // The age stays for some minutes after its message has left.
        let age_s = age_s.filter(|_| !is_empty);
        // The age of a dead letter starts at its move, but it expires by its first send time, which SQS does not
        // report.
        let has_send_time = queue == QueueKind::Primary;
        Ok(QueueSnapshot {
            visible: depth.visible,
            not_visible: depth.in_flight,
            delayed: depth.delayed,
            oldest_age_s: age_s.unwrap_or(0),
            oldest_sent_at: age_s.filter(|_| has_send_time).and_then(|age| before(self.clock.now(), age)),
            receive_counts: Vec::new(),
            first_dead_letter_at: None,
        })
    }
}

fn before(now: Timestamp, seconds: u64) -> Option<Timestamp> {
    now.checked_sub(SignedDuration::from_secs(i64::try_from(seconds).ok()?)).ok()
}
