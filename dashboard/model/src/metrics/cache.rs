//! One cache for all viewers: identical queries at the same time cost one read.

use super::{Freshness, MetricReader, Reading};
use crate::ReadError;
use async_trait::async_trait;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, join_all};
use jiff::{SignedDuration, Timestamp};
use spillway_core::ports::Clock;
use spillway_metrics::{MetricQuery, Period, Series, TimeRange};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long old numbers are kept, to show them when the source fails.
const OLD_KEPT: SignedDuration = SignedDuration::from_hours(1);

/// Maximum number of cached series.
const MAX_SERIES: usize = 8_192;

/// A cache in front of a [`MetricReader`], shared by all viewers.
///
/// It caches each series for a while. A caller that needs a series that is being read waits for that read. One call
/// reads all missing series. CloudWatch charges $0.01 for 1,000 metrics, and a hundred viewers cost as much as one.
/// When the source fails, callers get the last numbers, with their age and the error.
pub struct Cached<R: ?Sized> {
    inner: Arc<R>,
    clock: Arc<dyn Clock>,
    keep: Duration,
    state: Mutex<State>,
}

type Batch = Shared<BoxFuture<'static, Result<Arc<Reading>, ReadError>>>;

#[derive(Default)]
struct State {
    asked: HashMap<(MetricQuery, TimeRange, Period), Asked>,
    /// The last numbers, by query, period and length of the range: one for each part of history that was asked for.
    good: HashMap<(MetricQuery, Period, i64), Vec<Good>>,
}

#[derive(Clone)]
struct Asked {
    /// The read that returns it, running or done.
    batch: Batch,
    /// Its place in that read.
    position: usize,
    /// The number of queries of that read.
    together: usize,
    at: Timestamp,
}

impl Asked {
    /// Whether a caller waits for the read. Each query of the read holds it once in the cache.
    fn is_awaited(&self) -> bool {
        self.batch.strong_count().is_some_and(|holders| holders > self.together)
    }
}

#[derive(Clone)]
struct Good {
    series: Arc<Series>,
    read_at: Timestamp,
}

impl Good {
    /// The distance from the beginning of its range to that of another; `None` if it is another part of history. A
    /// range that follows the clock moves by at most a period or the time for which numbers are kept.
    fn distance(&self, from: Timestamp) -> Option<SignedDuration> {
        let period = SignedDuration::from_secs(i64::from(self.series.period.seconds()));
        let distance = from.duration_since(self.series.start).abs();
        (distance <= period.max(OLD_KEPT)).then_some(distance)
    }
}

impl<R: MetricReader + ?Sized + 'static> Cached<R> {
    /// A cache that reads each series again after `keep`.
    pub fn new(inner: Arc<R>, clock: Arc<dyn Clock>, keep: Duration) -> Self {
        Self { inner, clock, keep, state: Mutex::default() }
    }

    /// The read that returns each query. One new read takes all queries that no running read has.
    fn ask(&self, queries: &[MetricQuery], range: TimeRange, period: Period) -> Vec<Asked> {
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.forget_old(now, self.keep);
        let mut missing = Vec::new();
        for query in queries {
            let is_known = state.asked.contains_key(&(query.clone(), range, period));
            if !is_known && !missing.contains(query) {
                missing.push(query.clone());
            }
        }
        if !missing.is_empty() {
            let together = missing.len();
            let batch = self.begin(missing.clone(), range, period);
            for (position, query) in missing.into_iter().enumerate() {
                let asked = Asked { batch: batch.clone(), position, together, at: now };
                state.asked.insert((query, range, period), asked);
            }
        }
        queries.iter().map(|query| state.asked[&(query.clone(), range, period)].clone()).collect()
    }

    fn begin(&self, queries: Vec<MetricQuery>, range: TimeRange, period: Period) -> Batch {
        let inner = Arc::clone(&self.inner);
        let read = async move { inner.read(&queries, range, period).await.map(Arc::new) };
        read.boxed().shared()
    }
}

impl State {
    /// Drops series that are too old. Running reads stay while a caller waits, so that no series is read twice.
    fn forget_old(&mut self, now: Timestamp, keep: Duration) {
        let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
        let age = |at: Timestamp| now.duration_since(at).abs();
        self.asked
            .retain(|_, asked| age(asked.at) < keep || (asked.batch.peek().is_none() && asked.is_awaited()));
        self.good.retain(|_, good| {
            good.retain(|one| age(one.read_at) < OLD_KEPT);
            !good.is_empty()
        });
        if self.good.values().map(Vec::len).sum::<usize>() > MAX_SERIES {
            self.good.clear();
        }
    }

    /// Keeps numbers in place of the last ones of the same part of history.
    fn remember(&mut self, key: (MetricQuery, Period, i64), new: Good) {
        let good = self.good.entry(key).or_default();
        good.retain(|old| old.distance(new.series.start).is_none());
        good.push(new);
    }

    /// The last numbers of this part of history, moved into the range.
    fn recall(&self, key: &(MetricQuery, Period, i64), range: TimeRange) -> Option<Good> {
        let near = |good: &&Good| good.distance(range.from());
        let old = self.good.get(key)?.iter().filter(|good| near(good).is_some()).min_by_key(near)?;
        Some(Good { series: Arc::new(old.series.over(range)), read_at: old.read_at })
    }
}

#[async_trait]
impl<R: MetricReader + ?Sized + 'static> MetricReader for Cached<R> {
    async fn read(
        &self,
        queries: &[MetricQuery],
        range: TimeRange,
        period: Period,
    ) -> Result<Reading, ReadError> {
        let range = range.aligned(period);
        let asked = self.ask(queries, range, period);
        let answers = join_all(asked.iter().map(|one| one.batch.clone())).await;

        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reading = Reading {
            series: Vec::with_capacity(queries.len()),
            freshness: Freshness { read_at: self.clock.now(), error: None },
        };
        for ((query, asked), answer) in queries.iter().zip(&asked).zip(answers) {
            let key = (query.clone(), period, range.seconds());
            let (good, error) = match answer {
                Ok(read) => {
                    let series = read.series.get(asked.position).cloned();
                    let series = series.unwrap_or_else(|| Arc::new(Series::empty(range, period)));
                    let good = Good { series, read_at: read.freshness.read_at };
                    state.remember(key, good.clone());
                    (good, read.freshness.error.clone())
                }
                Err(error) => {
                    let old = state.recall(&key, range).ok_or_else(|| error.clone())?;
                    (old, Some(error))
                }
            };
            reading.series.push(good.series);
            reading.freshness.read_at = reading.freshness.read_at.min(good.read_at);
            reading.freshness.error = reading.freshness.error.or(error);
        }
        Ok(reading)
    }
}

#[cfg(test)]
mod tests;
