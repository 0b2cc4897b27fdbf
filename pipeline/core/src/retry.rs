//! When a message that failed is tried again.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Waits that double from `base` up to `cap`, through the message's visibility timeout.
///
/// With the defaults the waits after receive 1, 2, 3 … are 5, 10, 20, 40, 80, 160, 320, 640 s and then 15 min
/// each: 20 receives span about 3 h 6 min. Short outages are over in seconds. A broken deployment can be
/// noticed within hours. A store that is back is used again within 15 minutes. SQS allows a visibility
/// timeout of at most 12 h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetrySchedule {
    /// The wait after the first receive, in seconds.
    pub base_s: u32,
    /// No wait is longer, in seconds.
    pub cap_s: u32,
}

impl Default for RetrySchedule {
    fn default() -> Self {
        Self { base_s: 5, cap_s: 900 }
    }
}

impl RetrySchedule {
    /// The wait after a message was received for the `receive_count`th time, without jitter.
    pub fn wait(&self, receive_count: u32) -> Duration {
        let doublings = receive_count.saturating_sub(1).min(31);
        let seconds = u64::from(self.base_s) << doublings;
        Duration::from_secs(seconds.min(u64::from(self.cap_s)))
    }

    /// The wait, shortened by up to a tenth. The amount depends only on the message and the attempt. So
    /// messages that failed together don't all come back in the same second.
    pub fn wait_with_jitter(&self, receive_count: u32, message_id: &str) -> Duration {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ u64::from(receive_count);
        for byte in message_id.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        let wait = self.wait(receive_count);
        wait - wait * u32::try_from((hash >> 32) % 1024).unwrap_or(0) / 10_240
    }

    /// The time from the first receive to the `max_receive_count`th, without jitter. What remains of it is
    /// the countdown to the DLQ.
    pub fn span(&self, from_receive_count: u32, max_receive_count: u32) -> Duration {
        (from_receive_count..max_receive_count).map(|count| self.wait(count)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_receives_span_hours() {
        let schedule = RetrySchedule::default();
        let waits: Vec<_> = (1..=9).map(|count| schedule.wait(count).as_secs()).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 900]);
        assert_eq!(schedule.span(1, 20).as_secs(), 1275 + 11 * 900);
        assert_eq!(schedule.wait(4_000_000_000).as_secs(), 900);
    }

    #[test]
    fn jitter_spreads_and_stays_below() {
        let schedule = RetrySchedule::default();
        let waits: std::collections::BTreeSet<_> =
            (0..100).map(|i| schedule.wait_with_jitter(9, &format!("m{i}"))).collect();
        assert!(waits.len() > 50);
        assert!(waits.iter().all(|wait| (810..=900).contains(&wait.as_secs())));
    }
}
