//! Messages: what travels through a queue.

use crate::Timestamp;
use crate::failure::Failure;
use crate::ids::{MessageId, ReceiptHandle, ReplayId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Message attribute that names the replay a message belongs to.
pub const REPLAY_ID: &str = "spillway-replay-id";
/// Message attribute with the id that the message had when its event was accepted. SQS gives a replayed message a new one.
pub const ORIGINAL_MESSAGE_ID: &str = "spillway-original-message-id";
/// Message attribute with the number of times that the message was put back.
pub const GENERATION: &str = "spillway-generation";
/// Message attribute with the time (RFC 3339) at which the event was first sent.
pub const FIRST_SENT: &str = "spillway-first-sent";
/// Message attribute with the known failures, as JSON, on a message that the consumer put into the DLQ.
pub const FAILURES: &str = "spillway-failures";

/// Message attribute with the receives in the primary queue before the consumer gave the message up.
pub const RECEIVE_COUNT: &str = "spillway-receive-count";

/// Message attributes, all of SQS's type `String`.
pub type MessageAttributes = BTreeMap<String, String>;

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingMessage {
    /// The body.
    pub body: String,
    /// Its message attributes.
    pub attributes: MessageAttributes,
    /// Value of the system attribute `AWSTraceHeader`.
    pub trace_header: Option<String>,
}

/// A message as a queue hands it to a consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedMessage {
    /// Its id in this queue.
    pub message_id: MessageId,
    /// The handle to delete or defer it with.
    pub receipt_handle: ReceiptHandle,
    /// The body.
    pub body: String,
    /// Its message attributes.
    pub attributes: MessageAttributes,
    /// Value of the system attribute `AWSTraceHeader`.
    pub trace_header: Option<String>,
    /// When it was sent to this queue (`SentTimestamp`).
    pub sent_at: Timestamp,
    /// How many times it was received, this time included (`ApproximateReceiveCount`).
    pub receive_count: u32,
    /// Its failures in earlier receives, as far as they are known.
    pub failures: Vec<Failure>,
}

impl ReceivedMessage {
    /// The id that the message had when its event was accepted.
    pub fn original_message_id(&self) -> MessageId {
        self.attributes
            .get(ORIGINAL_MESSAGE_ID)
            .map_or_else(|| self.message_id.clone(), |id| MessageId::new(id.as_str()))
    }

    /// The replay that it belongs to, if it was put back.
    pub fn replay_id(&self) -> Option<ReplayId> {
        self.attributes.get(REPLAY_ID).map(|id| ReplayId::new(id.as_str()))
    }

    /// How many times it was put back; 0 for a message that never was.
    pub fn generation(&self) -> u32 {
        self.attributes.get(GENERATION).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// When its event was first sent. Expiry counts from this time, not from the move to the DLQ.
    pub fn first_sent_at(&self) -> Timestamp {
        self.attributes.get(FIRST_SENT).and_then(|text| text.parse().ok()).unwrap_or(self.sent_at)
    }
}
