//! A cache of searches for traces.

use super::{Trace, TraceFilter, TraceList, TraceReader};
use crate::one_answer::Answers;
use crate::{Period, ReadError, TimeRange};
use async_trait::async_trait;
use spillway_core::ports::Clock;
use std::sync::Arc;
use std::time::Duration;

/// A cache in front of a [`TraceReader`] for all viewers. X-Ray charges for each trace that a search scans.
pub struct CachedTraces {
    inner: Arc<dyn TraceReader>,
    lists: Answers<(TimeRange, TraceFilter, usize), TraceList>,
}

impl CachedTraces {
    /// A cache that searches again after `keep`.
    pub fn new(inner: Arc<dyn TraceReader>, clock: Arc<dyn Clock>, keep: Duration) -> Self {
        Self { inner, lists: Answers::new(clock, keep) }
    }
}

#[async_trait]
impl TraceReader for CachedTraces {
    async fn get(&self, id: &str) -> Result<Option<Trace>, ReadError> {
        self.inner.get(id).await
    }

    async fn list(
        &self,
        range: TimeRange,
        filter: &TraceFilter,
        limit: usize,
    ) -> Result<TraceList, ReadError> {
        // A range that follows the clock is the same question within a minute.
        let question = (range.aligned(Period::MINUTE), filter.clone(), limit);
        let answer = self.lists.get(question.clone(), || {
            let inner = Arc::clone(&self.inner);
            async move { inner.list(question.0, &question.1, limit).await }
        });
        answer.await.map(|list| TraceList::clone(&list))
    }
}
