//! Metrics from the telemetry file.

use async_trait::async_trait;
use spillway_core::ports::Clock;
use spillway_dashboard_model::{
    Freshness, MetricQuery, MetricReader, Period, ReadError, Reading, Series, Statistic, TimeRange,
};
use spillway_embedded::telemetry::{self, TelemetryReader};
use std::sync::Arc;

/// Reads metrics of a data folder.
pub struct EmbeddedMetrics {
    reader: Arc<TelemetryReader>,
    clock: Arc<dyn Clock>,
}

impl EmbeddedMetrics {
    /// Reads through this reader.
    pub fn new(reader: Arc<TelemetryReader>, clock: Arc<dyn Clock>) -> Self {
        Self { reader, clock }
    }
}

#[async_trait]
impl MetricReader for EmbeddedMetrics {
    async fn read(
        &self,
        queries: &[MetricQuery],
        range: TimeRange,
        period: Period,
    ) -> Result<Reading, ReadError> {
        let range = range.aligned(period);
        let asked: Vec<_> = queries.iter().map(translate).collect();
        let reader = Arc::clone(&self.reader);
        let freshness = Freshness { read_at: self.clock.now(), trouble: None };
        let rows = super::blocking(move || reader.query(&asked, range.from(), range.to(), period.seconds()));
        let series = rows.await?.into_iter().map(|points| Series { start: range.from(), period, points });
        Ok(Reading { series: series.map(Arc::new).collect(), freshness })
    }
}

fn translate(query: &MetricQuery) -> telemetry::MetricQuery {
    let statistic = match query.statistic {
        Statistic::Sum => telemetry::Statistic::Sum,
        Statistic::Average => telemetry::Statistic::Average,
        Statistic::Minimum => telemetry::Statistic::Minimum,
        Statistic::Maximum => telemetry::Statistic::Maximum,
        Statistic::SampleCount => telemetry::Statistic::SampleCount,
        Statistic::Percentile(hundredths) => telemetry::Statistic::Percentile(hundredths),
    };
    telemetry::MetricQuery { metric: query.metric.clone(), statistic }
}
