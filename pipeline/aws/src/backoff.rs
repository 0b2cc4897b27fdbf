//! Waiting between tries: exponentially longer, with full jitter, until a deadline.

use aws_smithy_types::timeout::TimeoutConfig;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::time::Duration;
use tokio::time::Instant;

/// How long to wait between tries, and until when to try.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The longest first wait.
    pub base: Duration,
    /// No wait is longer.
    pub cap: Duration,
    /// Nothing is tried again when this much time has passed.
    pub within: Duration,
}

impl Pace {
    /// Waits of up to 50 ms, 100 ms, 200 ms … 1 s, within this time.
    pub fn within(within: Duration) -> Self {
        Self { base: Duration::from_millis(50), cap: Duration::from_secs(1), within }
    }

    /// For a client with these limits: a third of the time that the client allows for one call. A caller may
    /// process a batch in two or three steps, each with its retries. So it still ends within its own limit.
    /// [`crate::clients::Connection`] sets the limits.
    pub(crate) fn for_limits(limits: Option<&TimeoutConfig>) -> Self {
        let whole = limits.and_then(TimeoutConfig::operation_timeout).unwrap_or(Duration::from_secs(15));
        Self::within(whole / 3)
    }
}

/// One series of tries.
#[derive(Clone)]
pub(crate) struct Backoff {
    pace: Pace,
    until: Instant,
    tries: u32,
    random: Option<StdRng>,
}

impl Backoff {
    /// A series that begins now.
    pub fn new(pace: Pace) -> Self {
        Self { pace, until: Instant::now() + pace.within, tries: 0, random: None }
    }

    /// Whether its deadline has passed. A write that has not been tried by then is left out: the remaining
    /// time is for reporting the other results to the queue.
    pub fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Waits before the next try. `false` if the deadline leaves no room for one.
    ///
    /// The wait is a random part of an interval that doubles ("full jitter"), so that callers that were refused together
    /// don't come back together.
    pub async fn wait(&mut self) -> bool {
        let longest = self.pace.base.saturating_mul(1 << self.tries.min(16)).min(self.pace.cap);
        let random = self.random.get_or_insert_with(StdRng::from_os_rng);
        let wait = longest.mul_f64(random.random_range(0.0..=1.0));
        self.tries += 1;
        if Instant::now() + wait >= self.until {
            return false;
        }
        tokio::time::sleep(wait).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_grow_to_the_cap_and_end_at_the_deadline() {
        let pace = Pace {
            base: Duration::from_millis(50),
            cap: Duration::from_secs(1),
            within: Duration::from_secs(60),
        };
        let (mut backoff, start) = (Backoff::new(pace), Instant::now());
        let mut waits = Vec::new();
        let mut before = start;
        while backoff.wait().await {
            waits.push(before.elapsed());
            before = Instant::now();
        }
        assert!(start.elapsed() < pace.within, "nothing waits past the deadline");
        let longest = [50, 100, 200, 400, 800, 1000].map(Duration::from_millis);
        for (wait, longest) in waits.iter().zip(longest) {
            assert!(*wait <= longest + Duration::from_millis(1), "{wait:?} of {longest:?}");
        }
        assert!(waits.iter().all(|wait| *wait <= pace.cap + Duration::from_millis(1)));
        assert!(waits.len() > 50, "about 120 waits of half a second on average");
        assert!(!backoff.is_over());
        tokio::time::advance(pace.within).await;
        assert!(backoff.is_over());
    }
}
