//! A dead letter in the index: all of it but what can be large. Body, message attributes and failures are in S3.

use crate::call_error::{CallError, RetryDecision};
use crate::dynamo::item::{Item, item, number, number_of, text, text_of, time_of};
use crate::dynamo::transact::Change;
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetter, DeadLetterState, ReplayTrace};
use spillway_core::failure::FailureClass;
use spillway_core::ids::{EventType, Fingerprint, MessageId};

/// In the place of a state: letters in any.
pub(crate) const EVERY_STATE: &str = "all";
/// Bytes of the last failure's message in the index.
const LONGEST_MESSAGE: usize = 1000;
/// The partition of all counters.
pub(crate) const COUNTS: &str = "counts";
/// Bytes of an event type or id in a key. Core's own limit is 1,024 bytes; DynamoDB's is 1,024 for a whole sort key. What
/// is longer came in a body that is no valid event.
const LONGEST_IN_KEY: usize = 900;
/// Bytes of a partition key at most ("Constraints in Amazon DynamoDB").
const LONGEST_PARTITION_KEY: usize = 2048;

/// A dead letter, as the index has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub id: MessageId,
    pub state: DeadLetterState,
    pub archived_at: Timestamp,
    pub fingerprint: Fingerprint,
    pub class: FailureClass,
    pub message: String,
    pub event_id: Option<String>,
    pub source: Option<String>,
    pub event_type: Option<EventType>,
    pub generation: u32,
    pub receive_count: u32,
    pub replays: Vec<ReplayTrace>,
    pub is_foreign: bool,
}

/// The primary key of a dead letter's item.
pub(crate) fn key(id: &MessageId) -> Item {
    item([("pk", text(format!("letter#{id}"))), ("sk", text("letter"))])
}

/// The id in the partition key of a dead letter's item.
pub(crate) fn letter_id(pk: &str) -> Option<MessageId> {
    pk.strip_prefix("letter#").map(MessageId::new)
}

/// An event's id as a key of the index.
pub(crate) fn event_key(event_id: &str) -> &str {
    cut(event_id, LONGEST_PARTITION_KEY)
}

impl Entry {
    pub fn of(letter: &DeadLetter) -> Self {
        let last = letter.last_failure();
        Self {
            id: letter.id.clone(),
            state: letter.state.clone(),
            archived_at: letter.archived_at,
            fingerprint: letter.fingerprint.clone(),
            class: last.map_or(FailureClass::ConsumerCrash, |failure| failure.class),
            message: cut(last.map_or("", |failure| &failure.message), LONGEST_MESSAGE).to_owned(),
            event_id: letter.key.as_ref().map(|key| key.id.to_string()),
            source: letter.key.as_ref().map(|key| key.source.to_string()),
            event_type: letter.event_type.clone(),
            generation: letter.generation,
            receive_count: letter.receive_count,
            replays: letter.replays.clone(),
            is_foreign: letter.is_foreign,
        }
    }

    /// The key by which every index sorts: the time, and the id so that a page ends at a definite item.
    pub fn archived_key(&self) -> String {
        format!("{}#{}", time_key(self.archived_at), self.id)
    }

    /// The counter that counts it: [`count_key`] of its state.
    pub fn count_key(&self) -> String {
        count_key(self.state.name(), &self.fingerprint, self.event_type.as_ref().map(EventType::as_str))
    }

    pub fn item(&self, shards: u32) -> Item {
        let mut all = key(&self.id);
        all.extend(self.attributes(shards).into_iter().map(|(name, value)| (name.to_owned(), value)));
        all
    }

    /// The change that turns the item of `before` into this one. Its condition is that no other writer
    /// changed the item meanwhile.
    pub fn replace(&self, before: &Self, shards: u32) -> Change {
        let change = Change::default()
            .if_is("state_document", text(json(&before.state)))
            .if_is("archived_key", text(before.archived_key()));
        self.attributes(shards).into_iter().fold(change, |change, (name, value)| change.set(name, value))
    }

    fn attributes(&self, shards: u32) -> Vec<(&'static str, aws_sdk_dynamodb::types::AttributeValue)> {
        let (state, shard) = (self.state.name(), shard(&self.id, shards));
        let mut all = vec![
            ("age_bucket", text(format!("{EVERY_STATE}#{shard}"))),
            ("time_bucket", text(format!("{state}#{shard}"))),
            ("group_bucket", text(format!("{state}#{}#{shard}", self.fingerprint))),
            ("archived_key", text(self.archived_key())),
            ("state_document", text(json(&self.state))),
            ("archived_at", text(self.archived_at.to_string())),
            ("fingerprint", text(self.fingerprint.as_str())),
            ("class", text(self.class.as_str())),
            ("message", text(self.message.as_str())),
            ("generation", number(self.generation.into())),
            ("receive_count", number(self.receive_count.into())),
            ("replays", text(json(&self.replays))),
        ];
        // An index leaves out items without its key, and refuses an empty one.
        if let Some(event_type) = self.event_type.as_ref().filter(|name| !name.as_str().is_empty()) {
            all.push(("type_bucket", text(format!("{state}#{}#{shard}", in_key(event_type.as_str())))));
            all.push(("type", text(event_type.as_str())));
        }
        if let Some(event_id) = self.event_id.as_ref().filter(|id| !id.is_empty()) {
            all.push(("event_id", text(event_key(event_id))));
        }
        if self.is_foreign {
            all.push(("is_foreign", number(1)));
        }
        if let Some(source) = &self.source {
            all.push(("source", text(in_key(source))));
        }
        all
    }

    pub fn read(item: &Item) -> Result<Self, CallError> {
        let broken = || CallError {
            decision: RetryDecision::Refused,
            code: None,
            text: format!(
                "the index has an item that can't be read: {}",
                text_of(item, "pk").unwrap_or("without a key")
            ),
        };
        Self::read_item(item).ok_or_else(broken)
    }

    fn read_item(item: &Item) -> Option<Self> {
        Some(Self {
            id: letter_id(text_of(item, "pk")?)?,
            state: serde_json::from_str(text_of(item, "state_document")?).ok()?,
            archived_at: time_of(item, "archived_at")?,
            fingerprint: Fingerprint::new(text_of(item, "fingerprint")?),
            class: FailureClass::parse(text_of(item, "class")?)?,
            message: text_of(item, "message")?.to_owned(),
            event_id: text_of(item, "event_id").map(str::to_owned),
            source: text_of(item, "source").map(str::to_owned),
            event_type: text_of(item, "type").map(EventType::new),
            generation: u32::try_from(number_of(item, "generation")?).ok()?,
            receive_count: u32::try_from(number_of(item, "receive_count")?).ok()?,
            replays: serde_json::from_str(text_of(item, "replays")?).ok()?,
            is_foreign: number_of(item, "is_foreign").is_some(),
        })
    }
}

/// A time as keys have it: UTC with milliseconds, so that text sorts as time does.
pub(crate) fn time_key(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// The name of a counter. The type may hold a `#`, so it is last.
pub(crate) fn count_key(state: &str, fingerprint: &Fingerprint, event_type: Option<&str>) -> String {
    format!("{state}#{fingerprint}#{}", event_type.map(in_key).unwrap_or_default())
}

/// The key of a part of a counter. All parts of all counters are in one partition, so that one query reads them. A
/// transaction changes few of them, and each is an item of its own: what DynamoDB takes in one partition is enough for
/// thousands of letters a second.
pub(crate) fn count_item_key(part: u32, name: &str) -> Item {
    item([("pk", text(COUNTS)), ("sk", text(format!("{part}#{name}")))])
}

/// The part of an index in which a dead letter is. It must never change for an id.
pub(crate) fn shard(id: &MessageId, shards: u32) -> u32 {
    let hash = id
        .as_str()
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash % shards.max(1)
}

/// A text chosen by a sender, shortened for use in a key.
pub(crate) fn in_key(text: &str) -> &str {
    cut(text, LONGEST_IN_KEY)
}

fn cut(text: &str, longest: usize) -> &str {
    &text[..text.floor_char_boundary(longest)]
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::letter;

    #[test]
    fn an_entry_survives_its_item() {
        let entry = Entry::of(&letter("m-1", "e-1"));
        assert_eq!(Entry::read(&entry.item(8)).unwrap(), entry);
    }

    #[test]
    fn keys_sort_by_time_and_find_the_letter_again() {
        let mut earlier = letter("z", "e");
        earlier.archived_at = "2026-03-01T12:00:00.9Z".parse().unwrap();
        let mut later = letter("a", "e");
        later.archived_at = "2026-03-01T12:00:01Z".parse().unwrap();
        let (earlier, later) = (Entry::of(&earlier).archived_key(), Entry::of(&later).archived_key());
        assert_eq!(earlier, "2026-03-01T12:00:00.900Z#z");
        assert!(earlier < later);
    }

    #[test]
    fn an_event_id_of_any_legal_length_is_its_own_key() {
        let id = "i".repeat(1024);
        assert_eq!(text_of(&Entry::of(&letter("m", &id)).item(8), "event_id"), Some(&*id));
    }

    #[test]
    fn what_a_sender_wrote_never_makes_a_key_that_dynamodb_refuses() {
        let mut odd = letter("m", "");
        odd.event_type = Some(EventType::new(""));
        let item = Entry::of(&odd).item(8);
        assert!(!item.contains_key("event_id") && !item.contains_key("type_bucket"));
        let mut long = letter("m", &"é".repeat(2000));
        long.event_type = Some(EventType::new("t".repeat(5000)));
        let entry = Entry::of(&long);
        assert!(text_of(&entry.item(8), "event_id").unwrap().len() <= LONGEST_PARTITION_KEY);
        assert!(text_of(&count_item_key(7, &entry.count_key()), "sk").unwrap().len() <= 1024);
        assert!(text_of(&entry.item(8), "type_bucket").unwrap().len() <= 2048);
    }

    #[test]
    fn ids_spread_over_the_shards_and_stay_there() {
        let shards: Vec<_> = (0..800).map(|i| shard(&MessageId::new(format!("id-{i}")), 8)).collect();
        for number in 0..8 {
            let share = shards.iter().filter(|shard| **shard == number).count();
            assert!((50..150).contains(&share), "shard {number} has {share} of 800");
        }
        assert_eq!(shard(&"0b3ff4b2-9d3f-4a63-9d5b-6f8f0f6f7a10".into(), 8), 3);
    }
}
