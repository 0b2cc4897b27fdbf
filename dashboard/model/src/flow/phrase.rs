//! Sentences with times and numbers, which each reader sees in their own zone and form.

use super::FlowSnapshot;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use spillway_dashboard_words::grouped;
use std::fmt;

/// A number that a page may show more than once. Each has one meaning, and one value on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Fact {
    /// Events that were accepted, from the beginning.
    Accepted,
    /// Events in the table.
    Stored,
    /// Events that can be received.
    Queued,
    /// Events that were received and are not settled.
    InFlight,
    /// Dead letters in the DLQ or the archive.
    DeadLetters,
    /// Dead letters in the DLQ.
    InDlq,
    /// Dead letters in the archive that wait for a decision.
    Archived,
    /// Dead letters that a replay has put back.
    Replaying,
    /// Dead letters that an operator discarded.
    Discarded,
    /// Events in no place, or in too many.
    Unaccounted,
    /// When the oldest message in the queue was sent.
    Oldest,
    /// When the first event moves to the DLQ.
    FirstDeadLetter,
}

impl Fact {
    /// Its name, such as `in-flight`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Its value, if it is a count.
    pub fn count(self, flow: &FlowSnapshot) -> Option<u64> {
        let ledger = &flow.ledger;
        Some(match self {
            Self::Accepted => ledger.accepted,
            Self::Stored => ledger.stored,
            Self::Queued => ledger.queued,
            Self::InFlight => ledger.in_flight,
            Self::DeadLetters => ledger.dead_lettered(),
            Self::InDlq => ledger.in_dlq,
            Self::Archived => ledger.archived,
            Self::Replaying => ledger.replaying,
            Self::Discarded => ledger.discarded,
            Self::Unaccounted => ledger.unaccounted().unsigned_abs(),
            Self::Oldest | Self::FirstDeadLetter => return None,
        })
    }
}

/// A sentence with times and numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phrase(pub Vec<Part>);

/// A part of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Words.
    Text(String),
    /// A time.
    Time(Timestamp),
    /// A time that may be on the page a second time.
    Moment(Fact, Timestamp),
    /// How long ago a time is: `6 min ago`, or in a text that is read later, `at 16:03`.
    Ago(Fact, Timestamp),
    /// A number that may be on the page a second time.
    Count(Fact, u64),
}

impl Phrase {
    /// A sentence without times.
    pub fn new(text: impl Into<String>) -> Self {
        Self::default().text(text)
    }

    /// Adds words.
    pub fn text(self, text: impl Into<String>) -> Self {
        self.with(Part::Text(text.into()))
    }

    /// Adds a time.
    pub fn time(self, at: Timestamp) -> Self {
        self.with(Part::Time(at))
    }

    /// Adds a part.
    pub fn with(mut self, part: Part) -> Self {
        self.0.push(part);
        self
    }

    /// Adds a number of the ledger.
    pub fn count(self, fact: Fact, flow: &FlowSnapshot) -> Self {
        match fact.count(flow) {
            Some(count) => self.with(Part::Count(fact, count)),
            None => self,
        }
    }

    /// The sentence, with times as `time` writes them.
    pub fn write(&self, time: impl Fn(Timestamp) -> String) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Time(at) | Part::Moment(_, at) => time(*at),
            Part::Ago(_, at) => format!("at {}", time(*at)),
            Part::Count(_, count) => grouped(*count),
        };
        self.0.iter().map(part).collect()
    }
}

impl From<String> for Phrase {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Phrase {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.write(|at| at.strftime("%H:%M UTC").to_string()))
    }
}

impl Serialize for Phrase {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
