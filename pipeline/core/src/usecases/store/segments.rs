//! What X-Ray shows of a batch: for each traced record its wait in the queue, the function, and the store.
//!
//! The records of a batch come from requests of their own, so each has a trace of its own. A batch is a part of all of
//! them: every traced record gets these segments in the trace that its message carries.

use super::{BatchReport, Outcome, RecordReport};
use crate::Timestamp;
use crate::trace::{Segment, TraceHeader};

/// Whose work it was: names of segments.
#[derive(Clone, Copy, Debug)]
pub struct Place<'n> {
    /// The queue from which the batch came.
    pub queue: &'n str,
    /// The function that worked on it.
    pub function: &'n str,
}

impl BatchReport {
    /// The segments of a batch, for those of its records that are traced: two for each, the wait and the work.
    pub fn segments(&self, place: Place<'_>, started: Timestamp) -> Vec<Segment> {
        let traced = self.records.iter().filter_map(|record| {
            let header = TraceHeader::parse(record.message.trace_header.as_deref()?)?;
            header.sampled.then_some((record, header))
        });
        traced.flat_map(|(record, header)| self.of_record(record, &header, place, started)).collect()
    }

    fn of_record(
        &self,
        record: &RecordReport,
        header: &TraceHeader,
        place: Place<'_>,
        started: Timestamp,
    ) -> [Segment; 2] {
        let mut work = record.segment(started, self.ended_at);
        if let Some((from, to)) = self.store_call {
            let mut call = Segment::new("DynamoDB", from, to);
            call.namespace = Some("aws".to_owned());
            call.fault = work.fault;
            work.subsegments.push(call);
        }
        place.segments(header, record.message.sent_at, started, self.ended_at, work)
    }
}

impl RecordReport {
    /// What was done about this record, as a part of the function's segment.
    pub fn segment(&self, started: Timestamp, ended: Timestamp) -> Segment {
        let mut work = Segment::new("store record", started, ended)
            .annotated("outcome", self.outcome.name())
            .annotated("receive_count", self.message.receive_count);
        if let Some((key, event_type)) = &self.event {
            work = work.annotated("event_id", key.id.as_str()).annotated("event_type", event_type.as_str());
        }
        if let Some(replay) = self.message.replay_id() {
            work = work.annotated("replay_id", replay.as_str());
        }
        work.fault = matches!(self.outcome, Outcome::Retry(_) | Outcome::DeadLettered(_));
        work
    }
}

impl Place<'_> {
    /// A message's wait in the queue, and the function with its work.
    pub(crate) fn segments(
        self,
        header: &TraceHeader,
        sent_at: Timestamp,
        started: Timestamp,
        ended: Timestamp,
        work: Segment,
    ) -> [Segment; 2] {
        let mut waited = Segment::new(self.queue, sent_at, started);
        waited.trace_id.clone_from(&header.root);
        waited.parent_id.clone_from(&header.parent);
        waited.origin = Some("AWS::SQS::Queue".to_owned());

        let mut function = Segment::new(self.function, started, ended);
        function.trace_id.clone_from(&header.root);
        function.parent_id = Some(waited.id.clone());
        function.origin = Some("AWS::Lambda::Function".to_owned());
        function.subsegments.push(work);
        [waited, function]
    }
}
