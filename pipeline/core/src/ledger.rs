//! The ledger: where every accepted event is.

use serde::{Deserialize, Serialize};

/// How many promises (accepted messages) are where, at one moment. Each is in exactly one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Promises given: one for each `202`, or each item of an accepted batch.
    pub accepted: u64,
    /// Kept: the event is in the store. An event that was sent twice counts twice, as it was promised twice.
    pub stored: u64,
    /// Of `stored`, those whose event was there already.
    pub duplicates: u64,
    /// Waiting in the primary queue and visible.
    pub queued: u64,
    /// Received and not yet settled: being worked on, or waiting for its next attempt.
    pub in_flight: u64,
    /// In the dead letter queue.
    pub in_dlq: u64,
    /// In the archive.
    pub archived: u64,
    /// Put back from the archive; neither stored nor back yet.
    pub replaying: u64,
    /// Given up by a named person.
    pub discarded: u64,
}

impl Ledger {
    /// The sum over all places.
    pub fn accounted(&self) -> u64 {
        self.stored
            + self.queued
            + self.in_flight
            + self.in_dlq
            + self.archived
            + self.replaying
            + self.discarded
    }

    /// Promises of which nobody knows where they are; 0 when all is well. Negative would mean events from nowhere.
    pub fn unaccounted(&self) -> i64 {
        i64::try_from(self.accepted).unwrap_or(i64::MAX) - i64::try_from(self.accounted()).unwrap_or(i64::MAX)
    }

    /// Promises that are on their way and need nobody.
    pub fn moving(&self) -> u64 {
        self.queued + self.in_flight + self.replaying
    }

    /// Dead letters that wait for somebody.
    pub fn dead_lettered(&self) -> u64 {
        self.in_dlq + self.archived
    }
}

/// Where one event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In the primary queue, visible.
    Queued,
    /// In the primary queue, received and not yet settled.
    InFlight,
    /// In the store.
    Stored,
    /// In the dead letter queue.
    InDlq,
    /// In the archive.
    Archived,
    /// Put back from the archive.
    Replaying,
    /// Given up by a named person.
    Discarded,
}

impl Place {
    /// The name on the wire, such as `in_flight`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InFlight => "in_flight",
            Self::Stored => "stored",
            Self::InDlq => "in_dlq",
            Self::Archived => "archived",
            Self::Replaying => "replaying",
            Self::Discarded => "discarded",
        }
    }
}
