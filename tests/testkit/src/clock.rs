//! A clock that a test moves.

use async_trait::async_trait;
use spillway_core::Timestamp;
use spillway_core::ports::Clock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A clock that moves only when code sleeps on it or a test advances it.
pub struct ManualClock {
    now: Mutex<Timestamp>,
    started: Timestamp,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self { now: Mutex::new(now), started: now }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn elapsed(&self) -> Duration {
        Duration::try_from(self.now().duration_since(self.started)).unwrap_or_default()
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(duration);
        // Other tasks have their turn, as they have while code really sleeps.
        tokio::task::yield_now().await;
    }
}

/// A clock that goes like another one, and that a test can set to another time, as people and programs set a machine's.
pub struct SettableClock {
    inner: Arc<dyn Clock>,
    set_by_s: AtomicI64,
}

impl SettableClock {
    /// A clock that shows what `inner` shows.
    pub fn over(inner: Arc<dyn Clock>) -> Self {
        Self { inner, set_by_s: AtomicI64::new(0) }
    }

    /// Sets it forward by this many seconds, or back.
    pub fn set_by(&self, seconds: i64) {
        self.set_by_s.fetch_add(seconds, Ordering::Relaxed);
    }
}

#[async_trait]
impl Clock for SettableClock {
    fn now(&self) -> Timestamp {
        self.inner.now() + jiff::SignedDuration::from_secs(self.set_by_s.load(Ordering::Relaxed))
    }

    fn elapsed(&self) -> Duration {
        self.inner.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        self.inner.sleep(duration).await;
    }
}
