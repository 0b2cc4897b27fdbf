//! Dead letters: what the archive keeps of an event that could not be stored.

mod glance;
mod spread;

pub use glance::Glance;
pub use spread::{Counting, Hour, Share, Shares, Spread};

use crate::Timestamp;
use crate::failure::{Failure, FailureClass};
use crate::ids::{EventKey, EventType, Fingerprint, MessageId, ReplayId};
use crate::ledger::Place;
use crate::message::MessageAttributes;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// The state of a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DeadLetterState {
    /// In the archive. It waits for an operator to replay or discard it.
    Archived,
    /// Put back to the primary queue; neither stored nor back yet.
    Replaying {
        /// The replay that put it back.
        replay_id: ReplayId,
    },
    /// Its event is in the store: the replay has succeeded.
    Stored {
        /// The replay that stored it.
        replay_id: ReplayId,
        /// When.
        at: Timestamp,
    },
    /// Discarded by a named person with a reason. Can be undone.
    Discarded {
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
}

impl DeadLetterState {
    /// The state without its data.
    pub fn status(&self) -> DeadLetterStatus {
        match self {
            Self::Archived => DeadLetterStatus::Archived,
            Self::Replaying { .. } => DeadLetterStatus::Replaying,
            Self::Stored { .. } => DeadLetterStatus::Stored,
            Self::Discarded { .. } => DeadLetterStatus::Discarded,
        }
    }

    /// The name on the wire: `archived`, `replaying`, `stored` or `discarded`.
    pub fn name(&self) -> &'static str {
        self.status().as_str()
    }
}

/// A [`DeadLetterState`] without its data: what filters and indexes use.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DeadLetterStatus {
    /// In the archive, waiting for an operator.
    Archived,
    /// Put back to the primary queue; neither stored nor back yet.
    Replaying,
    /// Its event is in the store.
    Stored,
    /// Discarded by a named person.
    Discarded,
}

impl DeadLetterStatus {
    /// All statuses.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Where the event of such a dead letter is.
    pub fn place(self) -> Place {
        match self {
            Self::Archived => Place::Archived,
            Self::Replaying => Place::Replaying,
            Self::Stored => Place::Stored,
            Self::Discarded => Place::Discarded,
        }
    }

    /// The name on the wire, such as `archived`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// How a replay of one dead letter ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayTrace {
    /// The replay.
    pub replay_id: ReplayId,
    /// When it was put back.
    pub sent_at: Timestamp,
    /// When it was stored or back in the archive; `None` while it is under way.
    pub ended_at: Option<Timestamp>,
    /// Whether its event was stored; `None` while it is under way.
    pub stored: Option<bool>,
}

/// A dead letter with everything that is needed to understand it and to put it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The id of the message with which its event was accepted. It stays the same through every replay.
    pub id: MessageId,
    /// The event's key, if the body could be read that far.
    pub key: Option<EventKey>,
    /// The event's type, if the body could be read that far.
    pub event_type: Option<EventType>,
    /// The body, byte for byte.
    pub body: String,
    /// The message attributes, byte for byte, without those that Spillway adds.
    pub attributes: MessageAttributes,
    /// `AWSTraceHeader`, so that a replay's trace can link to the first one.
    pub trace_header: Option<String>,
    /// When the event was first sent. SQS lets a dead letter expire by it.
    pub first_sent_at: Timestamp,
    /// When it was archived last.
    pub archived_at: Timestamp,
    /// Receives before it was given up, in its last generation.
    pub receive_count: u32,
    /// Times that it was put back.
    pub generation: u32,
    /// Whether its message was put into a queue past the API, so that no client has a promise for it. On one machine
    /// nobody can do that, and it is not kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_foreign: bool,
    /// Whether its content is gone from the archive: body, message attributes and all but the last failure are unknown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_lost: bool,
    /// What fits into a line of a list, where a view without the body was read. See [`Self::glance`].
    #[serde(skip)]
    pub glance: Option<Glance>,
    /// All known failures, oldest first.
    pub failures: Vec<Failure>,
    /// Equal for all dead letters that failed for the same reason.
    pub fingerprint: Fingerprint,
    /// Its state.
    #[serde(flatten)]
    pub state: DeadLetterState,
    /// Its replays, oldest first.
    pub replays: Vec<ReplayTrace>,
}

impl DeadLetter {
    /// The failure that sent it to the DLQ.
    pub fn last_failure(&self) -> Option<&Failure> {
        self.failures.last()
    }

    /// What fits into a line of a list.
    pub fn glance(&self) -> Glance {
        self.glance.clone().unwrap_or_else(|| Glance::of(self))
    }
}

/// Selects dead letters. An empty filter selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeadLetterFilter {
    /// Only in these states; empty: all.
    pub states: Vec<DeadLetterStatus>,
    /// Only this type.
    pub event_type: Option<String>,
    /// Only this class of the last failure.
    pub class: Option<FailureClass>,
    /// Only with this fingerprint.
    pub fingerprint: Option<Fingerprint>,
    /// Only where one of these contains this text: the last failure's message, the event id, the dead
    /// letter's own id. Letter case is ignored, by Unicode's rules ([`SearchWords`]); every character is
    /// literal.
    pub contains: Option<String>,
    /// Only archived at this time or later.
    pub from: Option<Timestamp>,
    /// Only archived before this time.
    pub to: Option<Timestamp>,
}

/// Words to search for, in any letter case. Every adapter of the archive compares with this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchWords(String);

impl SearchWords {
    /// Prepares words for comparing.
    pub fn new(words: &str) -> Self {
        Self(Self::fold(words))
    }

    /// Whether one of the texts contains the words.
    pub fn are_in<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> bool {
        texts.into_iter().any(|text| self.is_in(text))
    }

    /// Most texts are ASCII. Among a million of them, a copy of each would take most of the time.
    fn is_in(&self, text: &str) -> bool {
        let words = self.0.as_bytes();
        if words.is_empty() || !text.is_ascii() {
            return Self::fold(text).contains(&self.0);
        }
        text.as_bytes().windows(words.len()).any(|part| part.eq_ignore_ascii_case(words))
    }

    /// A text without its letter case. Upper case comes first, so that "ß" is "ss" and a final "ς" is a "σ".
    fn fold(text: &str) -> String {
        if text.is_ascii() {
            return text.to_ascii_lowercase();
        }
        text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// How many match in all.
    pub total: u64,
    /// Pass this to get the next page; `None` on the last.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The page of a complete list that begins after `after`, the `next` of the page before.
    pub fn of(all: Vec<T>, after: Option<&str>, limit: usize) -> Self {
        let total = all.len();
        let start = Self::start(after);
        let items: Vec<_> = all.into_iter().skip(start).take(limit).collect();
        let next = Self::next(start, items.len(), limit, total);
        Self { items, total: total as u64, next }
    }

    /// How many items are before a page. For lists whose cursor is that number.
    pub fn start(after: Option<&str>) -> usize {
        after.and_then(|after| after.parse().ok()).unwrap_or(0)
    }

    /// The cursor for the page after one that begins at `start` and has so many items of all.
    pub fn next(start: usize, items: usize, limit: usize, total: usize) -> Option<String> {
        let end = start.saturating_add(items);
        (limit > 0 && items > 0 && end < total).then(|| end.to_string())
    }
}

/// Dead letters that failed for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterGroup {
    /// The fingerprint that they share.
    pub fingerprint: Fingerprint,
    /// The class of their last failure.
    pub class: FailureClass,
    /// The last failure's message of the newest of them.
    pub message: String,
    /// Their type, if all have the same.
    pub event_type: Option<EventType>,
    /// Number of dead letters.
    pub count: u64,
    /// When the first of them was archived.
    pub first_at: Timestamp,
    /// When the last of them was archived.
    pub last_at: Timestamp,
    /// The newest of them.
    pub example: MessageId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_letter_case_of_any_script() {
        for (words, text) in [
            ("CAPACITY", "over capacity"),
            ("état", "L'ÉTAT"),
            ("größe", "GRÖSSE"),
            ("GRÖSSE", "größe"),
            ("ΟΔΟΣ", "οδος"),
            ("привет", "ПРИВЕТ"),
            ("", "anything"),
        ] {
            assert!(SearchWords::new(words).are_in([text]), "{words} in {text}");
        }
        assert!(!SearchWords::new("etat").are_in(["L'ÉTAT"]), "an accent is not letter case");
        assert!(!SearchWords::new("ab").are_in(["a", "b"]), "not across two texts");
    }
}
