//! The consumer function: a batch of messages in, each event stored or its failure dealt with, and an answer that names
//! the messages that have to stay in the queue.

mod isolate;
mod settings;

pub use settings::{SchemaSettings, Settings};

use serde_json::json;
use serde_json::value::RawValue;
use spillway_core::Timestamp;
use spillway_core::trace::Segment;
use spillway_core::usecases::store::{BatchReport, Consumer, Outcome, Place, RecordReport};
use spillway_lambda::sqs::{Answer, Batch, BatchError};
use spillway_lambda::{Invocation, Telemetry};

/// The function: the use case with its ports, and how it tells what it did.
pub struct Function {
    /// The use case.
    pub consumer: Consumer,
    /// Metrics and traces.
    pub telemetry: Telemetry,
    /// Name of the queue from which the batches come.
    pub queue: String,
}

/// Works through one batch.
///
/// # Errors
/// The event is no batch, or has records that no answer could name. Then Lambda deletes nothing of it.
pub async fn run(
    function: &Function,
    payload: &RawValue,
    invocation: &Invocation,
) -> Result<Answer, BatchError> {
    let telemetry = &function.telemetry;
    let started = telemetry.now();
    let (messages, nameless) = Batch::read(payload, started)?.into_parts();
    telemetry.calls.begin();
    let report = isolate::store_batch(&function.consumer, messages).await;
    report.records.iter().for_each(log);
    telemetry.measure(&report.measurements(&telemetry.function));
    trace(function, invocation, &report, started);
    Batch::answer(nameless, report.failures())
}

/// Each traced event has the work in its own trace. The invocation is in a trace that Lambda began; it gets the whole
/// batch and each call that was made for it.
fn trace(function: &Function, invocation: &Invocation, report: &BatchReport, started: Timestamp) {
    let telemetry = &function.telemetry;
    let calls = telemetry.calls.take();
    let place = Place { queue: &function.queue, function: &telemetry.function };
    for mut segment in report.segments(place, started) {
        segment.aws = Some(json!({ "request_id": invocation.request_id }));
        telemetry.segment(segment);
    }
    if invocation.sampled().is_some() {
        let mut batch = Segment::new("store batch", started, report.ended_at);
        batch.subsegments = calls;
        batch.subsegments.extend(report.records.iter().map(|record| {
            let segment = record.segment(started, report.ended_at);
            match &record.message.trace_header {
                Some(header) => segment.annotated("event_trace", header.as_str()),
                None => segment,
            }
        }));
        telemetry.part(invocation, batch);
    }
}

fn log(record: &RecordReport) {
    let (Outcome::Retry(failure) | Outcome::DeadLettered(failure)) = &record.outcome else { return };
    let event = record.event.as_ref();
    let message = &record.message;
    tracing::warn!(
        message_id = message.message_id.as_str(),
        event_id = event.map(|(key, _)| key.id.as_str()),
        event_source = event.map(|(key, _)| key.source.as_str()),
        event_type = event.map(|(_, event_type)| event_type.as_str()),
        event_trace = message.trace_header.as_deref(),
        receive_count = message.receive_count,
        outcome = record.outcome.name(),
        class = failure.class.as_str(),
        reason = failure.message,
        "an event was not stored"
    );
}
