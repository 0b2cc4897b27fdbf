//! The consumer function. It takes a batch of messages, and stores each event or handles its failure. Its
//! answer names the messages that have to stay in the queue.

mod settings;

pub use settings::{SchemaSettings, Settings};

use serde_json::value::RawValue;
use spillway_core::trace::Segment;
use spillway_core::usecases::store::{BatchReport, Consumer, SegmentNames};
use spillway_core::worker::{self, Report as _};
use spillway_lambda::sqs::{Answer, Batch, BatchError};
use spillway_lambda::{Invocation, Telemetry};

/// The function: the use case with its ports, and how it reports what it did.
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
    let (messages, nameless) = Batch::read(payload, telemetry.now())?.into_parts();
    telemetry.calls.begin();
    let report = worker::run(&function.consumer, messages).await;
    let names = SegmentNames { queue: &function.queue, function: &telemetry.function };
    worker::publish(&report, names, telemetry, &telemetry.of(invocation));
    trace(telemetry, invocation, &report);
    Batch::answer(nameless, report.failures())
}

/// Each traced event has the work in its own trace. The invocation is in a trace that Lambda began; it gets the whole
/// batch and each call that was made for it.
fn trace(telemetry: &Telemetry, invocation: &Invocation, report: &BatchReport) {
    let calls = telemetry.calls.take();
    if invocation.sampled().is_some() {
        let (started, ended) = (report.started_at, report.ended_at);
        let mut batch = Segment::new("store batch", started, ended);
        batch.subsegments = calls;
        batch.subsegments.extend(report.records.iter().map(|record| {
            let segment = record.segment(started, ended);
            match &record.message.trace_header {
                Some(header) => segment.annotated("event_trace", header.as_str()),
                None => segment,
            }
        }));
        telemetry.part(invocation, batch);
    }
}
