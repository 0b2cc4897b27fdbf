//! The flow from the pipeline's own tables.

use async_trait::async_trait;
use spillway_core::Pipeline;
use spillway_core::dead_letter::{DeadLetterFilter, DeadLetterGroup, DeadLetterStatus};
use spillway_core::ledger::Ledger;
use spillway_core::ports::QueueKind;
use spillway_dashboard_model::flow::{
    Activity, FlowSnapshot, FlowSource, Limits, Queue, QueueReader, QueueSnapshot,
};
use spillway_dashboard_model::{Freshness, MetricReader, ReadError};
use spillway_embedded::queue::Queues;
use std::sync::Arc;

/// Looks into the queues of a pipeline.
pub struct EmbeddedQueues(Arc<Queues>);

impl EmbeddedQueues {
    /// Looks into these.
    pub fn new(queues: Arc<Queues>) -> Self {
        Self(queues)
    }
}

#[async_trait]
impl QueueReader for EmbeddedQueues {
    async fn snapshot(&self, queue: Queue) -> Result<QueueSnapshot, ReadError> {
        let which = match queue {
            Queue::Primary => QueueKind::Primary,
            Queue::DeadLetter => QueueKind::Dlq,
        };
        let seen = self.0.snapshot(which).await.map_err(unavailable)?;
        Ok(QueueSnapshot {
            visible: seen.visible,
            not_visible: seen.not_visible,
            delayed: seen.delayed,
            oldest_age_s: seen.oldest_age_s,
            oldest_sent_at: seen.true_oldest_sent_at,
            receive_counts: seen.receive_counts,
            first_dead_letter_at: seen.first_dead_letter_at,
        })
    }
}

/// Takes snapshots of a pipeline.
pub struct EmbeddedFlow {
    pipeline: Pipeline,
    queues: EmbeddedQueues,
    metrics: Arc<dyn MetricReader>,
}

impl EmbeddedFlow {
    /// Takes snapshots through a pipeline's ports, and reads rates through `metrics`.
    pub fn new(pipeline: &Pipeline, queues: Arc<Queues>, metrics: Arc<dyn MetricReader>) -> Self {
        Self { pipeline: pipeline.clone(), queues: EmbeddedQueues::new(queues), metrics }
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
}

#[async_trait]
impl FlowSource for EmbeddedFlow {
    async fn snapshot(&self) -> Result<FlowSnapshot, ReadError> {
        let (ledger, queue, dlq, groups, (activity, freshness)) = tokio::join!(
            self.ledger(),
            self.queues.snapshot(Queue::Primary),
            self.queues.snapshot(Queue::DeadLetter),
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
