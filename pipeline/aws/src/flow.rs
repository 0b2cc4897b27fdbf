//! The ledger and the places of events in AWS.
//!
//! No service in AWS knows where every event is. So the ledger is computed from the counts of several services
//! (`flow/compute.rs`), with a bound for its error. docs/adr/0013-the-ledger-in-aws.md has the formula and its reasons.

mod compute;
mod places;

use crate::cloudwatch::{self, Points};
use crate::explain::{self, ExplainedError};
use crate::kept::Kept;
use crate::topology::{self, Topology};
use async_trait::async_trait;
use aws_sdk_sqs::types::QueueAttributeName;
use compute::{Counts, InQueue};
use futures::future::try_join_all;
use jiff::SignedDuration;
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetterFilter, DeadLetterStatus};
use spillway_core::ids::{EventId, EventSource};
use spillway_core::ledger::{Ledger, Place};
use spillway_core::ports::{
    ArchiveError, Clock, DeadLetters, EventLocator, EventStore, LedgerError, LedgerReader, Location,
    QueueKind, Replays,
};
use spillway_metrics::{Function, MetricQuery, Period, Queue, Statistic, consumer, ingest, queue, retention};
use std::collections::HashMap;
use std::sync::Arc;

/// How far back recent movements are searched. Metrics that functions write into their logs arrive within two
/// minutes, and those of queues once a minute.
const RECENT_S: i64 = 5 * 60;
/// Counters of the functions from which the ledger is computed.
const COUNTERS: usize = 6;

/// The clients and ports from which the ledger and the places of events are read.
pub struct Readers {
    /// How many messages the queues have.
    pub depths: Arc<QueueDepths>,
    /// DynamoDB, for finding dead letters by their event's id.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// S3, for dead letters that the index lacks.
    pub s3: aws_sdk_s3::Client,
    /// CloudWatch, for how many promises were given and kept.
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    /// The stored events.
    pub store: Arc<dyn EventStore>,
    /// The dead letters.
    pub archive: Arc<dyn DeadLetters>,
    /// The replays.
    pub replays: Arc<dyn Replays>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Finds single events.
pub struct AwsFlow {
    readers: Readers,
    topology: Topology,
}

impl AwsFlow {
    /// Answers for a deployment.
    pub fn new(readers: Readers, topology: Topology) -> Self {
        Self { readers, topology }
    }

    /// The counts of all places, read concurrently.
    async fn counts(&self) -> Result<Counts, LedgerError> {
        let (long, recent) = (self.over_all_time(), self.recently());
        let (long, recent, queue, dlq, archived, replaying, discarded, unindexed, sent, foreign) = tokio::try_join!(
            long,
            recent,
            self.in_queue(QueueKind::Primary),
            self.in_queue(QueueKind::Dlq),
            self.dead_letters(DeadLetterStatus::Archived),
            self.dead_letters(DeadLetterStatus::Replaying),
            self.dead_letters(DeadLetterStatus::Discarded),
            self.unindexed(),
            self.sent_by_replays(),
            async { self.readers.archive.foreign().await.map_err(archive) },
        )?;
        let [accepted, stored, already_stored, unconfirmed, unconfirmed_dead, foreign_records] = long;
        Ok(Counts {
            accepted,
            stored,
            already_stored,
            in_doubt: unconfirmed + unconfirmed_dead,
            foreign: foreign_records + foreign,
            queue,
            dlq,
            archived,
            replaying,
            discarded,
            unindexed,
            sent_by_replays: sent,
            recent,
        })
    }

    /// The counters of promises given, kept, and kept already, of messages whose sending to either queue was not confirmed,
    /// and of stored records that are no promises.
    fn counters(&self) -> [MetricQuery; COUNTERS] {
        let functions = &self.topology.functions;
        [
            (ingest::EVENTS_ACCEPTED, &functions.ingest),
            (consumer::RECORDS_STORED, &functions.consumer),
            (consumer::RECORDS_ALREADY_STORED, &functions.consumer),
            (ingest::EVENTS_IN_DOUBT, &functions.ingest),
            (consumer::RECORDS_IN_DOUBT, &functions.consumer),
            (consumer::RECORDS_FOREIGN, &functions.consumer),
        ]
        .map(|(metric, function)| metric.query(&Function::from(function.name.as_str()), Statistic::Sum))
    }

    /// The counters over all that CloudWatch still has, by the day: CloudWatch has no minutes for a range
    /// that long.
    async fn over_all_time(&self) -> Result<[u64; COUNTERS], LedgerError> {
        let now = self.readers.clock.now().as_second();
        let today = retention::floor(now, Period::DAY.seconds().into());
        let range = (today - retention::LONGEST, now + 60);
        let points = self.read(&self.counters(), Period::DAY, range).await?;
        Ok(sums(&points))
    }

    /// What moved in the last minutes.
    async fn recently(&self) -> Result<compute::Recent, LedgerError> {
        let primary = Queue::from(self.topology.queues.primary.name.as_str());
        let mut queries = self.counters()[..3].to_vec();
        let depths = [queue::VISIBLE, queue::NOT_VISIBLE];
        queries.extend(depths.map(|metric| metric.query(&primary, Statistic::Maximum)));
        let now = self.readers.clock.now().as_second();
        let minute = now.div_euclid(60) * 60;
        let points = self.read(&queries, Period::MINUTE, (minute - RECENT_S, now + 60)).await?;
        let (counters, depths) = points.split_at(3);
        let [accepted, stored, already_stored] = sums(counters);
        let depths: Vec<u64> = (minute - RECENT_S..minute)
            .step_by(60)
            .map(|at| depths.iter().filter_map(|points| points.get(&at)).map(|depth| *depth as u64).sum())
            .collect();
        Ok(compute::Recent { accepted, stored: stored + already_stored, depths })
    }

    async fn read(
        &self,
        queries: &[MetricQuery],
        period: Period,
        (from, to): (i64, i64),
    ) -> Result<Vec<Points>, LedgerError> {
        let time = |second| Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
        let range = (time(from), time(to));
        cloudwatch::read(&self.readers.cloudwatch, queries, period, range).await.map_err(failed)
    }

    async fn in_queue(&self, queue: QueueKind) -> Result<InQueue, LedgerError> {
        let depth = self.readers.depths.of(queue).await.map_err(failed)?;
        Ok(InQueue { waiting: depth.visible + depth.delayed, in_flight: depth.in_flight })
    }

    async fn dead_letters(&self, state: DeadLetterStatus) -> Result<u64, LedgerError> {
        let filter = DeadLetterFilter { states: vec![state], ..DeadLetterFilter::default() };
        // An empty page costs a read of the counters and of no letter.
        Ok(self.readers.archive.list(&filter, None, 0).await.map_err(archive)?.total)
    }

    /// Dead letters that are safe in the bucket and that the index lacks for the moment.
    async fn unindexed(&self) -> Result<u64, LedgerError> {
        let archive = &self.topology.archive;
        let mut pages = self
            .readers
            .s3
            .list_objects_v2()
            .bucket(&archive.bucket)
            .prefix(&archive.unindexed_prefix)
            .into_paginator()
            .send();
        let mut count = 0;
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed(explain::explain(&error, "s3:ListBucket")))?;
            count += page.contents().len() as u64;
        }
        Ok(count)
    }

    /// Messages that replays have put back and that have not ended: they are in a queue again.
    async fn sent_by_replays(&self) -> Result<u64, LedgerError> {
        let running = self.readers.replays.running().await.map_err(archive)?;
        Ok(running.iter().map(|replay| replay.sent).sum())
    }
}

/// The number of messages in a queue, as SQS estimates it: it is right within a minute of the last change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueDepth {
    /// Messages that can be received.
    pub visible: u64,
    /// Messages received and not settled.
    pub in_flight: u64,
    /// Messages sent with a delay that is not over.
    pub delayed: u64,
}

/// How many messages the queues of a deployment have. The ledger and a page's view of the queues share the answers.
pub struct QueueDepths {
    client: aws_sdk_sqs::Client,
    queues: topology::Queues,
    primary: Kept<QueueDepth>,
    dlq: Kept<QueueDepth>,
}

impl QueueDepths {
    /// Asks again after `keep`.
    pub fn new(
        client: aws_sdk_sqs::Client,
        queues: &topology::Queues,
        clock: Arc<dyn Clock>,
        keep: SignedDuration,
    ) -> Self {
        let (primary, dlq) = (Kept::new(Arc::clone(&clock), keep), Kept::new(clock, keep));
        Self { client, queues: queues.clone(), primary, dlq }
    }

    /// The number of messages in a queue.
    ///
    /// # Errors
    /// SQS did not answer, or refused.
    pub async fn of(&self, queue: QueueKind) -> Result<QueueDepth, ExplainedError> {
        let (kept, queue) = match queue {
            QueueKind::Primary => (&self.primary, &self.queues.primary),
            QueueKind::Dlq => (&self.dlq, &self.queues.dlq),
        };
        kept.get(queue_depth(&self.client, &queue.url)).await
    }
}

/// Asks how many messages a queue has.
pub async fn queue_depth(sqs: &aws_sdk_sqs::Client, url: &str) -> Result<QueueDepth, ExplainedError> {
    let names = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        QueueAttributeName::ApproximateNumberOfMessagesDelayed,
    ];
    let answer = sqs.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec())).send();
    let answer = answer.await.map_err(|error| explain::explain(&error, "sqs:GetQueueAttributes"))?;
    let all: HashMap<_, _> = answer.attributes.unwrap_or_default();
    let [visible, in_flight, delayed] =
        names.map(|name| all.get(&name).and_then(|count| count.parse().ok()).unwrap_or(0));
    Ok(QueueDepth { visible, in_flight, delayed })
}

/// The counters, each summed up.
fn sums<const N: usize>(points: &[Points]) -> [u64; N] {
    let sum = |position: usize| {
        points.get(position).map_or(0.0, |points| points.values().sum::<f64>()).round() as u64
    };
    std::array::from_fn(sum)
}

fn failed(error: ExplainedError) -> LedgerError {
    LedgerError { reason: error.to_string(), is_passing: error.is_passing() }
}

fn archive(error: ArchiveError) -> LedgerError {
    let is_passing = matches!(error, ArchiveError::Unavailable { .. });
    LedgerError { reason: error.to_string(), is_passing }
}

#[async_trait]
impl LedgerReader for AwsFlow {
    async fn ledger(&self) -> Result<Ledger, LedgerError> {
        Ok(self.counts().await?.ledger())
    }
}

#[async_trait]
impl EventLocator for AwsFlow {
    async fn locate(&self, id: &EventId, source: Option<&EventSource>) -> Result<Vec<Location>, LedgerError> {
        let (stored, letters) = tokio::try_join!(self.stored(id, source), async {
            self.readers.archive.of_event(id).await.map_err(archive)
        })?;
        Ok(places::together(stored, letters, source))
    }

    async fn places(&self, ids: &[EventId]) -> Result<Vec<Option<Place>>, LedgerError> {
        let chunks = ids.chunks(places::AT_ONCE).map(|chunk| self.places_of(chunk));
        // One chunk after the other; within each, many at once.
        let mut places = Vec::with_capacity(ids.len());
        for chunk in chunks {
            places.extend(chunk.await?);
        }
        Ok(places)
    }

    fn sees_queues(&self) -> bool {
        false
    }
}

/// Runs reads at the same time, and fails with the first that fails.
async fn all<T>(
    reads: impl IntoIterator<Item = impl Future<Output = Result<T, LedgerError>>>,
) -> Result<Vec<T>, LedgerError> {
    try_join_all(reads).await
}
