//! The ledger from the counts of several places, with its possible error. No I/O.

use spillway_core::ledger::{Ledger, Uncertainty};

/// The counts of all places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Promises that ingest gave.
    pub accepted: u64,
    /// Records that the consumer stored.
    pub stored: u64,
    /// Records whose event was stored already: sent twice by a client, or delivered twice by SQS.
    pub already_stored: u64,
    /// Messages that a queue did not confirm and may have nevertheless.
    pub in_doubt: u64,
    /// Records and dead letters that were put into a queue past the API.
    pub foreign: u64,
    /// The primary queue.
    pub queue: InQueue,
    /// The dead letter queue.
    pub dlq: InQueue,
    /// Dead letters in state archived.
    pub archived: u64,
    /// Dead letters in state replaying.
    pub replaying: u64,
    /// Dead letters in state discarded.
    pub discarded: u64,
    /// Dead letters that the index lacks.
    pub unindexed: u64,
    /// Messages of replays that are in a queue again.
    pub sent_by_replays: u64,
    /// What moved in the last minutes.
    pub recent: Recent,
}

/// How many messages a queue has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct InQueue {
    /// Not received, or delayed.
    pub waiting: u64,
    /// Received and not settled.
    pub in_flight: u64,
}

/// What moved in the last minutes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Recent {
    /// Promises given.
    pub accepted: u64,
    /// Promises kept, repeated ones among them.
    pub stored: u64,
    /// The number of messages in the primary queue in each of the last whole minutes; 0 for a minute without
    /// datapoint.
    pub depths: Vec<u64>,
}

impl Counts {
    pub fn ledger(&self) -> Ledger {
        let (mut queue, mut dlq) = (self.queue, self.dlq);
        let mut replayed = self.sent_by_replays;
        // A message that a replay has put back counts as replaying in any place.
        for place in [&mut queue.in_flight, &mut queue.waiting, &mut dlq.in_flight, &mut dlq.waiting] {
            let taken = replayed.min(*place);
            *place -= taken;
            replayed -= taken;
        }
        Ledger {
            accepted: self.accepted,
            stored: self.stored + self.already_stored,
            duplicates: self.already_stored,
            queued: queue.waiting,
            in_flight: queue.in_flight,
            in_dlq: dlq.waiting + dlq.in_flight,
            archived: self.archived + self.unindexed,
            replaying: self.replaying,
            discarded: self.discarded,
            foreign: self.foreign,
            uncertainty: Uncertainty {
                moving: self.moving(),
                repeated: self.already_stored,
                in_doubt: self.in_doubt,
            },
        }
    }

    /// Promises that one place may know of and another not yet.
    fn moving(&self) -> u64 {
        let depth = self.queue.waiting + self.queue.in_flight;
        let highest = self.recent.depths.iter().copied().max().unwrap_or(0);
        let lowest = self.recent.depths.iter().copied().min().unwrap_or(0);
        // Accepted or stored in the last minutes: the other side's metric may not have arrived.
        self.recent.accepted.max(self.recent.stored)
            // Left the queue in the last minutes: stored, and the metric for that may not have arrived.
            + highest.saturating_sub(depth)
            // Came into the queue in the last minutes: accepted, and the metric for that may not have
            // arrived.
            + depth.saturating_sub(lowest)
            // The archiver is at work on them: in the archive already, or not.
            + self.dlq.in_flight
            // Noted as not indexed, although the index may have them.
            + self.unindexed
            // Under way: in a queue, or stored a moment ago.
            + self.sent_by_replays
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An idle deployment.
    fn idle() -> Counts {
        Counts { accepted: 1_000, stored: 990, archived: 10, ..Counts::default() }
    }

    #[test]
    fn in_an_idle_deployment_every_single_loss_shows() {
        let ledger = idle().ledger();
        assert_eq!((ledger.unaccounted(), ledger.uncertainty), (0, Uncertainty::default()));
        let lost = Counts { stored: 989, ..idle() }.ledger();
        assert_eq!(lost.unaccounted(), 1);
    }

    #[test]
    fn an_event_that_a_client_sent_twice_hides_no_loss() {
        // Promised twice, kept twice: the store says "already there" to the second.
        let twice = Counts { accepted: 1_001, already_stored: 1, ..idle() };
        assert_eq!(twice.ledger().difference(), 0);
        let and_lost = Counts { stored: 989, ..twice };
        assert_eq!(and_lost.ledger().unaccounted(), 1);
    }

    #[test]
    fn messages_past_the_api_are_counted_by_themselves_and_hide_no_loss() {
        // Of 94 messages that somebody put into the queue, 90 were stored and 4 are dead letters.
        let foreign = Counts { stored: 990 + 90, archived: 10 + 4, foreign: 94, ..idle() };
        assert_eq!((foreign.ledger().difference(), foreign.ledger().foreign), (0, 94));
        let lost = Counts { stored: 980 + 90, ..foreign };
        assert_eq!(lost.ledger().unaccounted(), 10);
    }

    #[test]
    fn a_second_delivery_adds_no_event() {
        let again = Counts { already_stored: 3, ..idle() };
        let ledger = again.ledger();
        assert_eq!((ledger.difference(), ledger.unaccounted()), (-3, 0));
        assert_eq!(ledger.uncertainty.repeated, 3);
    }

    #[test]
    fn a_message_that_arrived_without_a_promise_is_in_doubt_and_no_surplus() {
        let arrived = Counts { stored: 992, in_doubt: 3, ..idle() };
        let ledger = arrived.ledger();
        assert_eq!((ledger.difference(), ledger.unaccounted(), ledger.uncertainty.total()), (-2, 0, 3));
        let not_sent = Counts { in_doubt: 0, ..arrived };
        assert_eq!(not_sent.ledger().unaccounted(), -2);
    }

    #[test]
    fn what_a_replay_put_back_is_counted_once() {
        let sent = Counts {
            archived: 4,
            replaying: 6,
            sent_by_replays: 5,
            queue: InQueue { waiting: 3, in_flight: 1 },
            dlq: InQueue { waiting: 0, in_flight: 1 },
            ..idle()
        };
        let ledger = sent.ledger();
        assert_eq!((ledger.queued, ledger.in_flight, ledger.in_dlq, ledger.replaying), (0, 0, 0, 6));
        assert_eq!((ledger.difference(), ledger.unaccounted()), (0, 0));
    }

    #[test]
    fn a_backlog_that_does_not_move_hides_no_loss() {
        let outage = Counts {
            stored: 490,
            queue: InQueue { waiting: 20, in_flight: 480 },
            recent: Recent { depths: vec![500; 5], ..Recent::default() },
            ..idle()
        };
        assert_eq!((outage.ledger().unaccounted(), outage.ledger().uncertainty.moving), (0, 0));
        let lost = Counts { stored: 488, ..outage };
        assert_eq!(lost.ledger().unaccounted(), 2);
    }

    #[test]
    fn late_metrics_are_no_loss() {
        // The queue has just been emptied, and the consumer's metrics have not arrived.
        let drained = Counts {
            stored: 490,
            recent: Recent { depths: vec![500, 500, 500, 300, 0], ..Recent::default() },
            ..idle()
        };
        assert_eq!((drained.ledger().difference(), drained.ledger().unaccounted()), (500, 0));
        // A burst has just come in, and ingest's metrics have not arrived.
        let burst = Counts { queue: InQueue { waiting: 80, in_flight: 0 }, ..idle() };
        assert_eq!((burst.ledger().difference(), burst.ledger().unaccounted()), (-80, 0));
        // A loss that is larger than all that moves shows even then.
        let lost = Counts { stored: 400, ..drained };
        assert_eq!(lost.ledger().unaccounted(), 90);
    }
}
