//! Answers of services that are kept for a moment.

use jiff::SignedDuration;
use spillway_core::Timestamp;
use spillway_core::ports::Clock;
use std::sync::Arc;
use tokio::sync::Mutex;

/// The answer to the last question, which a page or a command asks several times.
pub(crate) struct Kept<T, Q = ()> {
    clock: Arc<dyn Clock>,
    keep: SignedDuration,
    last: Mutex<Option<(Q, Timestamp, T)>>,
}

impl<T: Clone, Q: PartialEq> Kept<T, Q> {
    pub fn new(clock: Arc<dyn Clock>, keep: SignedDuration) -> Self {
        Self { clock, keep, last: Mutex::default() }
    }

    /// The last answer if it is to this question and new enough, otherwise what `read` answers. Callers that come meanwhile
    /// wait for it. An answer that took long is as new as a quick one.
    ///
    /// # Errors
    /// The error of `read`, which is not kept.
    pub async fn answer<E>(&self, question: Q, read: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let mut last = self.last.lock().await;
        if let Some((asked, at, answer)) = &*last
            && *asked == question
            && self.clock.now().duration_since(*at).abs() < self.keep
        {
            return Ok(answer.clone());
        }
        let answer = read.await?;
        *last = Some((question, self.clock.now(), answer.clone()));
        Ok(answer)
    }

    /// Forgets the answer after a change.
    pub async fn forget(&self) {
        *self.last.lock().await = None;
    }
}

impl<T: Clone> Kept<T> {
    /// [`Self::answer`] to the only question.
    ///
    /// # Errors
    /// The error of `read`, which is not kept.
    pub async fn get<E>(&self, read: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        self.answer((), read).await
    }
}
