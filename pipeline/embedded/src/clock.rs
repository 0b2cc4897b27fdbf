//! The clocks.

use async_trait::async_trait;
use spillway_core::Timestamp;
use spillway_core::ports::Clock;
use std::time::Duration;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealClock;

#[async_trait]
impl Clock for RealClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine for the time")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A clock that runs a given number of times as fast as the machine's, starting at the machine's time. It is
/// for tests of things that take minutes and involve processes and browsers, where virtual time can't jump.
#[derive(Clone, Copy, Debug)]
pub struct FastClock {
    start: Timestamp,
    zero: tokio::time::Instant,
    speed: u32,
}

impl FastClock {
    /// A clock that shows `start` now. Call it inside a runtime. A speed of 0 counts as 1.
    pub fn starting_at(start: Timestamp, speed: u32) -> Self {
        Self { start, zero: tokio::time::Instant::now(), speed: speed.max(1) }
    }
}

#[async_trait]
impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        self.start.checked_add(self.zero.elapsed().saturating_mul(self.speed)).unwrap_or(self.start)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration / self.speed).await;
    }
}

/// Virtual time. On a tokio runtime whose time is paused, it jumps to the next timer whenever no other work
/// remains.
#[derive(Clone, Copy, Debug)]
pub struct VirtualClock {
    start: Timestamp,
    zero: tokio::time::Instant,
}

impl VirtualClock {
    /// A clock that shows `start` now. Call it inside the paused runtime.
    pub fn starting_at(start: Timestamp) -> Self {
        Self { start, zero: tokio::time::Instant::now() }
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.start.checked_add(self.zero.elapsed()).unwrap_or(self.start)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::in_virtual_time;

    #[test]
    fn a_fast_clock_shows_more_and_sleeps_less() {
        let start = Timestamp::UNIX_EPOCH;
        let seconds = in_virtual_time(start, async |real| {
            let fast = FastClock::starting_at(start, 60);
            fast.sleep(Duration::from_secs(600)).await;
            [real.now(), fast.now()].map(|at| at.as_second())
        });
        assert_eq!(seconds.unwrap(), [10, 600]);
    }
}
