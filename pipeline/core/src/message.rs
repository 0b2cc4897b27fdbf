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
/// Message attribute that ingest sets on each message: its event was accepted, and a client has the promise. A message
/// without it, and without a replay, was put into a queue past the API.
pub const ACCEPTED: &str = "spillway-accepted";
/// Message attribute that holds the sender's attributes, as JSON, where SQS has no room for all of them beside Spillway's.
pub const ENVELOPE: &str = "spillway-attributes";
/// How the names of Spillway's own attributes begin.
pub const OWN_PREFIX: &str = "spillway-";
/// Most message attributes, as SQS has it.
pub const MAX_ATTRIBUTES: usize = 10;

/// A message attribute's value, with its type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Attribute {
    /// Of SQS's type `String`.
    Text(String),
    /// Of another type: `Number`, `Binary`, or one of these three with a label, such as `Number.float`.
    Typed {
        /// The type.
        #[serde(rename = "type")]
        data_type: String,
        /// The value; that of a `Binary` in base64.
        value: String,
    },
}

/// Message attributes by their names.
pub type MessageAttributes = BTreeMap<String, Attribute>;

impl Attribute {
    /// A value of that type.
    pub fn new(data_type: impl Into<String>, value: impl Into<String>) -> Self {
        match (data_type.into(), value.into()) {
            (data_type, value) if data_type == "String" => Self::Text(value),
            (data_type, value) => Self::Typed { data_type, value },
        }
    }

    /// The type, as SQS names it.
    pub fn data_type(&self) -> &str {
        match self {
            Self::Text(_) => "String",
            Self::Typed { data_type, .. } => data_type,
        }
    }

    /// The value as text; that of a `Binary` in base64.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Text(value) | Self::Typed { value, .. } => value,
        }
    }

    /// Whether it holds bytes.
    pub fn is_binary(&self) -> bool {
        self.data_type().split('.').next() == Some("Binary")
    }

    /// Bytes of type and value, as SQS counts them.
    pub fn size(&self) -> usize {
        let value = self.as_str();
        let bytes = match self.is_binary() {
            true => value.trim_end_matches('=').len() * 3 / 4,
            false => value.len(),
        };
        self.data_type().len() + bytes
    }
}

impl std::fmt::Display for Attribute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<String> for Attribute {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&str> for Attribute {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl PartialEq<&str> for Attribute {
    fn eq(&self, other: &&str) -> bool {
        matches!(self, Self::Text(value) if value == other)
    }
}

/// The sender's attributes together with Spillway's. Where there is no room for all of them, the sender's are in one.
pub fn with_own(
    senders: &MessageAttributes,
    own: impl IntoIterator<Item = (&'static str, String)>,
) -> MessageAttributes {
    let mut all: MessageAttributes =
        own.into_iter().map(|(name, value)| (name.to_owned(), Attribute::Text(value))).collect();
    let mut others = senders.clone();
    for (name, value) in senders.iter().filter(|(name, _)| name.starts_with(OWN_PREFIX)) {
        all.entry(name.clone()).or_insert_with(|| value.clone());
        others.remove(name);
    }
    if all.len() + others.len() > MAX_ATTRIBUTES {
        let envelope = serde_json::to_string(&others).unwrap_or_default();
        all.insert(ENVELOPE.to_owned(), Attribute::Text(envelope));
    } else {
        all.extend(others);
    }
    all
}

/// The attributes of a message that puts a dead letter back.
pub fn of_replay(
    senders: &MessageAttributes,
    replay: &ReplayId,
    id: &MessageId,
    generation: u32,
    first_sent_at: Timestamp,
) -> MessageAttributes {
    let own = [
        (REPLAY_ID, replay.to_string()),
        (ORIGINAL_MESSAGE_ID, id.to_string()),
        (GENERATION, generation.to_string()),
        (FIRST_SENT, first_sent_at.to_string()),
    ];
    with_own(senders, own)
}

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
    /// Whether the queue itself moved it to the DLQ, after too many receives.
    pub redriven: bool,
}

impl ReceivedMessage {
    /// The text of one of its attributes.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(Attribute::as_str)
    }

    /// The id that the message had when its event was accepted.
    pub fn original_message_id(&self) -> MessageId {
        self.attribute(ORIGINAL_MESSAGE_ID).map_or_else(|| self.message_id.clone(), MessageId::from)
    }

    /// The replay that it belongs to, if it was put back.
    pub fn replay_id(&self) -> Option<ReplayId> {
        self.attribute(REPLAY_ID).map(ReplayId::from)
    }

    /// How many times it was put back; 0 for a message that never was.
    pub fn generation(&self) -> u32 {
        self.attribute(GENERATION).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// When its event was first sent. Expiry counts from this time, not from the move to the DLQ.
    pub fn first_sent_at(&self) -> Timestamp {
        self.attribute(FIRST_SENT).and_then(|text| text.parse().ok()).unwrap_or(self.sent_at)
    }

    /// The failures with which the consumer put it into the DLQ; `None` if it has none that can be read.
    pub fn sent_failures(&self) -> Option<Vec<Failure>> {
        serde_json::from_str(self.attribute(FAILURES)?).ok()
    }

    /// Whether somebody put it into a queue past the API: no client has a promise for it.
    pub fn is_foreign(&self) -> bool {
        !self.attributes.contains_key(ACCEPTED) && !self.attributes.contains_key(REPLAY_ID)
    }

    /// Its sender's attributes, without Spillway's.
    pub fn senders_attributes(&self) -> MessageAttributes {
        let senders = self.attributes.iter().filter(|(name, _)| !name.starts_with(OWN_PREFIX));
        senders.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(count: usize) -> MessageAttributes {
        (0..count).map(|n| (format!("a{n}"), Attribute::new("Number", n.to_string()))).collect()
    }

    #[test]
    fn the_senders_attributes_stay_as_they_are_while_there_is_room() {
        let few = with_own(&attributes(8), [(ACCEPTED, "1".to_owned()), (GENERATION, "2".to_owned())]);
        assert_eq!((few.len(), few["a7"].data_type()), (10, "Number"));
        let many = with_own(&attributes(9), [(ACCEPTED, "1".to_owned()), (GENERATION, "2".to_owned())]);
        assert_eq!(many.keys().collect::<Vec<_>>(), [ACCEPTED, ENVELOPE, GENERATION]);
        assert_eq!(
            serde_json::from_str::<MessageAttributes>(many[ENVELOPE].as_str()).unwrap(),
            attributes(9)
        );
    }

    #[test]
    fn an_attribute_is_as_large_as_sqs_counts_it_and_survives_json() {
        for (attribute, size, json) in [
            (Attribute::from("é"), 8, r#""é""#),
            (Attribute::new("Number.int", "12"), 12, r#"{"type":"Number.int","value":"12"}"#),
            (Attribute::new("Binary", "AAEC"), 9, r#"{"type":"Binary","value":"AAEC"}"#),
            (Attribute::new("Binary.png", "AA=="), 11, r#"{"type":"Binary.png","value":"AA=="}"#),
        ] {
            assert_eq!(attribute.size(), size, "{json}");
            assert_eq!(serde_json::to_string(&attribute).unwrap(), json);
            assert_eq!(serde_json::from_str::<Attribute>(json).unwrap(), attribute);
        }
    }
}
