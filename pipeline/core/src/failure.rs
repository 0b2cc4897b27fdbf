//! Why an event could not be stored.

use crate::Timestamp;
use crate::ids::{CodeVersion, EventType, Fingerprint};
use crate::ports::is_carried;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strum::{IntoStaticStr, VariantArray};

/// The kind of failure, which decides between retrying and giving up.
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
    strum::Display,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FailureClass {
    /// The body is no CloudEvent. A retry cannot help: the body won't change.
    Malformed,
    /// The data breaks the schema of its type. A retry cannot help until the schema or the data is fixed.
    Schema,
    /// Larger than the store accepts (DynamoDB: 400 KB an item). A retry cannot help.
    TooLarge,
    /// The store is over its capacity and refused. A later try can succeed.
    StoreThrottled,
    /// The store did not answer, or answered with an internal error. A later try can succeed.
    StoreUnavailable,
    /// The store did not answer in time. The write may even have happened; writes are idempotent.
    StoreTimeout,
    /// The consumer ended before it answered for this record (crash, timeout). Only the receive count shows
    /// this.
    ConsumerCrash,
    /// Somebody put it straight into the DLQ, so no consumer received it.
    Unprocessed,
}

impl FailureClass {
    /// Whether a later attempt can succeed although nothing was changed.
    pub fn is_retryable(self) -> bool {
        match self {
            Self::Malformed | Self::Schema | Self::TooLarge => false,
            Self::StoreThrottled
            | Self::StoreUnavailable
            | Self::StoreTimeout
            | Self::ConsumerCrash
            | Self::Unprocessed => true,
        }
    }

    /// The name on the wire, such as `store_throttled`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Every class, for filters and parsing.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The class with that name on the wire.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|class| class.as_str() == name)
    }
}

/// Bytes of a failure's message at most. A message can quote names of the payload, which can be as long as the payload.
pub const MAX_MESSAGE_BYTES: usize = 4096;

/// Bytes of a group key at most.
const MAX_GROUP_KEY_BYTES: usize = 512;

/// Why something failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Reason {
    /// What happened, in words: `/amount: expected number, found string`. It has at most [`MAX_MESSAGE_BYTES`].
    pub message: String,
    /// What equal failures have in common, if the message can quote names of the payload. It has none of them.
    pub group_key: Option<String>,
}

impl Reason {
    /// A reason whose message can quote names of the payload. Both texts are cut if they are too long.
    pub fn grouped(message: impl Into<String>, group_key: impl Into<String>) -> Self {
        let mut group_key = group_key.into();
        if group_key.len() > MAX_GROUP_KEY_BYTES {
            // The end of a location is its most precise part.
            group_key.drain(..group_key.ceil_char_boundary(group_key.len() - MAX_GROUP_KEY_BYTES));
        }
        Self { message: transportable(message.into()), group_key: Some(transportable(group_key)) }
    }

    /// What equal failures have in common.
    pub fn group(&self) -> &str {
        self.group_key.as_deref().unwrap_or(&self.message)
    }
}

impl From<String> for Reason {
    fn from(message: String) -> Self {
        Self { message: transportable(message), group_key: None }
    }
}

impl From<&str> for Reason {
    fn from(message: &str) -> Self {
        message.to_owned().into()
    }
}

/// A failure that happened once or several times in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind of failure.
    pub class: FailureClass,
    /// What happened, in words: `/amount: expected number, found string`.
    pub message: String,
    /// What equal failures have in common, if it is not the message: see [`Reason::group_key`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_key: Option<String>,
    /// The version of the code in which it happened.
    pub version: CodeVersion,
    /// How many attempts ended this way.
    pub count: u32,
    /// When the first of them ended.
    pub first_at: Timestamp,
    /// When the last of them ended.
    pub last_at: Timestamp,
}

impl Failure {
    /// A failure that has just happened.
    pub fn new(
        class: FailureClass,
        reason: impl Into<Reason>,
        version: &CodeVersion,
        now: Timestamp,
    ) -> Self {
        let Reason { message, group_key } = reason.into();
        Self { class, message, group_key, version: version.clone(), count: 1, first_at: now, last_at: now }
    }

    /// Adds this failure to a history: counted with the newest one if it is the same again.
    pub fn add_to(self, history: &mut Vec<Self>) {
        match history.last_mut() {
            Some(last)
                if last.class == self.class
                    && last.message == self.message
                    && last.version == self.version =>
            {
                last.count += self.count;
                last.last_at = self.last_at;
            }
            _ => history.push(self),
        }
    }

    /// The group of dead letters that failed for the same reason. In messages all digits count as equal, so that "item of
    /// 412,003 bytes" and "item of 980,114 bytes" are one group. A retryable failure affects all types alike.
    pub fn fingerprint(&self, event_type: Option<&EventType>) -> Fingerprint {
        let mut digest = Sha256::new();
        digest.update(self.class.as_str());
        if !self.class.is_retryable() {
            digest.update([0]);
            digest.update(event_type.map_or("", EventType::as_str));
        }
        digest.update([0]);
        if let Some(group_key) = &self.group_key {
            digest.update([0]);
            digest.update(group_key);
            return fingerprint(digest);
        }
        let mut in_number = false;
        for c in self.message.chars() {
            let digit = c.is_ascii_digit() || (in_number && (c == ',' || c == '.'));
            if !digit {
                digest.update(c.to_string());
            } else if !in_number {
                digest.update("#");
            }
            in_number = digit;
        }
        fingerprint(digest)
    }
}

fn fingerprint(digest: Sha256) -> Fingerprint {
    Fingerprint::new(digest.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// The text as every queue accepts it: cut if it is too long, and without the characters that SQS refuses in a message
/// ("SendMessage" in the SQS API reference).
fn transportable(text: String) -> String {
    shortened(&text, MAX_MESSAGE_BYTES).replace(|c: char| !is_carried(c), "\u{fffd}")
}

/// A text of at most so many bytes. If it was longer, it ends with an ellipsis.
pub fn shortened(text: &str, most_bytes: usize) -> String {
    if text.len() <= most_bytes {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(most_bytes.saturating_sub('…'.len_utf8()));
    format!("{}…", &text[..end])
}

/// Whether a character can change what a terminal or a page shows of other characters: a control character, or one that
/// changes the direction of text.
pub fn controls_display(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A part of a payload on one line, for people: characters that could change what is shown of others are escaped as in JSON.
pub fn printable(text: &str) -> String {
    if !text.contains(controls_display) {
        return text.to_owned();
    }
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' | '\r' => printable.push(' '),
            c if controls_display(c) => printable.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => printable.push(c),
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_change_the_display_are_escaped() {
        assert_eq!(printable("a\u{202e}b\u{7}\n\u{9b}é"), "a\\u202eb\\u0007 \\u009bé");
    }

    fn failure(message: &str) -> Failure {
        Failure::new(FailureClass::Schema, message, &"v1".into(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_same_failure_again_is_counted() {
        let mut history = Vec::new();
        failure("a").add_to(&mut history);
        failure("a").add_to(&mut history);
        failure("b").add_to(&mut history);
        assert_eq!(history.iter().map(|f| f.count).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn a_message_is_bounded_and_has_only_characters_that_a_queue_accepts() {
        assert_eq!(failure("/a\u{ffff}\u{fffe}\u{1}\t: é").message, "/a\u{fffd}\u{fffd}\u{fffd}\t: é");
        let long = failure(&"é".repeat(100_000)).message;
        assert!(long.len() <= MAX_MESSAGE_BYTES && long.len() > MAX_MESSAGE_BYTES - 8, "{}", long.len());
        assert!(long.ends_with("é…"));
    }

    #[test]
    fn failures_with_one_group_key_are_one_group_whatever_their_messages_say() {
        let order = EventType::new("order");
        let print = |message: &str, key: &str| {
            let reason = Reason::grouped(message, key);
            Failure::new(FailureClass::Schema, reason, &"v1".into(), Timestamp::UNIX_EPOCH)
                .fingerprint(Some(&order))
        };
        assert_eq!(
            print("'a' was unexpected", "#/additionalProperties"),
            print("'b' was", "#/additionalProperties")
        );
        assert_ne!(print("a", "#/allOf/0/type"), print("a", "#/allOf/1/type"));
        assert_ne!(print("a", "a"), failure("a").fingerprint(Some(&order)));
        let long = Reason::grouped("m".repeat(10_000), "é".repeat(10_000)).group_key.unwrap();
        assert!(long.len() <= MAX_GROUP_KEY_BYTES && long.len() > MAX_GROUP_KEY_BYTES - 4, "{}", long.len());
    }

    #[test]
    fn fingerprints_ignore_numbers_but_not_words_or_types() {
        let order = EventType::new("order");
        let print = |message: &str| failure(message).fingerprint(Some(&order));
        assert_eq!(print("item of 412,003 bytes"), print("item of 98 bytes"));
        assert_ne!(print("item too big"), print("item too small"));
        assert_ne!(print("a"), failure("a").fingerprint(Some(&"user".into())));
        assert_eq!(print("a").as_str().len(), 16);
    }
}
