//! For tests: a clock that stands still until told, and ports that note what they are asked and fail as told.

mod world;

pub use world::World;

use crate::Timestamp;
use crate::ports::Clock;
use async_trait::async_trait;
use std::sync::Mutex;
use std::time::Duration;

/// A clock that only moves when somebody waits on it or sets it.
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that shows this time.
    pub fn at(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves it forward.
    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now += by;
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(duration);
    }
}
