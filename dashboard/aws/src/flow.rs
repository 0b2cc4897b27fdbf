//! The flow of a deployment in AWS.

use crate::read_error;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use spillway_aws::flow::queue_depth;
use spillway_aws::operator::Deployment;
use spillway_aws::topology;
use spillway_core::Pipeline;
use spillway_core::dead_letter::{DeadLetterFilter, DeadLetterGroup, DeadLetterStatus};
use spillway_core::ledger::Ledger;
use spillway_dashboard_model::flow::{
    Activity, FlowSnapshot, FlowSource, Limits, Queue, QueueReader, QueueSnapshot,
};
use spillway_dashboard_model::{Freshness, MetricReader, Period, ReadError, Statistic, TimeRange};
use spillway_metrics::queue;
use std::sync::Arc;

/// The queue's age is measured once a minute, and may be some minutes late.
const AGE_RANGE: SignedDuration = SignedDuration::from_mins(10);

/// Takes snapshots of a deployment.
///
/// What SQS doesn't tell is not there: how often each message was received, and when the first one will be dead-lettered.
/// The oldest message's age is SQS's own, which leaves out messages received three times or more.
pub struct AwsFlowSource {
    pipeline: Pipeline,
    metrics: Arc<dyn MetricReader>,
    sqs: Sqs,
}

struct Sqs {
    client: aws_sdk_sqs::Client,
    queues: topology::Queues,
}

impl AwsFlowSource {
    /// Takes snapshots through a deployment's ports, and reads rates through `metrics`.
    pub fn new(deployment: &Deployment, metrics: Arc<dyn MetricReader>) -> Self {
        let queues = deployment.topology.queues.clone();
        Self {
            pipeline: deployment.ports.clone(),
            metrics,
            sqs: Sqs { client: deployment.clients.sqs(), queues },
        }
    }

    async fn ledger(&self) -> Result<Ledger, ReadError> {
        self.pipeline.ledger.ledger().await.map_err(unavailable)
    }

    async fn groups(&self) -> Result<Vec<DeadLetterGroup>, ReadError> {
        let waiting = DeadLetterFilter { states: vec![DeadLetterStatus::Archived], ..DeadLetterFilter::default() };
        self.pipeline.archive.groups(&waiting).await.map_err(unavailable)
    }

    /// Rates are evidence, not the answer: without them the snapshot says why they are missing.
    async fn activity(&self) -> (Option<Activity>, Freshness) {
        let now = self.pipeline.clock.now();
        let queries = Activity::queries(&self.pipeline.names);
        match self.metrics.read(&queries, Activity::range(now), Activity::PERIOD).await {
            Ok(reading) => {
                (Some(Activity::from_reading(&reading, &self.pipeline.names, now)), reading.freshness)
            }
            Err(error) => (None, Freshness { read_at: now, trouble: Some(error) }),
        }
    }

    /// Seconds since the oldest message was sent, as SQS reckons it.
    async fn age_s(&self, queue: &str) -> Option<u64> {
        let query = queue::AGE_OF_OLDEST.query(&spillway_metrics::Queue::from(queue), Statistic::Maximum);
        let range = TimeRange::last(AGE_RANGE, self.pipeline.clock.now());
        let reading = self.metrics.read(&[query], range, Period::MINUTE).await.ok()?;
        reading.series.first()?.latest().map(|age| age.max(0.0) as u64)
    }
}

#[async_trait]
impl QueueReader for AwsFlowSource {
    async fn snapshot(&self, queue: Queue) -> Result<QueueSnapshot, ReadError> {
        let queue_there = match queue {
            Queue::Primary => &self.sqs.queues.primary,
            Queue::DeadLetter => &self.sqs.queues.dlq,
        };
        let (depth, age_s) =
            tokio::join!(queue_depth(&self.sqs.client, &queue_there.url), self.age_s(&queue_there.name));
        let depth = depth.map_err(read_error)?;
        let is_empty = depth.visible + depth.in_flight + depth.delayed == 0;
        // An age outlives its message by some minutes.
        let age_s = age_s.filter(|_| !is_empty);
        // A dead letter's age begins at its move, and it expires by when it was first sent, which SQS doesn't tell.
        let tells_when_sent = queue == Queue::Primary;
        Ok(QueueSnapshot {
            visible: depth.visible,
            not_visible: depth.in_flight,
            delayed: depth.delayed,
            oldest_age_s: age_s.unwrap_or(0),
            oldest_sent_at: age_s
                .filter(|_| tells_when_sent)
                .and_then(|age| before(self.pipeline.clock.now(), age)),
            receive_counts: Vec::new(),
            first_dead_letter_at: None,
        })
    }
}

fn before(now: Timestamp, seconds: u64) -> Option<Timestamp> {
    now.checked_sub(SignedDuration::from_secs(i64::try_from(seconds).ok()?)).ok()
}

#[async_trait]
impl FlowSource for AwsFlowSource {
    async fn snapshot(&self) -> Result<FlowSnapshot, ReadError> {
        let (ledger, queue, dlq, groups, (activity, freshness)) = tokio::join!(
            self.ledger(),
            QueueReader::snapshot(self, Queue::Primary),
            QueueReader::snapshot(self, Queue::DeadLetter),
            self.groups(),
            self.activity(),
        );
        Ok(FlowSnapshot {
            at: self.pipeline.clock.now(),
            ledger: ledger?,
            limits: Limits {
                max_receive_count: self.pipeline.settings.max_receive_count,
                retention_s: self.pipeline.settings.retention_s,
            },
            queue: queue?,
            dlq: dlq?,
            activity,
            freshness,
            groups: groups?,
        })
    }
}

fn unavailable(error: impl std::fmt::Display) -> ReadError {
    ReadError::Unavailable { reason: error.to_string() }
}
