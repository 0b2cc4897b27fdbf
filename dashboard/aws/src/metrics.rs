//! Metrics from CloudWatch.

use crate::read_error;
use async_trait::async_trait;
use spillway_aws::cloudwatch::{self, Points};
use spillway_core::ports::Clock;
use spillway_dashboard_model::{Freshness, MetricReader, ReadError, Reading};
use spillway_metrics::{MetricQuery, Period, Series, TimeRange};
use std::sync::Arc;

/// Reads metrics of an account and region.
///
/// It does not cache. Put [`spillway_dashboard_model::Cached`] in front of it, because CloudWatch charges for each
/// metric. A period that is too short for the range's age ([`Period::for_range`]) returns only gaps.
pub struct CloudWatchMetrics {
    client: aws_sdk_cloudwatch::Client,
    clock: Arc<dyn Clock>,
}

impl CloudWatchMetrics {
    /// Reads through this client.
    pub fn new(client: aws_sdk_cloudwatch::Client, clock: Arc<dyn Clock>) -> Self {
        Self { client, clock }
    }
}

#[async_trait]
impl MetricReader for CloudWatchMetrics {
    async fn read(
        &self,
        queries: &[MetricQuery],
        range: TimeRange,
        period: Period,
    ) -> Result<Reading, ReadError> {
        let range = range.aligned(period);
        let freshness = Freshness { read_at: self.clock.now(), error: None };
        let times = (range.from(), range.to());
        let found = cloudwatch::read(&self.client, queries, period, times).await.map_err(read_error)?;
        let series = found.iter().map(|points| Arc::new(series(points, range, period)));
        Ok(Reading { series: series.collect(), freshness })
    }
}

fn series(points: &Points, range: TimeRange, period: Period) -> Series {
    let mut series = Series::empty(range, period);
    let start = series.start.as_second();
    for (at, value) in points {
        let slot = (at - start).div_euclid(i64::from(period.seconds()));
        if let Some(point) = usize::try_from(slot).ok().and_then(|slot| series.points.get_mut(slot)) {
            *point = Some(*value);
        }
    }
    series
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::{SignedDuration, Timestamp};
    use spillway_aws::cloudwatch::fake::FakeCloudWatch;
    use spillway_core::names::Names;
    use spillway_dashboard_model::{Cached, catalogue};
    use spillway_metrics::{Queue, Statistic, queue};
    use spillway_testkit::ManualClock;
    use spillway_testkit::contract::metrics::EmptyMetrics;
    use std::time::Duration;

    fn now() -> Timestamp {
        "2026-03-02T14:02:11Z".parse().unwrap()
    }

    fn reader(fake: &FakeCloudWatch) -> (Arc<CloudWatchMetrics>, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(now()));
        (Arc::new(CloudWatchMetrics::new(fake.client(), clock.clone())), clock)
    }

    fn hour() -> TimeRange {
        TimeRange::last(SignedDuration::from_hours(1), now())
    }

    /// CloudWatch in memory, for the suite that every reader of metrics passes.
    async fn open() -> EmptyMetrics {
        let fake = FakeCloudWatch::new();
        let (reader, _) = reader(&fake);
        EmptyMetrics {
            start: "2026-03-02T11:00:00Z".parse().unwrap(),
            record: Box::new(move |metric, values| {
                for (at, value) in values {
                    fake.put(&metric, at, value);
                }
                Box::pin(async {})
            }),
            reader,
            keep: Box::new(()),
        }
    }

    spillway_testkit::metrics!(super::open);

    #[tokio::test]
    async fn points_are_in_their_periods_and_the_rest_are_gaps() {
        let fake = FakeCloudWatch::new();
        let metric = queue::SENT.of(&Queue::from("q"));
        fake.put(&metric, "2026-03-02T13:02:30Z".parse().unwrap(), 3.0);
        fake.put(&metric, "2026-03-02T14:02:01Z".parse().unwrap(), 4.0);
        let query = MetricQuery::new(metric, Statistic::Sum);
        let (reader, _) = reader(&fake);
        let reading = reader.read(&[query], hour(), Period::MINUTE).await.unwrap();
        let series = &reading.series[0];
        assert_eq!(series.start.to_string(), "2026-03-02T13:02:00Z");
        assert_eq!((series.points.len(), series.points[0], series.latest()), (61, Some(3.0), Some(4.0)));
        assert_eq!(series.points.iter().flatten().count(), 2);
        assert_eq!(fake.last(), Some((1_772_456_520, 1_772_460_180, 60)));
    }

    #[tokio::test]
    async fn a_hundred_viewers_cost_one_read() {
        let fake = FakeCloudWatch::new();
        let (reader, clock) = reader(&fake);
        let cached = Cached::new(reader, clock.clone(), Duration::from_secs(30));
        let queries: Vec<_> =
            catalogue::catalogue(&Names::default()).iter().flat_map(catalogue::Entry::queries).collect();
        let distinct = queries.iter().collect::<std::collections::HashSet<_>>().len();
        let viewers = (0..100).map(|_| cached.read(&queries, hour(), Period::MINUTE));
        for reading in futures::future::join_all(viewers).await {
            assert_eq!(reading.unwrap().series.len(), queries.len());
        }
        assert_eq!((fake.calls(), fake.queries()), (1, distinct), "a hundred at once cost one read");
        clock.advance(Duration::from_secs(29));
        cached.read(&queries, hour(), Period::MINUTE).await.unwrap();
        assert_eq!(fake.calls(), 1, "and so does a viewer a moment later");
        clock.advance(Duration::from_secs(1));
        cached.read(&queries, hour(), Period::MINUTE).await.unwrap();
        assert_eq!(fake.calls(), 2);
    }

    #[tokio::test]
    async fn throttling_by_cloudwatch_returns_the_last_numbers_as_old() {
        let fake = FakeCloudWatch::new();
        let metric = queue::SENT.of(&Queue::from("q"));
        fake.put(&metric, "2026-03-02T13:30:00Z".parse().unwrap(), 3.0);
        let query = [MetricQuery::new(metric, Statistic::Sum)];
        let (reader, clock) = reader(&fake);
        let cached = Cached::new(reader, clock.clone(), Duration::from_secs(30));
        cached.read(&query, hour(), Period::MINUTE).await.unwrap();
        fake.failing(400, "Throttling");
        clock.advance(Duration::from_secs(60));
        let old = cached.read(&query, hour(), Period::MINUTE).await.unwrap();
        assert_eq!((old.series[0].total(), old.freshness.error), (Some(3.0), Some(ReadError::Throttled)));
        assert_eq!(old.freshness.read_at, now());
    }
}
