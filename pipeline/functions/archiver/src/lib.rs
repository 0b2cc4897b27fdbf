//! The archiver function: a batch from the dead letter queue in, each message archived, and an answer that names those
//! that have to stay. By the clock it is also asked to index what the index lacks.

mod isolate;
mod settings;

pub use settings::Settings;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use spillway_core::Timestamp;
use spillway_core::metric::Measurement;
use spillway_core::ports::ArchiveError;
use spillway_core::trace::Segment;
use spillway_core::usecases::archive::{ArchiveReport, ArchivedRecord, Archiver};
use spillway_core::usecases::store::Place;
use spillway_lambda::sqs::{self, Batch, BatchError};
use spillway_lambda::{Invocation, Telemetry};
use spillway_metrics::archiver;
use std::sync::Arc;

/// The one task that it has beside its batches.
const MEND_INDEX: &str = "mend-index";

/// An archive whose index can lag behind it. A dead letter is safe once the bucket has it, whether its index write worked
/// or not.
#[async_trait]
pub trait MendIndex: Send + Sync {
    /// Indexes dead letters that are noted as not indexed.
    ///
    /// # Errors
    /// The notes can't be read; what is noted is tried the next time.
    async fn mend_index(&self) -> Result<Mended, ArchiveError>;
}

/// What mending the index did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Mended {
    /// Dead letters that are in the index now.
    pub indexed: u64,
    /// Those that could not be put there yet.
    pub failed: u64,
}

/// The function: the use case with its ports, and how it tells what it did.
pub struct Function {
    /// The use case.
    pub archiver: Archiver,
    /// What the task mends.
    pub index: Arc<dyn MendIndex>,
    /// Metrics and traces.
    pub telemetry: Telemetry,
    /// Name of the dead letter queue.
    pub queue: String,
}

/// Why an invocation has no answer.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The task can't be done now. The next one by the clock does it.
    #[error("the index could not be mended: {0}")]
    Mend(#[source] ArchiveError),
    /// Nobody knows that task.
    #[error("there is no task {0:?}; this function knows {MEND_INDEX:?}, and batches of an SQS queue")]
    UnknownTask(String),
}

/// What an invocation answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To a batch.
    Batch(sqs::Answer),
    /// To the task.
    Mended(Mended),
}

#[derive(Deserialize)]
struct Task {
    task: String,
}

/// Works through one batch, or does the task.
///
/// # Errors
/// See [`RunError`].
pub async fn run(
    function: &Function,
    payload: &RawValue,
    invocation: &Invocation,
) -> Result<Answer, RunError> {
    function.telemetry.calls.begin();
    match serde_json::from_str::<Task>(payload.get()) {
        Ok(Task { task }) if task == MEND_INDEX => mend(function, invocation).await,
        Ok(Task { task }) => Err(RunError::UnknownTask(task)),
        Err(_) => archive(function, payload, invocation).await,
    }
}

async fn archive(
    function: &Function,
    payload: &RawValue,
    invocation: &Invocation,
) -> Result<Answer, RunError> {
    let telemetry = &function.telemetry;
    let (messages, nameless) = Batch::read(payload, telemetry.now())?.into_parts();
    let report = isolate::archive_batch(&function.archiver, messages).await;
    report.records.iter().for_each(log);
    telemetry.measure(&report.measurements(&telemetry.function));
    trace(function, invocation, &report);
    Ok(Answer::Batch(Batch::answer(nameless, report.failures())?))
}

async fn mend(function: &Function, invocation: &Invocation) -> Result<Answer, RunError> {
    let telemetry = &function.telemetry;
    let started = telemetry.now();
    let mended = function.index.mend_index().await;
    part(function, invocation, "mend index", (started, telemetry.now()), Vec::new());
    let mended = mended.map_err(RunError::Mend)?;
    let archiver = spillway_metrics::Function::from(telemetry.function.as_str());
    let unindexed = mended.failed as f64;
    telemetry.measure(&[Measurement::of(archiver::DEAD_LETTERS_UNINDEXED, &archiver, unindexed)]);
    if mended.indexed > 0 {
        tracing::info!(indexed = mended.indexed, "dead letters that the index lacked are in it now");
    }
    Ok(Answer::Mended(mended))
}

fn trace(function: &Function, invocation: &Invocation, report: &ArchiveReport) {
    let telemetry = &function.telemetry;
    let place = Place { queue: &function.queue, function: &telemetry.function };
    for mut segment in report.segments(place) {
        segment.aws = Some(json!({ "request_id": invocation.request_id }));
        telemetry.segment(segment);
    }
    let (started, ended) = (report.started_at, report.ended_at);
    let records = report.records.iter().map(|record| record.segment(started, ended)).collect();
    part(function, invocation, "archive batch", (started, ended), records);
}

/// What the invocation did as a whole, with each call of AWS and these parts.
fn part(
    function: &Function,
    invocation: &Invocation,
    name: &str,
    (started, ended): (Timestamp, Timestamp),
    parts: Vec<Segment>,
) {
    let calls = function.telemetry.calls.take();
    if invocation.sampled().is_some() {
        let mut whole = Segment::new(name, started, ended);
        whole.subsegments = calls;
        whole.subsegments.extend(parts);
        function.telemetry.part(invocation, whole);
    }
}

fn log(record: &ArchivedRecord) {
    let message = &record.message;
    match &record.result {
        Ok(()) => tracing::info!(
            message_id = message.message_id.as_str(),
            original_message_id = message.original_message_id().as_str(),
            event_id = record.key.as_ref().map(|key| key.id.as_str()),
            event_trace = message.trace_header.as_deref(),
            "a dead letter was archived"
        ),
        Err(error) => tracing::error!(
            message_id = message.message_id.as_str(),
            event_id = record.key.as_ref().map(|key| key.id.as_str()),
            event_trace = message.trace_header.as_deref(),
            receive_count = message.receive_count,
            %error,
            "a dead letter was not archived; it stays in the dead letter queue"
        ),
    }
}
