//! A cache of all alarms' states.

use super::{AlarmChanges, AlarmPeriod, AlarmSource, AlarmsNow, Digest, RuleName};
use crate::one_answer::OneAnswer;
use crate::{ReadError, TimeRange};
use async_trait::async_trait;
use spillway_core::ports::Clock;
use std::sync::Arc;
use std::time::Duration;

/// A cache in front of an [`AlarmSource`] for all viewers. It caches only [`AlarmSource::now`], which the header of
/// every page reads.
pub struct CachedAlarms {
    inner: Arc<dyn AlarmSource>,
    now: OneAnswer<AlarmsNow>,
}

impl CachedAlarms {
    /// A cache that reads again after `keep`.
    pub fn new(inner: Arc<dyn AlarmSource>, clock: Arc<dyn Clock>, keep: Duration) -> Self {
        Self { inner, now: OneAnswer::new(clock, keep) }
    }
}

#[async_trait]
impl AlarmSource for CachedAlarms {
    async fn now(&self) -> Result<AlarmsNow, ReadError> {
        let answer = self.now.get(|| {
            let inner = Arc::clone(&self.inner);
            async move { inner.now().await }
        });
        answer.await.map(|now| AlarmsNow::clone(&now))
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
