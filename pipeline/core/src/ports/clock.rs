//! Time.

use crate::Timestamp;
use async_trait::async_trait;
use std::time::Duration;

/// Time: real, or virtual in simulations.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time now. People and programs set clocks, so it may jump. Compare it with times that are kept or shown.
    fn now(&self) -> Timestamp;
    /// The time since a fixed moment. It never jumps. Measure intervals with it.
    fn elapsed(&self) -> Duration;
    /// Waits.
    async fn sleep(&self, duration: Duration);

    /// How long the machine takes for what is this long on this clock. It limits work that can't wait on the clock.
    fn on_machine(&self, duration: Duration) -> Duration {
        duration
    }
}
