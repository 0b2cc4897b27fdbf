//! What X-Ray shows of a batch: for each traced record its wait in the queue, the function, and the store.
//!
//! The records of a batch come from separate requests, so each has its own trace. A batch is a part of all of them:
//! every traced record gets these segments in the trace that its message carries.

use super::{BatchReport, Outcome, RecordReport};
use crate::Timestamp;
use crate::failure::FailureClass;
use crate::trace::{Segment, TraceHeader};
use std::collections::HashMap;

/// Most records of one batch in one trace. A trace may have some 100 to 500 KB ("AWS X-Ray endpoints and
/// quotas"), and two segments have about 1 KB. A request may have brought a thousand events.
const MAX_IN_A_TRACE: usize = 50;

/// Names of segments: the queue and the function.
#[derive(Clone, Copy, Debug)]
pub struct SegmentNames<'n> {
    /// The queue from which the batch came.
    pub queue: &'n str,
    /// The function that worked on it.
    pub function: &'n str,
}

impl BatchReport {
    /// The segments of a batch, for those of its records that are traced: two for each, the wait and the work. If too many
    /// came from one request, those that failed come first.
    pub fn segments(&self, names: SegmentNames<'_>) -> Vec<Segment> {
        let (failed, fine): (Vec<_>, Vec<_>) = self
            .records
            .iter()
            .filter_map(|record| {
                let header = TraceHeader::parse(record.message.trace_header.as_deref()?)?;
                header.sampled.then_some((record, header))
            })
            .partition(|(record, _)| record.outcome.is_failure());
        let mut by_trace: HashMap<String, usize> = HashMap::new();
        let mut segments = Vec::new();
        for (record, header) in failed.into_iter().chain(fine) {
            let in_this_trace = by_trace.entry(header.root.clone()).or_default();
            *in_this_trace += 1;
            if *in_this_trace <= MAX_IN_A_TRACE {
                segments.extend(self.of_record(record, &header, names));
            }
        }
        segments
    }

    fn of_record(
        &self,
        record: &RecordReport,
        header: &TraceHeader,
        names: SegmentNames<'_>,
    ) -> [Segment; 2] {
        let started = self.started_at;
        let mut work = record.segment(started, self.ended_at);
        if let Some((from, to)) = self.store_call
            && let Some(result) = StoreResult::of(&record.outcome)
        {
            let mut call = Segment::new("DynamoDB", from, to);
            call.namespace = Some("aws".to_owned());
            (call.error, call.fault, call.throttle) = result.flags();
            work.subsegments.push(call);
        }
        names.segments(header, record.message.sent_at, started, self.ended_at, work)
    }
}

/// The store's part in an outcome.
enum StoreResult {
    Stored,
    /// It refused for lack of capacity.
    Throttled,
    /// It failed or did not answer.
    Failed,
    /// The event is not one that it takes.
    Refused,
}

impl StoreResult {
    /// `None` if the store was not asked for this record. A body that can't be read is not an error of the store.
    fn of(outcome: &Outcome) -> Option<Self> {
        let (Outcome::Retry(failure) | Outcome::DeadLettered(failure)) = outcome else {
            return Some(Self::Stored);
        };
        match failure.class {
            FailureClass::StoreThrottled => Some(Self::Throttled),
            FailureClass::StoreUnavailable | FailureClass::StoreTimeout => Some(Self::Failed),
            FailureClass::TooLarge => Some(Self::Refused),
            FailureClass::Malformed
            | FailureClass::Schema
            | FailureClass::ConsumerCrash
            | FailureClass::Unprocessed => None,
        }
    }

    /// X-Ray's `error`, `fault` and `throttle`.
    fn flags(&self) -> (bool, bool, bool) {
        match self {
            Self::Stored => (false, false, false),
            Self::Throttled => (true, false, true),
            Self::Failed => (false, true, false),
            Self::Refused => (true, false, false),
        }
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
        work.fault = self.outcome.is_failure();
        work
    }
}

impl SegmentNames<'_> {
    /// A message's wait in the queue, and the function with its work.
    pub(crate) fn segments(
        self,
        header: &TraceHeader,
        sent_at: Timestamp,
        started: Timestamp,
        ended: Timestamp,
        work: Segment,
    ) -> [Segment; 2] {
        // SQS has its own clock: make sure that no wait ends before it began.
        let mut waited = Segment::new(self.queue, sent_at.min(started), started);
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
