//! One answer for all viewers.

use super::{AlarmChanges, AlarmPeriod, AlarmSource, AlarmsNow, Digest, RuleName};
use crate::{ReadError, TimeRange};
use async_trait::async_trait;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use jiff::{SignedDuration, Timestamp};
use spillway_core::ports::Clock;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

type Asking = Shared<BoxFuture<'static, Result<Arc<AlarmsNow>, ReadError>>>;

/// A cache in front of an [`AlarmSource`], to be shared by all viewers: the header of every page asks how all alarms
/// are. Only that is remembered; errors are not.
pub struct CachedAlarms<A: ?Sized> {
    inner: Arc<A>,
    clock: Arc<dyn Clock>,
    keep: SignedDuration,
    last: Mutex<Option<(Asking, Timestamp)>>,
}

impl<A: AlarmSource + ?Sized + 'static> CachedAlarms<A> {
    /// A cache that asks anew after `keep`.
    pub fn new(inner: Arc<A>, clock: Arc<dyn Clock>, keep: Duration) -> Self {
        let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
        Self { inner, clock, keep, last: Mutex::default() }
    }

    fn asking(&self) -> Asking {
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
        let inner = Arc::clone(&self.inner);
        let asking = async move { inner.now().await.map(Arc::new) }.boxed().shared();
        *last = Some((asking.clone(), now));
        asking
    }
}

#[async_trait]
impl<A: AlarmSource + ?Sized + 'static> AlarmSource for CachedAlarms<A> {
    async fn now(&self) -> Result<AlarmsNow, ReadError> {
        self.asking().await.map(|now| AlarmsNow::clone(&now))
    }

    async fn changes(
        &self,
        rule: Option<&RuleName>,
        range: TimeRange,
        limit: usize,
    ) -> Result<AlarmChanges, ReadError> {
        self.inner.changes(rule, range, limit).await
    }

    async fn periods(
        &self,
        rule: Option<&RuleName>,
        range: TimeRange,
    ) -> Result<Vec<AlarmPeriod>, ReadError> {
        self.inner.periods(rule, range).await
    }

    async fn digest(&self) -> Result<Option<Digest>, ReadError> {
        self.inner.digest().await
    }
}
