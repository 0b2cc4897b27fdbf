//! Metrics from the telemetry file.

use async_trait::async_trait;
use jiff::SignedDuration;
use spillway_core::ports::Clock;
use spillway_dashboard_model::{Freshness, MetricReader, ReadError, Reading};
use spillway_embedded::telemetry::TelemetryReader;
use spillway_metrics::{MetricQuery, Period, Series, TimeRange};
use std::sync::Arc;

/// A running pipeline samples its queues every few seconds. After this time without a measurement it does not run, or can't
/// write.
const SILENT: SignedDuration = SignedDuration::from_secs(120);

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
        let now = self.clock.now();
        let (rows, newest) = super::blocking(move || {
            let rows = reader.query(&asked, range.from(), range.to(), period.seconds())?;
            Ok((rows, reader.newest()?))
        })
        .await?;
        let freshness = match newest {
            Some(newest) if now.duration_since(newest) > SILENT => {
                let reason = "nothing was recorded since then".to_owned();
                Freshness { read_at: newest, error: Some(ReadError::Unavailable { reason }) }
            }
            _ => Freshness { read_at: now, error: None },
        };
        let series = rows.into_iter().map(|points| Series { start: range.from(), period, points });
        Ok(Reading { series: series.map(Arc::new).collect(), freshness })
    }
}
