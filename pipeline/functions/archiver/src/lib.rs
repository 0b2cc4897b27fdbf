//! The archiver function. It takes a batch from the dead letter queue, archives each message, and returns an
//! answer that names the messages that have to stay. On a schedule it also adds missing letters to the index,
//! and carries replays on.

mod settings;

pub use settings::Settings;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use spillway_core::Timestamp;
use spillway_core::metric::Measurement;
use spillway_core::ports::{ArchiveError, IndexRepair, IndexedArchive};
use spillway_core::trace::Segment;
use spillway_core::usecases::archive::Archiver;
use spillway_core::usecases::replay::{Carrier, Scope};
use spillway_core::usecases::store::SegmentNames;
use spillway_core::worker::{self, Report as _};
use spillway_lambda::sqs::{self, Batch, BatchError};
use spillway_lambda::{Invocation, Telemetry};
use spillway_metrics::archiver;
use std::sync::Arc;
use std::time::Duration;

/// The task of the schedule: to repair the index and to carry replays on.
const MAINTAIN: &str = "maintain";
/// The task that only repairs the index, for older schedules and for operators.
const REPAIR_INDEX: &str = "mend-index";
/// Most dead letters that one invocation puts into the index. By the number of calls for each, some 400 a second are expected.
/// That is not measured. An invocation that has no time left leaves the rest to the next.
const MAX_INDEXED: usize = 10_000;
/// Most messages that one invocation releases from replays.
const MAX_RELEASED: usize = 100;
/// How long a replay must show no progress before this function carries it on. A program that carries it on
/// moves ten messages several times a second.
const IDLE: Duration = Duration::from_secs(5);
/// The time kept for the last step: its messages, and the records that they were sent.
const LAST_STEP: Duration = Duration::from_secs(5);

/// The function: the use cases with their ports, and where it reports what it did.
pub struct Function {
    /// The use case.
    pub archiver: Archiver,
    /// The archive with the index that the task repairs.
    pub index: Arc<dyn IndexedArchive>,
    /// Carries replays on.
    pub carrier: Carrier,
    /// Messages a second that a replay puts back.
    pub replay_rate_per_s: f64,
    /// How long a queue keeps a message.
    pub retention_s: u32,
    /// How long an invocation may take.
    pub timeout: Duration,
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
    /// The index can't be repaired now. The next scheduled invocation does it.
    #[error("the index could not be repaired: {0}")]
    Repair(#[source] ArchiveError),
    /// Replays can't be read now. The next scheduled invocation carries them on.
    #[error("replays could not be carried on: {0}")]
    CarryOn(#[source] ArchiveError),
    /// There is no such task.
    #[error(
        "there is no task {0:?}; this function knows {MAINTAIN:?} and {REPAIR_INDEX:?}, and batches of an SQS queue"
    )]
    UnknownTask(String),
}

/// What an invocation answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To a batch.
    Batch(sqs::Answer),
    /// To the task of repairing the index.
    Repaired(IndexRepair),
    /// To the task of the schedule.
    Maintained(Maintained),
}

/// What the task of the schedule did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Maintained {
    /// The index.
    #[serde(flatten)]
    pub index: IndexRepair,
    /// Messages of replays that were put back.
    pub sent: u64,
    /// Messages of replays that the queue will never take; they are archived again.
    pub returned: u64,
    /// Messages of replays that can't exist any more. Their dead letters are archived again.
    pub released: u64,
}

#[derive(Deserialize)]
struct Task {
    task: String,
}

/// Works through one batch, or does the task.
pub async fn run(
    function: &Function,
    payload: &RawValue,
    invocation: &Invocation,
) -> Result<Answer, RunError> {
    function.telemetry.calls.begin();
    match serde_json::from_str::<Task>(payload.get()) {
        Ok(Task { task }) if task == REPAIR_INDEX => {
            let within = function.timeout.saturating_sub(LAST_STEP);
            Ok(Answer::Repaired(repair(function, invocation, within).await?))
        }
        Ok(Task { task }) if task == MAINTAIN => maintain(function, invocation).await,
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
    let report = worker::run(&function.archiver, messages).await;
    let names = SegmentNames { queue: &function.queue, function: &telemetry.function };
    worker::publish(&report, names, telemetry, &telemetry.of(invocation));
    let (started, ended) = (report.started_at, report.ended_at);
    let records = report.records.iter().map(|record| record.segment(started, ended)).collect();
    part(function, invocation, "archive batch", (started, ended), records);
    Ok(Answer::Batch(Batch::answer(nameless, report.failures())?))
}

/// Repairs the index, and then carries replays on for as long as the function may run.
async fn maintain(function: &Function, invocation: &Invocation) -> Result<Answer, RunError> {
    let telemetry = &function.telemetry;
    let started = telemetry.now();
    // Problems with the index do not hold up replays.
    let index = repair(function, invocation, function.timeout / 2).await;
    telemetry.calls.begin();
    let until = started + function.timeout.saturating_sub(LAST_STEP);
    let rate = function.replay_rate_per_s;
    let begun = telemetry.now();
    let carried = function.carrier.carry_on(Scope::Idle(IDLE), rate, Some(until), &mut |_| {}).await;
    part(function, invocation, "carry replays on", (begun, telemetry.now()), Vec::new());
    // A release makes three calls for a message, so a run releases a few hundred at most.
    let released = function.carrier.release_overdue(function.retention_s, MAX_RELEASED).await;
    let (index, carried) = (index?, carried.map_err(RunError::CarryOn)?);
    let released = released.map_err(RunError::CarryOn)?;
    if released > 0 {
        tracing::warn!(released, "dead letters left replays whose messages are gone");
    }
    if carried.sent + carried.returned > 0 {
        tracing::info!(sent = carried.sent, returned = carried.returned, "replays were carried on");
    }
    Ok(Answer::Maintained(Maintained { index, sent: carried.sent, returned: carried.returned, released }))
}

async fn repair(
    function: &Function,
    invocation: &Invocation,
    within: Duration,
) -> Result<IndexRepair, RunError> {
    let telemetry = &function.telemetry;
    let started = telemetry.now();
    let repair = function.index.repair(MAX_INDEXED, within).await;
    part(function, invocation, "repair index", (started, telemetry.now()), Vec::new());
    let repair = repair.map_err(RunError::Repair)?;
    let archiver = spillway_metrics::Function::from(telemetry.function.as_str());
    let unindexed = repair.failed as f64;
    telemetry.measure(&[Measurement::of(archiver::DEAD_LETTERS_UNINDEXED, &archiver, unindexed)]);
    if repair.indexed > 0 {
        tracing::info!(indexed = repair.indexed, "dead letters that the index lacked are in it now");
    }
    Ok(repair)
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
