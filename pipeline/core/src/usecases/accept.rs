//! Accept: an event becomes a durable message in the primary queue.

use crate::event::Event;
use crate::ids::MessageId;
use crate::message::{ACCEPTED, MessageAttributes, OutgoingMessage};
use crate::ports::{EventQueue, QueueError};
use crate::trace::TraceHeader;

/// Passes events to the queue. Returns one answer for each event, in their order. `Ok` is a promise: the
/// event will be stored, or an operator will see why not.
///
/// # Errors
/// [`QueueError::TooLarge`] for an event over `max_event_bytes`, which can't be sent in any case. Otherwise the
/// queue's own error.
pub async fn accept(
    queue: &dyn EventQueue,
    events: &[Event],
    trace: Option<&TraceHeader>,
    max_event_bytes: usize,
) -> Vec<Result<MessageId, QueueError>> {
    if let Some(large) = events.iter().find(|event| event.body.len() > max_event_bytes) {
        // All or nothing, so that a sender who fixes one item can send the same batch again.
        let bytes = large.body.len();
        return events.iter().map(|_| Err(QueueError::TooLarge { bytes, limit: max_event_bytes })).collect();
    }
    let messages: Vec<_> = events
        .iter()
        .map(|event| OutgoingMessage {
            body: event.body.clone(),
            attributes: MessageAttributes::from([(ACCEPTED.to_owned(), "1".into())]),
            trace_header: trace.map(ToString::to_string),
        })
        .collect();
    queue.send(&messages).await
}
