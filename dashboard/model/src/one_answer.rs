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

/// How long an error is cached at most. A source that throttles must not be asked by each page of each viewer.
const KEEP_ERRORS: SignedDuration = SignedDuration::from_secs(10);

/// A cached result for all viewers. While it is computed, other callers wait for it, and then all get the same result
/// for a while. An error is cached for some seconds.
pub struct OneAnswer<T, E = ReadError>(Answers<(), T, E>);

impl<T: Send + Sync + 'static, E: Clone + Send + Sync + 'static> OneAnswer<T, E> {
    /// Caches a result for `keep`.
    pub fn new(clock: Arc<dyn Clock>, keep: Duration) -> Self {
        Self(Answers::new(clock, keep))
    }

    /// The cached result if it is new enough, otherwise the result of `ask`.
    ///
    /// # Errors
    /// The error of `ask`.
    pub async fn get<F>(&self, ask: impl FnOnce() -> F) -> Result<Arc<T>, E>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.0.get((), ask).await
    }

    /// Forgets the result, so that the next caller asks again.
    pub fn forget(&self) {
        self.0.forget();
    }
}

/// A [`OneAnswer`] for each question.
pub struct Answers<Q, T, E = ReadError> {
    clock: Arc<dyn Clock>,
    keep: SignedDuration,
    last: Mutex<HashMap<Q, Asked<T, E>>>,
}

/// An answer, or the running question, and when it was asked.
type Asked<T, E> = (Asking<T, E>, Timestamp);
type Asking<T, E> = Shared<BoxFuture<'static, Result<Arc<T>, E>>>;

impl<Q: Eq + Hash, T: Send + Sync + 'static, E: Clone + Send + Sync + 'static> Answers<Q, T, E> {
    /// Caches each result for `keep`.
    pub fn new(clock: Arc<dyn Clock>, keep: Duration) -> Self {
        let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
        Self { clock, keep, last: Mutex::default() }
    }

    /// The cached result for this question if it is new enough, otherwise the result of `ask`.
    ///
    /// # Errors
    /// The error of `ask`.
    pub async fn get<F>(&self, question: Q, ask: impl FnOnce() -> F) -> Result<Arc<T>, E>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.asking(question, ask).await
    }

    /// Forgets all results. The next caller asks again, even while an older question runs.
    pub fn forget(&self) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn asking<F>(&self, question: Q, ask: impl FnOnce() -> F) -> Asking<T, E>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let now = self.clock.now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.retain(|_, (asking, at)| {
            let age = now.duration_since(*at).abs();
            match asking.peek() {
                // Besides this cache, each caller that waits holds it.
                None => age < self.keep || asking.strong_count().is_some_and(|holders| holders > 1),
                Some(Ok(_)) => age < self.keep,
                Some(Err(_)) => age < self.keep.min(KEEP_ERRORS),
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
    async fn a_result_is_shared_for_a_while_and_an_error_for_some_seconds() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let asked = Arc::new(AtomicU64::new(0));
        let answer = OneAnswer::new(Arc::clone(&clock) as Arc<dyn Clock>, Duration::from_secs(60));
        // Fails the first time; counts.
        let ask = || {
            let asked = Arc::clone(&asked);
            async move {
                let number = asked.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                if number == 0 { Err(ReadError::Throttled) } else { Ok(number) }
            }
        };
        for _ in 0..100 {
            assert_eq!(answer.get(ask).await.unwrap_err(), ReadError::Throttled);
        }
        clock.advance(Duration::from_secs(10));
        let (one, other) = futures::future::join(answer.get(ask), answer.get(ask)).await;
        assert_eq!((*one.unwrap(), *other.unwrap()), (1, 1));
        assert_eq!(*answer.get(ask).await.unwrap(), 1);
        clock.advance(Duration::from_secs(60));
        assert_eq!(*answer.get(ask).await.unwrap(), 2);
        answer.forget();
        assert_eq!(*answer.get(ask).await.unwrap(), 3);
    }
}
