//! Takes snapshots of the pipeline.

use super::{Activity, FlowSnapshot, Limits, QueueReader};
use crate::one_answer::OneAnswer;
use crate::{Freshness, MetricReader, ReadError};
use spillway_core::Pipeline;
use spillway_core::dead_letter::{DeadLetterFilter, DeadLetterGroup, DeadLetterStatus};
use spillway_core::ledger::Ledger;
use spillway_core::ports::QueueKind;
use std::sync::Arc;
use std::time::Duration;

/// The sources of a snapshot.
#[derive(Clone)]
pub struct FlowSources {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// Its queues.
    pub queues: Arc<dyn QueueReader>,
    /// Rates.
    pub metrics: Arc<dyn MetricReader>,
}

/// Takes snapshots, shared by all viewers at the same time.
pub struct FlowSnapshots {
    sources: FlowSources,
    last: OneAnswer<FlowSnapshot>,
}

impl FlowSnapshots {
    /// Takes a new snapshot after `keep`.
    pub fn new(sources: FlowSources, keep: Duration) -> Self {
        let last = OneAnswer::new(Arc::clone(&sources.pipeline.clock), keep);
        Self { sources, last }
    }

    /// The current snapshot. Only the ledger and the queues are always in it; other parts may be missing.
    ///
    /// # Errors
    /// [`ReadError`] if the ledger or a queue cannot be read.
    pub async fn snapshot(&self) -> Result<FlowSnapshot, ReadError> {
        let sources = &self.sources;
        let taken = self.last.get(|| {
            let sources = sources.clone();
            async move { sources.snapshot().await }
        });
        taken.await.map(|snapshot| FlowSnapshot::clone(&snapshot))
    }
}

impl FlowSources {
    async fn snapshot(&self) -> Result<FlowSnapshot, ReadError> {
        let (ledger, queue, dlq, groups, (activity, freshness)) = futures::join!(
            self.ledger(),
            self.queues.snapshot(QueueKind::Primary),
            self.queues.snapshot(QueueKind::Dlq),
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

    async fn ledger(&self) -> Result<Ledger, ReadError> {
        self.pipeline.ledger.ledger().await.map_err(unavailable)
    }

    async fn groups(&self) -> Result<Vec<DeadLetterGroup>, ReadError> {
        let waiting =
            DeadLetterFilter { states: vec![DeadLetterStatus::Archived], ..DeadLetterFilter::default() };
        self.pipeline.archive.groups(&waiting).await.map_err(unavailable)
    }

    /// Rates are optional: without them the snapshot has the reason.
    async fn activity(&self) -> (Option<Activity>, Freshness) {
        let now = self.pipeline.clock.now();
        let queries = Activity::queries(&self.pipeline.names);
        match self.metrics.read(&queries, Activity::range(now), Activity::PERIOD).await {
            Ok(reading) => {
                (Some(Activity::from_reading(&reading, &self.pipeline.names, now)), reading.freshness)
            }
            Err(error) => (None, Freshness { read_at: now, error: Some(error) }),
        }
    }
}

fn unavailable(error: impl std::fmt::Display) -> ReadError {
    ReadError::Unavailable { reason: error.to_string() }
}
