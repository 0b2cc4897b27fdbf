//! The ledger: where every accepted event is.

use serde::{Deserialize, Serialize};

/// The number of promises (accepted messages) in each place at one moment. Each promise is in exactly one place.
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
    /// Discarded by a named person.
    pub discarded: u64,
    /// Messages that somebody put into a queue past the API, once they left it. They are in the places above too, and
    /// nobody was promised anything. On one machine there are none.
    #[serde(default)]
    pub foreign: u64,
    /// The possible error of the numbers. It is zero where they are counted at one moment, as on one machine.
    #[serde(default)]
    pub uncertainty: Uncertainty,
}

/// The possible error of a ledger. Its numbers come from several places that are read one after the other. Some
/// places count late or twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uncertainty {
    /// Messages accepted or moved so recently that some places may not have counted them yet, either way.
    pub moving: u64,
    /// Deliveries that may have been counted as kept promises a second time.
    pub repeated: u64,
    /// Messages whose sending was not confirmed. They were not promised, and may be in a place nevertheless.
    #[serde(default)]
    pub in_doubt: u64,
}

impl Uncertainty {
    /// The largest number of missing promises that the ledger would not show.
    pub fn total(&self) -> u64 {
        self.moving + self.repeated + self.in_doubt
    }
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

    /// Accepted and foreign messages minus the sum over all places, from the numbers as they are now.
    pub fn difference(&self) -> i64 {
        let came = self.accepted.saturating_add(self.foreign);
        i64::try_from(came).unwrap_or(i64::MAX) - i64::try_from(self.accounted()).unwrap_or(i64::MAX)
    }

    /// Accepted messages that are in no known place; 0 when all is well. A negative number would mean
    /// messages that were never accepted.
    ///
    /// It is the part of the [`Self::difference`] that the uncertainty cannot explain. A message that moves
    /// may be missing from either side for a moment. A message that was counted twice, or that arrived without a
    /// promise, only makes the sum too large.
    pub fn unaccounted(&self) -> i64 {
        let difference = self.difference();
        let limit = |count| i64::try_from(count).unwrap_or(i64::MAX);
        if difference > 0 {
            (difference - limit(self.uncertainty.moving)).max(0)
        } else {
            (difference + limit(self.uncertainty.total())).min(0)
        }
    }

    /// Accepted messages that are still being processed and need no operator.
    pub fn moving(&self) -> u64 {
        self.queued + self.in_flight + self.replaying
    }

    /// Dead letters that wait for an operator.
    pub fn dead_lettered(&self) -> u64 {
        self.in_dlq + self.archived
    }
}

/// Where one event is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
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
    /// Discarded by a named person.
    Discarded,
}

impl Place {
    /// The name on the wire, such as `in_flight`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The rank of a place. If one event is in several places, the place with the highest rank counts.
    pub fn progress(self) -> u8 {
        match self {
            Self::Queued => 0,
            Self::InFlight => 1,
            Self::InDlq => 2,
            Self::Replaying => 3,
            Self::Archived => 4,
            Self::Discarded => 5,
            Self::Stored => 6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accepted: u64, stored: u64, (moving, repeated): (u64, u64), unaccounted: i64) {
        let uncertainty = Uncertainty { moving, repeated, in_doubt: 0 };
        let ledger = Ledger { accepted, stored, uncertainty, ..Ledger::default() };
        assert_eq!(ledger.unaccounted(), unaccounted);
    }

    #[test]
    fn without_uncertainty_the_difference_is_unaccounted() {
        check(10, 10, (0, 0), 0);
        check(10, 7, (0, 0), 3);
        check(7, 10, (0, 0), -3);
    }

    #[test]
    fn a_message_in_doubt_explains_only_a_sum_too_large() {
        let ledger = |accepted, stored| {
            let uncertainty = Uncertainty { in_doubt: 2, ..Uncertainty::default() };
            Ledger { accepted, stored, uncertainty, ..Ledger::default() }
        };
        assert_eq!(ledger(10, 12).unaccounted(), 0);
        assert_eq!(ledger(10, 13).unaccounted(), -1);
        assert_eq!(ledger(10, 9).unaccounted(), 1);
        assert_eq!(ledger(10, 10).uncertainty.total(), 2, "as many losses may hide");
    }

    #[test]
    fn messages_past_the_api_are_no_promises_and_hide_no_loss() {
        let ledger = Ledger { accepted: 10, stored: 12, archived: 1, foreign: 3, ..Ledger::default() };
        assert_eq!(ledger.unaccounted(), 0);
        assert_eq!(Ledger { stored: 10, ..ledger }.unaccounted(), 2);
    }

    #[test]
    fn moving_messages_explain_a_sum_too_small_or_too_large_and_duplicates_only_one_too_large() {
        check(10, 7, (2, 0), 1);
        check(10, 7, (3, 0), 0);
        check(7, 10, (2, 0), -1);
        check(10, 7, (0, 5), 3);
        check(7, 10, (0, 2), -1);
        check(7, 10, (1, 2), 0);
    }
}
