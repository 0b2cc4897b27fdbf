//! A clock that a test moves.

use async_trait::async_trait;
use spillway_core::Timestamp;
use spillway_core::ports::Clock;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A clock that moves only when code sleeps on it or a test advances it.
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(duration);
        // Other tasks have their turn, as they have while code really sleeps.
        tokio::task::yield_now().await;
    }
}
