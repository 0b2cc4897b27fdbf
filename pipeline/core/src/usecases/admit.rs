//! Admit: what a message says of itself is checked before it is believed.
//!
//! Whoever may send to a queue can set any message attribute, also those by which Spillway's functions tell each other
//! where a message comes from. So ids must have the form of ids, and a replay must be in the log. What can't be right is
//! removed, and the message counts as what it is without.

use crate::Timestamp;
use crate::failure::Failure;
use crate::ids::{MessageId, ReplayId};
use crate::message::{
    ENVELOPE, FAILURES, FIRST_SENT, GENERATION, MessageAttributes, ORIGINAL_MESSAGE_ID, OWN_PREFIX,
    RECEIVE_COUNT, REPLAY_ID, ReceivedMessage,
};
use crate::ports::{ArchiveError, QueueKind, ReplayReports};
use futures::{StreamExt as _, stream};
use std::time::Duration;

/// Messages that are checked against the log at once.
const AT_ONCE: usize = 16;
/// How far clocks may differ.
const CLOCKS: Duration = Duration::from_secs(300);
/// A message that was put back more often than this is forged.
const MAX_GENERATION: u32 = 999_999;

/// A message with the attributes that are right; or why that could not be found out.
pub(crate) type Admitted = (ReceivedMessage, Result<(), ArchiveError>);

/// Checks the messages of a batch from this queue. The answers are in the batch's order.
pub(crate) async fn admit(
    queue: QueueKind,
    batch: Vec<ReceivedMessage>,
    log: &dyn ReplayReports,
) -> Vec<Admitted> {
    stream::iter(batch).map(|message| admit_one(queue, message, log)).buffered(AT_ONCE).collect().await
}

async fn admit_one(queue: QueueKind, mut message: ReceivedMessage, log: &dyn ReplayReports) -> Admitted {
    unpack(&mut message.attributes);
    let mut kept: &[&str] = &[];
    if message.attributes.contains_key(REPLAY_ID) {
        if let Some((replay, id)) = replay(&message) {
            match log.is_known(&replay, &id).await {
                Ok(true) => kept = &[REPLAY_ID, ORIGINAL_MESSAGE_ID, GENERATION, FIRST_SENT],
                Ok(false) => {}
                Err(error) => return (message, Err(error)),
            }
        }
    } else if queue == QueueKind::Dlq && is_from_consumer(&message) {
        kept = &[ORIGINAL_MESSAGE_ID, FIRST_SENT];
    }
    let is_replay_or_plain = !kept.is_empty() || !message.attributes.contains_key(REPLAY_ID);
    let keeps_reasons = queue == QueueKind::Dlq && is_replay_or_plain && is_from_consumer(&message);
    let is_wrong = |name: &str| match name {
        FAILURES | RECEIVE_COUNT => !keeps_reasons,
        REPLAY_ID | ORIGINAL_MESSAGE_ID | GENERATION | FIRST_SENT => !kept.contains(&name),
        _ => false,
    };
    let wrong: Vec<_> = message.attributes.keys().filter(|name| is_wrong(name)).cloned().collect();
    if !wrong.is_empty() {
        tracing::warn!(
            message_id = message.message_id.as_str(),
            attributes = wrong.join(", "),
            "a message has attributes of Spillway's that it did not set; they are ignored"
        );
        message.attributes.retain(|name, _| !wrong.contains(name));
    }
    (message, Ok(()))
}

/// Takes the sender's attributes out of the one that holds them.
fn unpack(attributes: &mut MessageAttributes) {
    let Some(envelope) = attributes.remove(ENVELOPE) else { return };
    let Ok(senders) = serde_json::from_str::<MessageAttributes>(envelope.as_str()) else { return };
    let is_senders = |name: &String| !name.starts_with(OWN_PREFIX);
    attributes.extend(senders.into_iter().filter(|(name, _)| is_senders(name)));
}

/// The replay and the dead letter that a message names, if all it says of that has the right form.
fn replay(message: &ReceivedMessage) -> Option<(ReplayId, MessageId)> {
    let generation: u32 = message.attribute(GENERATION)?.parse().ok()?;
    (1..=MAX_GENERATION).contains(&generation).then_some(())?;
    is_past(message).then_some(())?;
    let replay = ReplayId::parse(message.attribute(REPLAY_ID)?)?;
    Some((replay, MessageId::parse(message.attribute(ORIGINAL_MESSAGE_ID)?)?))
}

/// Whether all that the consumer sets on a message for the DLQ is there and has the right form.
fn is_from_consumer(message: &ReceivedMessage) -> bool {
    let has_failures = message.sent_failures().is_some_and(|failures: Vec<Failure>| !failures.is_empty());
    let count = message.attribute(RECEIVE_COUNT).and_then(|text| text.parse::<u32>().ok());
    let original = message.attribute(ORIGINAL_MESSAGE_ID).and_then(MessageId::parse);
    has_failures && count.is_some() && original.is_some() && is_past(message)
}

/// Whether the message says when its event was first sent, and that is not after the message itself.
fn is_past(message: &ReceivedMessage) -> bool {
    let first_sent: Option<Timestamp> = message.attribute(FIRST_SENT).and_then(|text| text.parse().ok());
    first_sent.is_some_and(|first| first <= message.sent_at.checked_add(CLOCKS).unwrap_or(message.sent_at))
}
