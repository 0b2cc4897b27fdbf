//! What X-Ray would show of a batch: for each traced record its wait in the queue, the function, and the store.

use spillway_core::Timestamp;
use spillway_core::names::Names;
use spillway_core::trace::{Segment, TraceHeader};
use spillway_core::usecases::store::{BatchReport, Outcome, RecordReport};

/// The segments of a batch, for those of its records that are traced.
pub fn of_batch(report: &BatchReport, names: &Names, started: Timestamp) -> Vec<Segment> {
    let traced = report.records.iter().filter_map(|record| {
        let header = TraceHeader::parse(record.message.trace_header.as_deref()?)?;
        header.sampled.then_some((record, header))
    });
    traced.flat_map(|(record, header)| of_record(report, record, &header, names, started)).collect()
}

fn of_record(
    report: &BatchReport,
    record: &RecordReport,
    header: &TraceHeader,
    names: &Names,
    started: Timestamp,
) -> [Segment; 2] {
    let failed = matches!(record.outcome, Outcome::Retry(_) | Outcome::DeadLettered(_));
    let mut waited = Segment::new(&*names.queue, record.message.sent_at, started);
    waited.trace_id.clone_from(&header.root);
    waited.parent_id.clone_from(&header.parent);
    waited.origin = Some("AWS::SQS::Queue".to_owned());

    let mut work = Segment::new("store record", started, report.ended_at)
        .annotated("outcome", record.outcome.name())
        .annotated("receive_count", record.message.receive_count);
    if let Some((key, event_type)) = &record.event {
        work = work.annotated("event_id", key.id.as_str()).annotated("event_type", event_type.as_str());
    }
    if let Some(replay) = record.message.replay_id() {
        work = work.annotated("replay_id", replay.as_str());
    }
    if let Some((from, to)) = report.store_call {
        let mut call = Segment::new("DynamoDB", from, to);
        call.namespace = Some("aws".to_owned());
        call.fault = failed;
        work.subsegments.push(call);
    }
    work.fault = failed;

    let mut function = Segment::new(&*names.consumer_function, started, report.ended_at);
    function.trace_id.clone_from(&header.root);
    function.parent_id = Some(waited.id.clone());
    function.origin = Some("AWS::Lambda::Function".to_owned());
    function.subsegments.push(work);
    [waited, function]
}
