//! The queues of a deployment in AWS.

use crate::read_error;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use spillway_aws::flow::queue_depth;
use spillway_aws::operator::Deployment;
use spillway_aws::topology;
use spillway_core::ports::{Clock, QueueKind};
use spillway_dashboard_model::flow::{QueueReader, QueueSnapshot};
use spillway_dashboard_model::{MetricReader, Period, ReadError, Statistic, TimeRange};
use spillway_metrics::queue;
use std::sync::Arc;

/// The queue's age is measured once a minute, and may be some minutes late.
const AGE_RANGE: SignedDuration = SignedDuration::from_mins(10);

/// Reads the queues of a deployment.
///
/// What SQS doesn't tell is not there: how often each message was received, and when the first one will be dead-lettered.
/// The oldest message's age is SQS's own, which leaves out messages received three times or more.
pub struct SqsQueues {
    client: aws_sdk_sqs::Client,
    queues: topology::Queues,
    metrics: Arc<dyn MetricReader>,
    clock: Arc<dyn Clock>,
}

impl SqsQueues {
    /// Reads a deployment's queues, and their age through `metrics`.
    pub fn new(deployment: &Deployment, metrics: Arc<dyn MetricReader>) -> Self {
        Self {
            client: deployment.clients.sqs(),
            queues: deployment.topology.queues.clone(),
            metrics,
            clock: Arc::clone(&deployment.ports.clock),
        }
    }

    /// Seconds since the oldest message was sent, as SQS computes it.
    async fn age_s(&self, queue: &str) -> Option<u64> {
        let query = queue::AGE_OF_OLDEST.query(&spillway_metrics::Queue::from(queue), Statistic::Maximum);
        let range = TimeRange::last(AGE_RANGE, self.clock.now());
        let reading = self.metrics.read(&[query], range, Period::MINUTE).await.ok()?;
        reading.series.first()?.latest().map(|age| age.max(0.0) as u64)
    }
}

#[async_trait]
impl QueueReader for SqsQueues {
    async fn snapshot(&self, queue: QueueKind) -> Result<QueueSnapshot, ReadError> {
        let queue_there = match queue {
            QueueKind::Primary => &self.queues.primary,
            QueueKind::Dlq => &self.queues.dlq,
        };
        let (depth, age_s) =
            tokio::join!(queue_depth(&self.client, &queue_there.url), self.age_s(&queue_there.name));
        let depth = depth.map_err(read_error)?;
        let is_empty = depth.visible + depth.in_flight + depth.delayed == 0;
        // An age outlives its message by some minutes.
        let age_s = age_s.filter(|_| !is_empty);
        // A dead letter's age begins at its move, and it expires by when it was first sent, which SQS doesn't tell.
        let tells_when_sent = queue == QueueKind::Primary;
        Ok(QueueSnapshot {
            visible: depth.visible,
            not_visible: depth.in_flight,
            delayed: depth.delayed,
            oldest_age_s: age_s.unwrap_or(0),
            oldest_sent_at: age_s.filter(|_| tells_when_sent).and_then(|age| before(self.clock.now(), age)),
            receive_counts: Vec::new(),
            first_dead_letter_at: None,
        })
    }
}

fn before(now: Timestamp, seconds: u64) -> Option<Timestamp> {
    now.checked_sub(SignedDuration::from_secs(i64::try_from(seconds).ok()?)).ok()
}
