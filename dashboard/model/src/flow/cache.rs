//! One snapshot for all viewers.

use super::{FlowSnapshot, FlowSource};
use crate::ReadError;
use async_trait::async_trait;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use jiff::{SignedDuration, Timestamp};
use spillway_core::ports::Clock;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A cache in front of a [`FlowSource`], to be shared by all viewers: who asks while a snapshot is being taken waits
/// for that one, and for a moment all get the same. Errors are not remembered.
pub struct CachedFlow<F: ?Sized> {
    inner: Arc<F>,
    clock: Arc<dyn Clock>,
    keep: SignedDuration,
    last: Mutex<Option<(Taking, Timestamp)>>,
}

type Taking = Shared<BoxFuture<'static, Result<Arc<FlowSnapshot>, ReadError>>>;

impl<F: FlowSource + ?Sized + 'static> CachedFlow<F> {
    /// A cache that takes a new snapshot after `keep`.
    pub fn new(inner: Arc<F>, clock: Arc<dyn Clock>, keep: Duration) -> Self {
        let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
        Self { inner, clock, keep, last: Mutex::default() }
    }

    fn taking(&self) -> Taking {
        let now = self.clock.now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((taking, at)) = &*last {
            let serves = match taking.peek() {
                None => true,
                Some(answer) => answer.is_ok() && now.duration_since(*at).abs() < self.keep,
            };
            if serves {
                return taking.clone();
            }
        }
        let inner = Arc::clone(&self.inner);
        let taking = async move { inner.snapshot().await.map(Arc::new) }.boxed().shared();
        *last = Some((taking.clone(), now));
        taking
    }
}

#[async_trait]
impl<F: FlowSource + ?Sized + 'static> FlowSource for CachedFlow<F> {
    async fn snapshot(&self) -> Result<FlowSnapshot, ReadError> {
        self.taking().await.map(|snapshot| FlowSnapshot::clone(&snapshot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Freshness;
    use crate::flow::{Limits, QueueSnapshot};
    use spillway_core::ledger::Ledger;
    use spillway_testkit::ManualClock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Fails the first time; counts.
    struct Source(AtomicU64);

    #[async_trait]
    impl FlowSource for Source {
        async fn snapshot(&self) -> Result<FlowSnapshot, ReadError> {
            let number = self.0.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            if number == 0 {
                return Err(ReadError::Throttled);
            }
            let at = Timestamp::UNIX_EPOCH;
            Ok(FlowSnapshot {
                at,
                ledger: Ledger { accepted: number, ..Ledger::default() },
                limits: Limits { max_receive_count: 20, retention_s: 60 },
                queue: QueueSnapshot::default(),
                dlq: QueueSnapshot::default(),
                activity: None,
                freshness: Freshness { read_at: at, trouble: None },
                groups: Vec::new(),
            })
        }
    }

    #[tokio::test]
    async fn one_snapshot_serves_all_for_a_moment_and_an_error_nobody_later() {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let cache =
            CachedFlow::new(Arc::new(Source(AtomicU64::new(0))), clock.clone(), Duration::from_secs(1));
        assert_eq!(cache.snapshot().await.unwrap_err(), ReadError::Throttled);
        let both = futures::future::join(cache.snapshot(), cache.snapshot()).await;
        assert_eq!(both.0.unwrap().ledger.accepted, 1);
        assert_eq!(both.1.unwrap().ledger.accepted, 1);
        assert_eq!(cache.snapshot().await.unwrap().ledger.accepted, 1);
        clock.advance(Duration::from_secs(1));
        assert_eq!(cache.snapshot().await.unwrap().ledger.accepted, 2);
    }
}
