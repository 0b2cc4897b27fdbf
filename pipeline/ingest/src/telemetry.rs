//! A request in traces and metrics, on one machine and in AWS.

use crate::{Outcome, Sending};
use http::StatusCode;
use spillway_core::Timestamp;
use spillway_core::ids::{EventKey, EventType};
use spillway_core::metric::Measurement;
use spillway_core::trace::Segment;
use spillway_metrics::{Function, ingest};

/// Maximum events of a batch that its trace names. A segment document may have 64 KB.
const MAX_EVENTS: usize = 50;

/// The parts of a handled request that traces and metrics need.
#[derive(Clone, Copy, Debug)]
pub struct Work<'w> {
    /// How it ended.
    pub outcome: Outcome,
    /// The answer's status.
    pub status: StatusCode,
    /// The acknowledged events.
    pub promised: &'w [(EventKey, EventType)],
    /// The call of the queue, if there was one.
    pub sending: Option<Sending>,
    /// When the work began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
}

impl Work<'_> {
    /// The function's own work, with its calls of the queue. The annotations are here because code in Lambda cannot
    /// change the function's segment.
    pub fn segment(&self, calls: Vec<Segment>) -> Segment {
        let mut accept =
            Segment::new("accept", self.started, self.ended).annotated("outcome", self.outcome.as_str());
        flag(&mut accept, self.status);
        accept.subsegments = calls;
        if let Some(sending) = self.sending.filter(|sending| sending.messages > 1) {
            accept = accept.annotated("event_count", sending.messages);
        }
        match self.promised {
            [(key, event_type)] => {
                accept.annotated("event_id", key.id.as_str()).annotated("event_type", event_type.as_str())
            }
            many => {
                let events = many.iter().take(MAX_EVENTS).map(|(key, event_type)| {
                    Segment::new("event", self.ended, self.ended)
                        .annotated("event_id", key.id.as_str())
                        .annotated("event_type", event_type.as_str())
                });
                accept.subsegments.extend(events);
                accept
            }
        }
    }

    /// The request in the functions' own metrics: its promises, and what may have become a message without one. A request
    /// without both is only in the API's metrics.
    pub fn measurements(&self, function: &str) -> Vec<Measurement> {
        let function = Function::from(function);
        let in_doubt = self.sending.map_or(0, |sending| sending.in_doubt);
        let counts = [(ingest::EVENTS_ACCEPTED, self.promised.len()), (ingest::EVENTS_IN_DOUBT, in_doubt)];
        let counted = counts.into_iter().filter(|(_, count)| *count > 0);
        counted.map(|(metric, count)| Measurement::of(metric, &function, count as f64)).collect()
    }
}

/// Sets the status of the answer on a segment.
pub fn flag(segment: &mut Segment, status: StatusCode) {
    segment.fault = status.is_server_error();
    segment.error = status.is_client_error();
    segment.throttle = status == StatusCode::TOO_MANY_REQUESTS;
}
