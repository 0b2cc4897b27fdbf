//! What to do about a dead letter, by the kind of its failure and by what is known of the schema and of good events.

use crate::Timestamp;
use crate::dead_letter::{DeadLetter, DeadLetterState};
use crate::event::Event;
use crate::failure::FailureClass;
use crate::ports::StoredEvent;
use crate::schema::{SchemaSet, SchemaSource, Violation};
use jiff::SignedDuration;
use serde::Serialize;

/// A schema that changed so shortly before the first failure is the likely cause.
const SHORTLY: SignedDuration = SignedDuration::from_hours(1);

/// What has to be fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Fix {
    /// Nothing any more: a replay passes the checks.
    Replay,
    /// The sender: good events of the type pass.
    Sender,
    /// The schema: good events of the type break it too, or it has just changed, or it can't be used.
    Schema,
    /// One of both. What is known does not say which.
    SenderOrSchema,
    /// The sender: the body is no CloudEvent.
    Envelope,
    /// The sender: the event is larger than the store takes.
    Size,
    /// The store.
    Store,
    /// The consumer.
    Consumer,
    /// Nothing that is known: somebody moved it to the DLQ.
    Moved,
    /// The archive: its content is gone.
    Content,
    /// Nothing: a replay of it runs.
    Wait,
    /// Nothing: it is stored.
    Done,
    /// Nothing: it was discarded.
    Restore,
}

impl Fix {
    /// What to do, in short sentences.
    pub fn text(self) -> &'static str {
        match self {
            Self::Replay => "It passes the consumer's checks now. Replay it.",
            Self::Sender => {
                "Fix the sender and let it send these events again. A replay never changes a body: it works only if the \
                 schema accepts both forms."
            }
            Self::Schema => "Fix the schema, then replay.",
            Self::SenderOrSchema => "Fix the sender or the schema. After a fix of the schema, replay.",
            Self::Envelope => {
                "The body is not a CloudEvent, so no replay can help. Fix the sender, then discard it."
            }
            Self::Size => {
                "The event is larger than the store takes. Let the sender make it smaller and send it again, then discard it."
            }
            Self::Store => "The event itself is fine. Wait until the store works again, then replay.",
            Self::Consumer => {
                "The consumer ended before it answered. Find the cause in its log and fix it, then replay."
            }
            Self::Moved => "Somebody moved it to the DLQ. Find out why, then replay or discard it.",
            Self::Content => {
                "Its content is gone from the archive. Recover it with spillway dlq recover, then replay."
            }
            Self::Wait => "A replay of it runs. Wait for its result.",
            Self::Done => "It is stored. Nothing is left to do.",
            Self::Restore => "It was discarded. Restore it to replay it.",
        }
    }

    /// The name on the wire, such as `sender_or_schema`.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What the advice follows from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    /// The last good event of the type passes the schema, so the sender sends another form.
    GoodPasses {
        /// When it was stored.
        stored_at: Timestamp,
        /// Whether that was after the first of these failures: the sender also sends good ones since.
        is_later: bool,
    },
    /// An event that was stored would fail now too, so the schema is stricter than it was.
    GoodFails {
        /// When it was stored.
        stored_at: Timestamp,
    },
    /// The schema changed shortly before the first of these failures.
    SchemaChanged {
        /// Its file.
        file: String,
        /// When.
        at: Timestamp,
    },
    /// The schema of the type can't be used.
    SchemaUnusable {
        /// Why.
        reason: String,
    },
}

impl Evidence {
    /// In one sentence. `time` writes a time as its reader has it.
    pub fn text(&self, time: impl Fn(Timestamp) -> String) -> String {
        match self {
            Self::GoodPasses { stored_at, is_later: false } => {
                format!(
                    "The last good event passes this schema. It was stored at {}, before the first of these.",
                    time(*stored_at)
                )
            }
            Self::GoodPasses { stored_at, is_later: true } => {
                format!("Other events of this type pass. The last was stored at {}.", time(*stored_at))
            }
            Self::GoodFails { stored_at } => {
                format!(
                    "An event that was stored at {} would fail now too. The schema is stricter than it was.",
                    time(*stored_at)
                )
            }
            Self::SchemaChanged { file, at } => {
                format!("{file} changed at {}, shortly before the first of these.", time(*at))
            }
            Self::SchemaUnusable { reason } => format!("The schema can't be used: {reason}."),
        }
    }
}

/// What to do, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// What has to be fixed.
    pub fix: Fix,
    /// What to do, in words.
    pub text: &'static str,
    /// What it follows from, if that is not the failure alone.
    pub evidence: Option<Evidence>,
}

/// What is known of a dead letter.
pub(super) struct Case<'a> {
    pub letter: &'a DeadLetter,
    pub class: Option<FailureClass>,
    pub schemas: &'a SchemaSet,
    /// What is wrong by the current schema.
    pub violation: Option<&'a Violation>,
    pub is_malformed: bool,
    pub schema: Option<&'a SchemaSource>,
    pub good: Option<&'a StoredEvent>,
    /// When the first of the group failed.
    pub since: Timestamp,
}

impl Advice {
    pub(super) fn of(case: &Case<'_>) -> Self {
        let (fix, evidence) = case.fix();
        Self { fix, text: fix.text(), evidence }
    }
}

impl Case<'_> {
    fn fix(&self) -> (Fix, Option<Evidence>) {
        let fix = match (&self.letter.state, self.class) {
            (DeadLetterState::Stored { .. }, _) => Fix::Done,
            (DeadLetterState::Replaying { .. }, _) => Fix::Wait,
            (DeadLetterState::Discarded { .. }, _) => Fix::Restore,
            (DeadLetterState::Archived, _) if self.letter.is_lost => Fix::Content,
            (DeadLetterState::Archived, _) if self.is_malformed => Fix::Envelope,
            (DeadLetterState::Archived, _) if self.violation.is_some() => return self.sender_or_schema(),
            (DeadLetterState::Archived, class) => match class {
                Some(FailureClass::TooLarge) => Fix::Size,
                Some(
                    FailureClass::StoreThrottled
                    | FailureClass::StoreUnavailable
                    | FailureClass::StoreTimeout,
                ) => Fix::Store,
                Some(FailureClass::ConsumerCrash) => Fix::Consumer,
                Some(FailureClass::Unprocessed) => Fix::Moved,
                Some(FailureClass::Schema | FailureClass::Malformed) | None => Fix::Replay,
            },
        };
        (fix, None)
    }

    /// Who changed: the sender or the schema.
    fn sender_or_schema(&self) -> (Fix, Option<Evidence>) {
        let refused =
            self.letter.event_type.as_ref().and_then(|name| self.schemas.refused().get(name.as_str()));
        if let Some(reason) = refused {
            return (Fix::Schema, Some(Evidence::SchemaUnusable { reason: reason.to_string() }));
        }
        if let Some(good) = self.good {
            let stored_at = good.stored_at;
            let event = Event::from_structured(good.body.as_bytes());
            let passes = event.is_ok_and(|event| self.schemas.check(&event).is_ok());
            return match passes {
                true => {
                    let is_later = stored_at > self.since;
                    (Fix::Sender, Some(Evidence::GoodPasses { stored_at, is_later }))
                }
                false => (Fix::Schema, Some(Evidence::GoodFails { stored_at })),
            };
        }
        let changed = self.schema.and_then(|schema| Some((schema, schema.changed_at?)));
        match changed {
            Some((schema, at)) if at <= self.since && self.since.duration_since(at) <= SHORTLY => {
                (Fix::Schema, Some(Evidence::SchemaChanged { file: schema.file.clone(), at }))
            }
            _ => (Fix::SenderOrSchema, None),
        }
    }
}
