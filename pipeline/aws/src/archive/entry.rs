//! A dead letter in the index: all of it but what can be large. Body, message attributes and failures are in S3. A glance at the
//! body is here, so that a list reads no objects.

use crate::dynamo::item::{Item, item, number, number_of, text, text_of, time_of};
use crate::dynamo::transact::Change;
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetter, DeadLetterState, DeadLetterStatus, Glance, ReplayTrace};
use spillway_core::failure::FailureClass;
use spillway_core::ids::{CodeVersion, EventType, Fingerprint, MessageId, ReplayId};

/// In the place of a state: letters in any.
pub(crate) const EVERY_STATE: &str = "all";
/// The key by which letters in any state are found. Items of older versions do not have it.
const AGE_BUCKET: &str = "age_bucket";
/// Bytes of the last failure's message in the index.
const LONGEST_MESSAGE: usize = 1000;
/// The partition of all counters.
pub(crate) const COUNTS: &str = "counts";
/// Bytes of an event type or id in a key. Core's own limit is 1,024 bytes; DynamoDB's is 1,024 for a whole sort key. What
/// is longer came in a body that is no valid event.
const LONGEST_IN_KEY: usize = 900;
/// Bytes of a partition key at most ("Constraints in Amazon DynamoDB").
const LONGEST_PARTITION_KEY: usize = 2048;

/// Attributes that only some items have.
const OPTIONAL: [&str; 5] = ["type_bucket", "type", "event_id", "is_foreign", "source"];
/// Attributes by which a write recognises that no other writer has changed an item meanwhile.
const VERSION: [&str; 2] = ["state_document", "archived_key"];
const DAMAGED: &str = "the index's item of this dead letter is damaged: something else than Spillway changed it. `spillway dlq \
                       reindex` corrects it";

/// A dead letter, as the index has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub id: MessageId,
    pub state: DeadLetterState,
    pub archived_at: Timestamp,
    pub fingerprint: Fingerprint,
    pub class: FailureClass,
    pub message: String,
    /// The version of the consumer in which it failed last. Empty in entries of earlier versions of Spillway.
    pub version: CodeVersion,
    /// What a list shows of the body. Empty in entries of earlier versions of Spillway.
    pub glance: Glance,
    pub event_id: Option<String>,
    pub source: Option<String>,
    pub event_type: Option<EventType>,
    pub generation: u32,
    pub receive_count: u32,
    pub replays: Vec<ReplayTrace>,
    pub is_foreign: bool,
    /// Whether an older version wrote the item, so that a list of letters in any state does not find it. The next write adds
    /// what it lacks, and a rebuild of the index writes it.
    pub is_older: bool,
    /// What an item that another program changed has as its [`VERSION`].
    pub damage: Option<Item>,
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
            version: last.map_or_else(|| CodeVersion::new(""), |failure| failure.version.clone()),
            glance: letter.glance(),
            event_id: letter.key.as_ref().map(|key| key.id.to_string()),
            source: letter.key.as_ref().map(|key| key.source.to_string()),
            event_type: letter.event_type.clone(),
            generation: letter.generation,
            receive_count: letter.receive_count,
            replays: letter.replays.clone(),
            is_foreign: letter.is_foreign,
            is_older: false,
            damage: None,
        }
    }

    /// The key by which every index sorts: the time, and the id so that a page ends at a definite item.
    pub fn archived_key(&self) -> String {
        format!("{}#{}", time_key(self.archived_at), self.id)
    }

    /// What its item is once this was written.
    pub fn written(&self) -> Self {
        Self { is_older: false, damage: None, ..self.clone() }
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
        let attributes = self.attributes(shards);
        let change = match &before.damage {
            None => Change::default()
                .if_is("state_document", text(json(&before.state)))
                .if_is("archived_key", text(before.archived_key())),
            Some(version) => {
                let others =
                    OPTIONAL.into_iter().filter(|name| !attributes.iter().any(|(known, _)| known == name));
                let change = others.fold(Change::default(), Change::remove);
                VERSION.into_iter().fold(change, |change, name| match version.get(name) {
                    Some(value) => change.if_is(name, value.clone()),
                    None => change.if_absent(name),
                })
            }
        };
        attributes.into_iter().fold(change, |change, (name, value)| change.set(name, value))
    }

    fn attributes(&self, shards: u32) -> Vec<(&'static str, aws_sdk_dynamodb::types::AttributeValue)> {
        let (state, shard) = (self.state.name(), shard(&self.id, shards));
        let mut all = vec![
            (AGE_BUCKET, text(format!("{EVERY_STATE}#{shard}"))),
            ("time_bucket", text(format!("{state}#{shard}"))),
            ("group_bucket", text(format!("{state}#{}#{shard}", self.fingerprint))),
            ("archived_key", text(self.archived_key())),
            ("state_document", text(json(&self.state))),
            ("archived_at", text(self.archived_at.to_string())),
            ("fingerprint", text(self.fingerprint.as_str())),
            ("class", text(self.class.as_str())),
            ("message", text(self.message.as_str())),
            ("version", text(self.version.as_str())),
            ("glance", text(json(&self.glance))),
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

    /// Reads an item. What another program wrote into it, and what can't be read, is replaced: one such item must not make a list
    /// unavailable. Its message then says so. `None` if it is no dead letter's.
    pub fn read(item: &Item) -> Option<Self> {
        let id = letter_id(text_of(item, "pk")?)?;
        let whole = Self::read_whole(item, &id).filter(|entry| entry.is_found_by(item));
        Some(whole.unwrap_or_else(|| {
            tracing::warn!(dead_letter = %id, "the index has a damaged item");
            Self::read_damaged(item, id)
        }))
    }

    fn read_whole(item: &Item, id: &MessageId) -> Option<Self> {
        Some(Self {
            id: id.clone(),
            state: serde_json::from_str(text_of(item, "state_document")?).ok()?,
            archived_at: time_of(item, "archived_at")?,
            fingerprint: Fingerprint::new(text_of(item, "fingerprint")?),
            class: FailureClass::parse(text_of(item, "class")?)?,
            message: text_of(item, "message")?.to_owned(),
            version: CodeVersion::new(text_of(item, "version").unwrap_or_default()),
            glance: glance_of(item),
            event_id: text_of(item, "event_id").map(str::to_owned),
            source: text_of(item, "source").map(str::to_owned),
            event_type: text_of(item, "type").map(EventType::new),
            generation: u32::try_from(number_of(item, "generation")?).ok()?,
            receive_count: u32::try_from(number_of(item, "receive_count")?).ok()?,
            replays: serde_json::from_str(text_of(item, "replays")?).ok()?,
            is_foreign: number_of(item, "is_foreign").is_some(),
            is_older: !item.contains_key(AGE_BUCKET),
            damage: None,
        })
    }

    /// Whether the table's indexes have the item where queries for this entry search.
    fn is_found_by(&self, item: &Item) -> bool {
        let begins = |name: &str, key: String| text_of(item, name).is_some_and(|text| text.starts_with(&key));
        let state = self.state.name();
        text_of(item, "archived_key") == Some(&*self.archived_key())
            && (!item.contains_key(AGE_BUCKET) || begins(AGE_BUCKET, format!("{EVERY_STATE}#")))
            && begins("time_bucket", format!("{state}#"))
            && begins("group_bucket", format!("{state}#{}#", self.fingerprint))
    }

    fn read_damaged(item: &Item, id: MessageId) -> Self {
        // `STATE#FINGERPRINT#SHARD` and `TIME#ID`, by which queries find it.
        let mut bucket = text_of(item, "group_bucket").unwrap_or_default().split('#');
        let (status, fingerprint) = (bucket.next().unwrap_or_default(), bucket.next().unwrap_or_default());
        let key = text_of(item, "archived_key").unwrap_or_default();
        let archived_at = key.split_once('#').and_then(|(time, _)| time.parse().ok());
        let archived_at =
            archived_at.or_else(|| time_of(item, "archived_at")).unwrap_or(Timestamp::UNIX_EPOCH);
        let replays: Vec<ReplayTrace> =
            text_of(item, "replays").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let state = text_of(item, "state_document").and_then(|text| serde_json::from_str(text).ok());
        let number = |name| number_of(item, name).and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
        Self {
            state: state.unwrap_or_else(|| state_by_name(status, &replays, archived_at)),
            archived_at,
            fingerprint: Fingerprint::new(fingerprint),
            class: text_of(item, "class").and_then(FailureClass::parse).unwrap_or(FailureClass::Malformed),
            message: DAMAGED.to_owned(),
            version: CodeVersion::new(text_of(item, "version").unwrap_or_default()),
            glance: glance_of(item),
            event_id: text_of(item, "event_id").map(str::to_owned),
            source: text_of(item, "source").map(str::to_owned),
            event_type: text_of(item, "type").map(EventType::new),
            generation: number("generation"),
            receive_count: number("receive_count"),
            is_foreign: item.contains_key("is_foreign"),
            is_older: false,
            damage: Some(
                VERSION
                    .into_iter()
                    .filter_map(|name| Some((name.to_owned(), item.get(name)?.clone())))
                    .collect(),
            ),
            id,
            replays,
        }
    }
}

fn glance_of(item: &Item) -> Glance {
    text_of(item, "glance").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// The state by its name in a key, if its document can't be read.
fn state_by_name(name: &str, replays: &[ReplayTrace], at: Timestamp) -> DeadLetterState {
    let replay_id = replays.last().map_or_else(|| ReplayId::new("unknown"), |trace| trace.replay_id.clone());
    match name.parse() {
        Ok(DeadLetterStatus::Replaying) => DeadLetterState::Replaying { replay_id },
        Ok(DeadLetterStatus::Stored) => DeadLetterState::Stored { replay_id, at },
        Ok(DeadLetterStatus::Discarded) => {
            DeadLetterState::Discarded { by: "unknown".to_owned(), reason: DAMAGED.to_owned(), at }
        }
        Ok(DeadLetterStatus::Archived) | Err(_) => DeadLetterState::Archived,
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
    fn an_item_that_somebody_changed_is_read_as_damaged_and_the_next_write_corrects_it() {
        let entry = Entry::of(&letter("m-1", "e-1"));
        let whole = entry.item(8);
        let names: Vec<_> = whole.keys().filter(|name| !["pk", "sk"].contains(&name.as_str())).collect();
        for name in names {
            for wrong in [None, Some(text("x")), Some(number(-7)), Some(text("x#x"))] {
                let mut item = whole.clone();
                match wrong {
                    Some(value) => drop(item.insert(name.clone(), value)),
                    None => drop(item.remove(name)),
                }
                let read = Entry::read(&item).unwrap();
                assert_eq!((&read.id, read.state.name()), (&entry.id, "archived"), "{name}");
                let (conditions, removed) = match &read.damage {
                    // An older version did not write it.
                    None if name == AGE_BUCKET && !item.contains_key(AGE_BUCKET) => {
                        assert_eq!(read, Entry { is_older: true, ..entry.clone() });
                        continue;
                    }
                    // A text is as good as another, and so is none.
                    None if OPTIONAL.contains(&name.as_str())
                        || ["message", "version", "glance", "class", "archived_at"].contains(&&**name) =>
                    {
                        continue;
                    }
                    None => panic!("{name} is damaged: {item:?}"),
                    Some(version) => (version.clone(), OPTIONAL),
                };
                assert_eq!(read.message, DAMAGED);
                for name in VERSION {
                    assert_eq!(conditions.get(name), item.get(name), "a write expects what is there");
                }
                let change = format!("{:?}", entry.replace(&read, 8));
                assert!(removed.iter().all(|name| change.contains(name)), "{change}");
            }
        }
        assert!(Entry::read(&item([("pk", text("count#1"))])).is_none());
    }

    #[test]
    fn the_state_of_a_damaged_item_is_that_of_the_keys_by_which_it_is_found() {
        let mut replaying = letter("m-1", "e-1");
        replaying.state = DeadLetterState::Replaying { replay_id: "r1".into() };
        let mut item = Entry::of(&replaying).item(8);
        item.insert("state_document".to_owned(), text("{}"));
        let read = Entry::read(&item).unwrap();
        assert_eq!((read.state.name(), &read.fingerprint), ("replaying", &replaying.fingerprint));
        assert_eq!(read.archived_at, replaying.archived_at);
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
