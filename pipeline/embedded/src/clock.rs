//! The two clocks.

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

/// Virtual time: on a tokio runtime whose time is paused, it jumps to the next timer whenever nothing else is to be done.
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
