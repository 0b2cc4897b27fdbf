//! Time.

use crate::Timestamp;
use async_trait::async_trait;
use std::time::Duration;

/// Time: real, or virtual in simulations.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
    /// Waits.
    async fn sleep(&self, duration: Duration);
}
