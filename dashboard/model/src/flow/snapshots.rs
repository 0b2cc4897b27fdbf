//! Takes snapshots of the pipeline.

use super::{Activity, FlowSnapshot, Limits, Queue, QueueReader};
use crate::one_answer::OneAnswer;
use crate::{Freshness, MetricReader, ReadError};
use spillway_core::dead_letter::{DeadLetterFilter, DeadLetterGroup};
use spillway_core::ledger::Ledger;
use spillway_core::names::Names;
use spillway_core::ports::{Clock, DeadLetterArchive, FlowReader};
use std::sync::Arc;
use std::time::Duration;

/// What a snapshot is taken from.
#[derive(Clone)]
pub struct FlowSources {
    /// Counts where the events are.
    pub ledger: Arc<dyn FlowReader>,
    /// The dead letters.
    pub archive: Arc<dyn DeadLetterArchive>,
    /// The queues.
    pub queues: Arc<dyn QueueReader>,
    /// Rates.
    pub metrics: Arc<dyn MetricReader>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The names of everything in metrics.
    pub names: Names,
    /// The rules that a snapshot is judged by.
    pub limits: Limits,
}

/// Takes snapshots, one for all viewers of the same moment.
pub struct FlowSnapshots {
    sources: FlowSources,
    last: OneAnswer<FlowSnapshot>,
}

impl FlowSnapshots {
    /// Takes a new snapshot after `keep`.
    pub fn new(sources: FlowSources, keep: Duration) -> Self {
        let last = OneAnswer::new(Arc::clone(&sources.clock), keep);
        Self { sources, last }
    }

    /// The pipeline now. What is not essential may be missing from it; the ledger and the queues are not.
    ///
    /// # Errors
    /// [`ReadError`] if the ledger or a queue can't be read.
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
            self.queues.snapshot(Queue::Primary),
            self.queues.snapshot(Queue::DeadLetter),
            self.groups(),
            self.activity(),
        );
        Ok(FlowSnapshot {
            at: self.clock.now(),
            ledger: ledger?,
            limits: self.limits,
            queue: queue?,
            dlq: dlq?,
            activity,
            freshness,
            groups: groups?,
        })
    }

    async fn ledger(&self) -> Result<Ledger, ReadError> {
        self.ledger.ledger().await.map_err(unavailable)
    }

    async fn groups(&self) -> Result<Vec<DeadLetterGroup>, ReadError> {
        let waiting = DeadLetterFilter { states: vec!["archived".to_owned()], ..DeadLetterFilter::default() };
        self.archive.groups(&waiting).await.map_err(unavailable)
    }

    /// Rates are evidence, not the answer: without them the snapshot says why they are missing.
    async fn activity(&self) -> (Option<Activity>, Freshness) {
        let now = self.clock.now();
        let queries = Activity::queries(&self.names);
        match self.metrics.read(&queries, Activity::range(now), Activity::PERIOD).await {
            Ok(reading) => (Some(Activity::from_reading(&reading, &self.names, now)), reading.freshness),
            Err(error) => (None, Freshness { read_at: now, trouble: Some(error) }),
        }
    }
}

fn unavailable(error: impl std::fmt::Display) -> ReadError {
    ReadError::Unavailable { reason: error.to_string() }
}
