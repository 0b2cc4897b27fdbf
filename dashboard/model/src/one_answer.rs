//! A cache of one answer, or of an answer for each question.

use crate::ReadError;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use jiff::{SignedDuration, Timestamp};
use spillway_core::ports::Clock;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A cached result for all viewers. While it is computed, other callers wait for it, and then all get the same result
/// for a while. Errors are not cached.
pub struct OneAnswer<T>(Answers<(), T>);

impl<T: Send + Sync + 'static> OneAnswer<T> {
    /// Caches a result for `keep`.
    pub fn new(clock: Arc<dyn Clock>, keep: Duration) -> Self {
        Self(Answers::new(clock, keep))
    }

    /// The cached result if it is new enough, otherwise the result of `ask`.
    ///
    /// # Errors
    /// The error of `ask`.
    pub async fn get<F>(&self, ask: impl FnOnce() -> F) -> Result<Arc<T>, ReadError>
    where
        F: Future<Output = Result<T, ReadError>> + Send + 'static,
    {
        self.0.get((), ask).await
    }
}

/// A [`OneAnswer`] for each question.
pub(crate) struct Answers<Q, T> {
    clock: Arc<dyn Clock>,
    keep: SignedDuration,
    last: Mutex<HashMap<Q, (Asking<T>, Timestamp)>>,
}

type Asking<T> = Shared<BoxFuture<'static, Result<Arc<T>, ReadError>>>;

impl<Q: Eq + Hash, T: Send + Sync + 'static> Answers<Q, T> {
    /// Caches each result for `keep`.
    pub(crate) fn new(clock: Arc<dyn Clock>, keep: Duration) -> Self {
        let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
        Self { clock, keep, last: Mutex::default() }
    }

    /// The cached result for this question if it is new enough, otherwise the result of `ask`.
    ///
    /// # Errors
    /// The error of `ask`.
    pub(crate) async fn get<F>(&self, question: Q, ask: impl FnOnce() -> F) -> Result<Arc<T>, ReadError>
    where
        F: Future<Output = Result<T, ReadError>> + Send + 'static,
    {
        self.asking(question, ask).await
    }

    fn asking<F>(&self, question: Q, ask: impl FnOnce() -> F) -> Asking<T>
    where
        F: Future<Output = Result<T, ReadError>> + Send + 'static,
    {
        let now = self.clock.now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.retain(|_, (asking, at)| {
            let is_new = now.duration_since(*at).abs() < self.keep;
            match asking.peek() {
                // Besides this cache, each caller that waits holds it.
                None => is_new || asking.strong_count().is_some_and(|holders| holders > 1),
                Some(answer) => answer.is_ok() && is_new,
            }
        });
        let begin = || (ask().map(|answer| answer.map(Arc::new)).boxed().shared(), now);
        last.entry(question).or_insert_with(begin).0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_testkit::ManualClock;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[tokio::test]
    async fn a_result_is_shared_for_a_while_and_an_error_is_not_cached() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let asked = Arc::new(AtomicU64::new(0));
        let answer = OneAnswer::new(Arc::clone(&clock) as Arc<dyn Clock>, Duration::from_secs(1));
        // Fails the first time; counts.
        let ask = || {
            let asked = Arc::clone(&asked);
            async move {
                let number = asked.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                if number == 0 { Err(ReadError::Throttled) } else { Ok(number) }
            }
        };
        assert_eq!(answer.get(ask).await.unwrap_err(), ReadError::Throttled);
        let (one, other) = futures::future::join(answer.get(ask), answer.get(ask)).await;
        assert_eq!((*one.unwrap(), *other.unwrap()), (1, 1));
        assert_eq!(*answer.get(ask).await.unwrap(), 1);
        clock.advance(Duration::from_secs(1));
        assert_eq!(*answer.get(ask).await.unwrap(), 2);
    }
}
