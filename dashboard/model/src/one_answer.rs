//! A cache of one answer.

use crate::ReadError;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use jiff::{SignedDuration, Timestamp};
use spillway_core::ports::Clock;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A cached result for all viewers. While it is computed, other callers wait for it, and then all get the same result
/// for a while. Errors are not cached.
pub struct OneAnswer<T> {
    clock: Arc<dyn Clock>,
    keep: SignedDuration,
    last: Mutex<Option<(Asking<T>, Timestamp)>>,
}

type Asking<T> = Shared<BoxFuture<'static, Result<Arc<T>, ReadError>>>;

impl<T: Send + Sync + 'static> OneAnswer<T> {
    /// Caches a result for `keep`.
    pub fn new(clock: Arc<dyn Clock>, keep: Duration) -> Self {
        let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
        Self { clock, keep, last: Mutex::default() }
    }

    /// The cached result if it is new enough, otherwise the result of `ask`.
    ///
    /// # Errors
    /// The error of `ask`.
    pub async fn get<F>(&self, ask: impl FnOnce() -> F) -> Result<Arc<T>, ReadError>
    where
        F: Future<Output = Result<T, ReadError>> + Send + 'static,
    {
        self.asking(ask).await
    }

    fn asking<F>(&self, ask: impl FnOnce() -> F) -> Asking<T>
    where
        F: Future<Output = Result<T, ReadError>> + Send + 'static,
    {
        let now = self.clock.now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((asking, at)) = &*last {
            let serves = match asking.peek() {
                None => true,
                Some(answer) => answer.is_ok() && now.duration_since(*at).abs() < self.keep,
            };
            if serves {
                return asking.clone();
            }
        }
        let asking = ask().map(|answer| answer.map(Arc::new)).boxed().shared();
        *last = Some((asking.clone(), now));
        asking
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
