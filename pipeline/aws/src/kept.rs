//! Answers of services that are kept for a moment.

use jiff::SignedDuration;
use spillway_core::Timestamp;
use spillway_core::ports::Clock;
use std::sync::Arc;
use tokio::sync::Mutex;

/// The last answer to a question that a page or a command asks several times.
pub(crate) struct Kept<T> {
    clock: Arc<dyn Clock>,
    keep: SignedDuration,
    last: Mutex<Option<(Timestamp, T)>>,
}

impl<T: Clone> Kept<T> {
    pub fn new(clock: Arc<dyn Clock>, keep: SignedDuration) -> Self {
        Self { clock, keep, last: Mutex::default() }
    }

    /// The last answer if it is new enough, otherwise what `read` answers. Callers that come meanwhile wait for it.
    ///
    /// # Errors
    /// The error of `read`, which is not kept.
    pub async fn get<E>(&self, read: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let mut last = self.last.lock().await;
        let now = self.clock.now();
        if let Some((at, answer)) = &*last
            && now.duration_since(*at).abs() < self.keep
        {
            return Ok(answer.clone());
        }
        let answer = read.await?;
        *last = Some((now, answer.clone()));
        Ok(answer)
    }

    /// Forgets the answer after a change.
    pub async fn forget(&self) {
        *self.last.lock().await = None;
    }
}
