//! Identifiers, each its own type, so that one can't be passed for another.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps text that is known to be one.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text itself, owned.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

string_id!(
    /// A CloudEvents `id`: unique within its source.
    EventId
);
string_id!(
    /// A CloudEvents `source`: a URI reference.
    EventSource
);
string_id!(
    /// A CloudEvents `type`, such as `order.placed`.
    EventType
);
string_id!(
    /// The id that a queue gave to a message when it was sent. A replay has a new one.
    MessageId
);
string_id!(
    /// The handle with which a receiver deletes or defers the message that it received.
    ReceiptHandle
);
string_id!(
    /// One run of a replay: a job over one or many dead letters.
    ReplayId
);
string_id!(
    /// Dead letters with the same fingerprint failed for the same reason. Sixteen hexadecimal digits.
    Fingerprint
);
string_id!(
    /// The deployed code, as failures record it: a version or a commit.
    CodeVersion
);

/// Characters of a message's or a replay's id at most, as SQS has it for messages.
const LONGEST_ID: usize = 100;

/// Whether a text that somebody sent has the form of an id that a queue or Spillway made. Such an id is safe in a key.
fn has_form(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !text.is_empty() && text.len() <= LONGEST_ID && text.bytes().all(is_plain)
}

impl MessageId {
    /// One that somebody sent; `None` if no queue makes such an id.
    pub fn parse(text: &str) -> Option<Self> {
        has_form(text).then(|| Self(text.to_owned()))
    }

    /// A new, random one.
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().to_string())
    }
}

impl ReplayId {
    /// One that somebody sent; `None` if Spillway makes no such id.
    pub fn parse(text: &str) -> Option<Self> {
        has_form(text).then(|| Self(text.to_owned()))
    }

    /// A new one. Ids of later replays sort after earlier ones.
    pub fn at(now: crate::Timestamp) -> Self {
        Self(uuid_v7(now).to_string())
    }
}

impl EventId {
    /// A new one for an event that came without. Later ids sort after earlier ones.
    pub fn at(now: crate::Timestamp) -> Self {
        Self(uuid_v7(now).to_string())
    }
}

fn uuid_v7(now: crate::Timestamp) -> uuid::Uuid {
    let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or(0);
    let time = uuid::Timestamp::from_unix(
        uuid::NoContext,
        milliseconds / 1000,
        u32::try_from(milliseconds % 1000).unwrap_or(0) * 1_000_000,
    );
    uuid::Uuid::new_v7(time)
}

/// What identifies an event permanently: its source and its id, as CloudEvents defines it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EventKey {
    /// Where it comes from.
    pub source: EventSource,
    /// Its id there.
    pub id: EventId,
}

impl EventKey {
    /// A key from its two parts.
    pub fn new(source: impl Into<String>, id: impl Into<String>) -> Self {
        Self { source: EventSource::new(source), id: EventId::new(id) }
    }
}

impl fmt::Display for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.id, self.source)
    }
}
