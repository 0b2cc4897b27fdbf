//! Archive: what is in the DLQ goes to the archive, with everything that is known of it.

use crate::dead_letter::{DeadLetter, DeadLetterState};
use crate::event::json::parse_strict;
use crate::failure::{Failure, FailureClass};
use crate::ids::{CodeVersion, EventKey, EventType, MessageId};
use crate::message::{self, ReceivedMessage};
use crate::ports::{Clock, DeadLetterArchive};
use std::sync::Arc;

/// The archiver: its ports and what it needs to know of the primary queue.
pub struct Archiver {
    /// Where dead letters go.
    pub archive: Arc<dyn DeadLetterArchive>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What it names as the code that noticed a crash.
    pub version: CodeVersion,
    /// Receives after which the queue itself moves a message to the DLQ.
    pub max_receive_count: u32,
}

impl Archiver {
    /// Archives a batch from the DLQ. Returns the ids of the messages that have to stay in the DLQ: the
    /// `batchItemFailures` of a partial batch response.
    pub async fn archive_batch(&self, batch: &[ReceivedMessage]) -> Vec<MessageId> {
        let dead_letters: Vec<_> = batch.iter().map(|message| self.dead_letter(message)).collect();
        let answers = self.archive.put(&dead_letters).await;
        let failed = batch.iter().zip(answers).filter(|(_, answer)| answer.is_err());
        failed.map(|(message, _)| message.message_id.clone()).collect()
    }

    fn dead_letter(&self, message: &ReceivedMessage) -> DeadLetter {
        let now = self.clock.now();
        let (key, event_type) = read_leniently(&message.body);
        let mut failures = message
            .attributes
            .get(message::FAILURES)
            .and_then(|text| serde_json::from_str::<Vec<Failure>>(text).ok())
            .unwrap_or_else(|| message.failures.clone());
        let given_up_by_consumer = message.attributes.contains_key(message::FAILURES);
        if !given_up_by_consumer {
            let count = self.max_receive_count;
            Failure::new(
                FailureClass::ConsumerCrash,
                format!("received {count} times, and the last time the consumer ended before it answered"),
                &self.version,
                now,
            )
            .add_to(&mut failures);
        }
        let fingerprint = failures
            .last()
            .map(|failure| failure.fingerprint(event_type.as_ref()))
            .unwrap_or_else(|| crate::ids::Fingerprint::new("0000000000000000"));
        let receive_count = message.attributes.get(message::RECEIVE_COUNT).and_then(|text| text.parse().ok());
        let mut attributes = message.attributes.clone();
        attributes.retain(|name, _| !name.starts_with("spillway-"));
        DeadLetter {
            id: message.original_message_id(),
            key,
            event_type,
            body: message.body.clone(),
            attributes,
            trace_header: message.trace_header.clone(),
            first_sent_at: message.first_sent_at(),
            archived_at: now,
            receive_count: receive_count.unwrap_or(self.max_receive_count),
            generation: message.generation(),
            failures,
            fingerprint,
            state: DeadLetterState::Archived,
            replays: Vec::new(),
        }
    }
}

/// Key and type as far as a body shows them; a body that is no CloudEvent may still have them.
fn read_leniently(body: &str) -> (Option<EventKey>, Option<EventType>) {
    let Ok(value) = parse_strict(body.as_bytes()) else { return (None, None) };
    let text = |name: &str| value.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    let key = text("source").zip(text("id")).map(|(source, id)| EventKey::new(source, id));
    (key, text("type").map(EventType::new))
}
