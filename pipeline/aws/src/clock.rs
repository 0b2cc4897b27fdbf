//! The machine's clock.

use async_trait::async_trait;
use spillway_core::Timestamp;
use spillway_core::ports::Clock;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::time::Instant;

/// The machine's clock. Lambda and EC2 synchronise it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place here that asks the machine for the time"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        static ZERO: OnceLock<Instant> = OnceLock::new();
        ZERO.get_or_init(Instant::now).elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
