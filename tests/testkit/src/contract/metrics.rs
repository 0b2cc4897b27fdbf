//! The reader of metrics.

use futures::future::BoxFuture;
use jiff::SignedDuration;
use spillway_core::Timestamp;
use spillway_core::trace::segment_id;
use spillway_dashboard_model::{MetricReader, Reading};
use spillway_metrics::{Function, MetricId, MetricQuery, Period, Statistic, TimeRange, consumer};
use std::any::Any;
use std::sync::Arc;

/// A place for measurements, and the reader of it.
pub struct EmptyMetrics {
    /// A full hour in the past. The cases measure in the minutes after it.
    pub start: Timestamp,
    /// Records measurements. The reader finds them when the future ends.
    pub record: RecordMeasurements,
    /// The reader.
    pub reader: Arc<dyn MetricReader>,
    /// Values that must live as long as the reader, such as a temporary folder.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// Records values of a metric, each with its time.
pub type RecordMeasurements =
    Box<dyn Fn(MetricId, Vec<(Timestamp, f64)>) -> BoxFuture<'static, ()> + Send + Sync>;

suite! { $ metrics of super::EmptyMetrics:
    measurements_are_in_their_periods_and_the_rest_are_gaps,
    a_range_is_widened_to_whole_periods,
    a_measurement_at_the_end_of_the_range_belongs_to_the_next_range,
    each_query_has_its_statistic_in_the_order_of_the_queries,
    a_longer_period_is_computed_from_all_its_measurements,
    a_metric_without_measurements_has_only_gaps,
    no_query_has_no_series,
}

impl EmptyMetrics {
    fn at(&self, second: i64) -> Timestamp {
        self.start + SignedDuration::from_secs(second)
    }

    /// A metric of a function that no other case has: the cases may share one place.
    async fn measured(&self, values: &[(i64, f64)]) -> MetricId {
        let metric = consumer::RECORDS_STORED.of(&Function::from(&*format!("contract-{}", segment_id())));
        let values = values.iter().map(|(second, value)| (self.at(*second), *value)).collect();
        (self.record)(metric.clone(), values).await;
        metric
    }

    async fn read(&self, queries: &[MetricQuery], (from, to): (i64, i64), period: Period) -> Reading {
        let range = TimeRange::new(self.at(from), self.at(to)).unwrap();
        self.reader.read(queries, range, period).await.unwrap()
    }

    async fn sums(&self, metric: &MetricId, range: (i64, i64), period: Period) -> Vec<Option<f64>> {
        let query = MetricQuery::new(metric.clone(), Statistic::Sum);
        self.read(&[query], range, period).await.series[0].points.clone()
    }
}

async fn measurements_are_in_their_periods_and_the_rest_are_gaps(metrics: &EmptyMetrics) {
    let metric = metrics.measured(&[(65, 3.0), (119, 4.0), (180, 5.0)]).await;
    let sums = metrics.sums(&metric, (0, 240), Period::MINUTE).await;
    assert_eq!(sums, [None, Some(7.0), None, Some(5.0)]);
}

async fn a_range_is_widened_to_whole_periods(metrics: &EmptyMetrics) {
    let metric = metrics.measured(&[(60, 1.0), (175, 2.0), (180, 4.0)]).await;
    let query = MetricQuery::new(metric, Statistic::Sum);
    let reading = metrics.read(&[query], (61, 121), Period::MINUTE).await;
    assert_eq!((reading.series[0].start, reading.series[0].period), (metrics.at(60), Period::MINUTE));
    assert_eq!(reading.series[0].points, [Some(1.0), Some(2.0)]);
    assert_eq!(reading.freshness.error, None);
}

async fn a_measurement_at_the_end_of_the_range_belongs_to_the_next_range(metrics: &EmptyMetrics) {
    let metric = metrics.measured(&[(120, 1.0)]).await;
    assert_eq!(metrics.sums(&metric, (0, 120), Period::MINUTE).await, [None, None]);
    assert_eq!(metrics.sums(&metric, (120, 240), Period::MINUTE).await, [Some(1.0), None]);
}

async fn each_query_has_its_statistic_in_the_order_of_the_queries(metrics: &EmptyMetrics) {
    let metric = metrics.measured(&[(1, 2.0), (2, 6.0), (3, 1.0)]).await;
    let other = metrics.measured(&[(4, 8.0)]).await;
    let expected = [
        (&metric, Statistic::Sum, 9.0),
        (&other, Statistic::Sum, 8.0),
        (&metric, Statistic::Average, 3.0),
        (&metric, Statistic::Minimum, 1.0),
        (&metric, Statistic::Maximum, 6.0),
        (&metric, Statistic::SampleCount, 3.0),
        (&metric, Statistic::Sum, 9.0),
    ];
    let queries = expected.map(|(metric, statistic, _)| MetricQuery::new(metric.clone(), statistic));
    let reading = metrics.read(&queries, (0, 60), Period::MINUTE).await;
    let points: Vec<_> = reading.series.iter().map(|series| series.points.clone()).collect();
    assert_eq!(points, expected.map(|(_, _, value)| vec![Some(value)]));
}

async fn a_longer_period_is_computed_from_all_its_measurements(metrics: &EmptyMetrics) {
    let metric = metrics.measured(&[(0, 1.0), (61, 5.0), (299, 3.0), (300, 7.0)]).await;
    assert_eq!(metrics.sums(&metric, (0, 600), Period::FIVE_MINUTES).await, [Some(9.0), Some(7.0)]);
    let query = MetricQuery::new(metric, Statistic::Average);
    let reading = metrics.read(&[query], (0, 300), Period::FIVE_MINUTES).await;
    assert_eq!(reading.series[0].points, [Some(3.0)]);
}

async fn a_metric_without_measurements_has_only_gaps(metrics: &EmptyMetrics) {
    let (never, other) = (metrics.measured(&[]).await, metrics.measured(&[(0, 1.0)]).await);
    assert_eq!(metrics.sums(&never, (0, 120), Period::MINUTE).await, [None, None]);
    assert_eq!(metrics.sums(&other, (0, 120), Period::MINUTE).await, [Some(1.0), None]);
}

async fn no_query_has_no_series(metrics: &EmptyMetrics) {
    assert_eq!(metrics.read(&[], (0, 60), Period::MINUTE).await.series, []);
}
