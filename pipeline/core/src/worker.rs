//! The shell around a batch, the same in a Lambda function and on one machine. A panic affects only one
//! record. The outcome of each record is logged once, measured, traced and settled.

use crate::Timestamp;
use crate::ids::MessageId;
use crate::message::ReceivedMessage;
use crate::metric::Measurement;
use crate::ports::{Clock, MetricSink, QueueKind, QueueReceiver, TraceSink};
use crate::trace::Segment;
use crate::usecases::store::SegmentNames;
use futures::FutureExt as _;
use std::panic::AssertUnwindSafe;

/// What a function does with a batch of messages.
pub trait BatchWork: Send + Sync {
    /// The outcome of a batch.
    type Report: Report;

    /// The time.
    fn clock(&self) -> &dyn Clock;

    /// Works through a batch, with one outcome for each record.
    fn work(&self, batch: Vec<ReceivedMessage>) -> impl Future<Output = Self::Report> + Send;

    /// The report for a message that made the code panic: it stays in the queue.
    fn panicked(&self, message: ReceivedMessage) -> Self::Report;
}

/// The outcome of a batch.
pub trait Report: Sized + Send {
    /// One report about records that were worked on one after the other.
    fn join(parts: Vec<Self>, started_at: Timestamp, ended_at: Timestamp) -> Self;

    /// The messages, in the batch's order.
    fn messages(&self) -> impl Iterator<Item = &ReceivedMessage>;

    /// Ids of the messages that have to stay in the queue.
    fn failures(&self) -> Vec<MessageId>;

    /// Writes the log's lines.
    fn log(&self);

    /// What the batch looks like in metrics.
    fn measurements(&self, function: &str) -> Vec<Measurement>;

    /// What the batch looks like in traces.
    fn segments(&self, names: SegmentNames<'_>) -> Vec<Segment>;
}

/// Processes a batch; after a panic, each record alone. Work done before the panic stays done.
///
/// Without this a panic would count as the failure of the whole batch. Its good records would be received
/// again with the bad one until they are all dead letters.
pub async fn run<W: BatchWork>(work: &W, batch: Vec<ReceivedMessage>) -> W::Report {
    let started_at = work.clock().now();
    if let Some(report) = attempt(work, batch.clone()).await {
        return report;
    }
    let mut parts = Vec::with_capacity(batch.len());
    for message in batch {
        let part = attempt(work, vec![message.clone()]).await;
        parts.push(part.unwrap_or_else(|| work.panicked(message)));
    }
    Report::join(parts, started_at, work.clock().now())
}

async fn attempt<W: BatchWork>(work: &W, batch: Vec<ReceivedMessage>) -> Option<W::Report> {
    // The ports may have done half of the work. They are built for that: a function can be cut off at any
    // place as well.
    AssertUnwindSafe(work.work(batch)).catch_unwind().await.ok()
}

/// Publishes the outcome of a batch: log lines, metrics, traces.
pub fn publish<R: Report>(
    report: &R,
    names: SegmentNames<'_>,
    metrics: &dyn MetricSink,
    traces: &dyn TraceSink,
) {
    report.log();
    metrics.record_all(report.measurements(names.function));
    for segment in report.segments(names) {
        traces.record(segment);
    }
}

/// Deletes settled messages from the queue. For a function, Lambda does this from the function's answer.
pub async fn settle<R: Report>(report: &R, receiver: &dyn QueueReceiver, queue: QueueKind) {
    let failed = report.failures();
    let settled: Vec<_> = report
        .messages()
        .filter(|message| !failed.contains(&message.message_id))
        .map(|message| message.receipt_handle.clone())
        .collect();
    if !settled.is_empty()
        && let Err(error) = receiver.delete(queue, &settled).await
    {
        let messages = settled.len();
        tracing::warn!(%error, ?queue, messages, "settled messages could not be deleted; they will be received again");
    }
}
