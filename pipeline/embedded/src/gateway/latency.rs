//! Latencies for virtual time, in which code takes no time.

use super::sampler::scattered;
use async_trait::async_trait;
use spillway_core::ids::MessageId;
use spillway_core::message::OutgoingMessage;
use spillway_core::ports::{Clock, EventQueue, QueueError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The latency of the next call in each stage.
pub trait Latency: Send + Sync {
    /// The gateway, on top of what is behind it.
    fn gateway(&self) -> Duration;
    /// The function, on top of the queue.
    fn function(&self) -> Duration;
    /// The queue's answer.
    fn queue(&self) -> Duration;
}

/// Latencies like those of a small deployment: a floor and an exponential tail for each stage. The same seed
/// gives the same latencies.
pub struct TypicalLatency(AtomicU64);

impl TypicalLatency {
    /// Latencies of that seed.
    pub fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(scattered(seed)))
    }

    fn draw(&self, floor_ms: f64, mean_of_tail_ms: f64) -> Duration {
        let random = scattered(self.0.fetch_add(1, Ordering::Relaxed));
        // In (0, 1], so that the logarithm is finite.
        let unit = ((random >> 11) as f64 + 1.0) / (1u64 << 53) as f64;
        Duration::from_secs_f64((floor_ms - mean_of_tail_ms * unit.ln()) / 1000.0)
    }
}

impl Latency for TypicalLatency {
    fn gateway(&self) -> Duration {
        self.draw(4.0, 2.5)
    }

    fn function(&self) -> Duration {
        self.draw(1.2, 0.6)
    }

    fn queue(&self) -> Duration {
        self.draw(5.0, 3.0)
    }
}

/// A queue with latency.
pub(super) struct DelayedQueue {
    inner: Arc<dyn EventQueue>,
    clock: Arc<dyn Clock>,
    latency: Arc<dyn Latency>,
}

impl DelayedQueue {
    pub(super) fn new(inner: Arc<dyn EventQueue>, clock: &Arc<dyn Clock>, latency: Arc<dyn Latency>) -> Self {
        Self { inner, clock: Arc::clone(clock), latency }
    }
}

#[async_trait]
impl EventQueue for DelayedQueue {
    async fn send(&self, messages: &[OutgoingMessage]) -> Vec<Result<MessageId, QueueError>> {
        self.clock.sleep(self.latency.queue()).await;
        self.inner.send(messages).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_the_same_latencies_with_a_floor_and_a_tail() {
        let draw = |seed| -> Vec<Duration> {
            let latency = TypicalLatency::seeded(seed);
            (0..1_000).map(|_| latency.queue()).collect()
        };
        let mut latencies = draw(7);
        assert_eq!(latencies, draw(7));
        assert_ne!(latencies, draw(8));
        latencies.sort();
        let ms = |position: usize| latencies[position].as_millis();
        assert!(ms(0) >= 5 && (6..9).contains(&ms(500)) && (14..30).contains(&ms(990)), "{latencies:?}");
    }
}
