//! Metrics from the telemetry file.

use async_trait::async_trait;
use spillway_core::ports::Clock;
use spillway_dashboard_model::{Freshness, MetricReader, ReadError, Reading};
use spillway_embedded::telemetry::TelemetryReader;
use spillway_metrics::{MetricQuery, Period, Series, TimeRange};
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
        let asked = queries.to_vec();
        let reader = Arc::clone(&self.reader);
        let freshness = Freshness { read_at: self.clock.now(), error: None };
        let rows = super::blocking(move || reader.query(&asked, range.from(), range.to(), period.seconds()));
        let series = rows.await?.into_iter().map(|points| Series { start: range.from(), period, points });
        Ok(Reading { series: series.map(Arc::new).collect(), freshness })
    }
}
