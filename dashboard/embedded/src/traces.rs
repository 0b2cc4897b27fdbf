//! Traces from the telemetry file.

use async_trait::async_trait;
use spillway_core::trace::Segment;
use spillway_dashboard_model::traces::{Trace, TraceFilter, TraceList, TraceReader};
use spillway_dashboard_model::{ReadError, TimeRange};
use spillway_embedded::telemetry::TelemetryReader;
use std::sync::Arc;

/// Reads traces of a data folder.
pub struct EmbeddedTraces {
    reader: Arc<TelemetryReader>,
}

impl EmbeddedTraces {
    /// Reads through this reader.
    pub fn new(reader: Arc<TelemetryReader>) -> Self {
        Self { reader }
    }
}

#[async_trait]
impl TraceReader for EmbeddedTraces {
    async fn get(&self, id: &str) -> Result<Option<Trace>, ReadError> {
        let (reader, wanted) = (Arc::clone(&self.reader), id.to_owned());
        let segments = super::blocking(move || reader.trace(&wanted)).await?;
        Ok(Trace::new(id, segments))
    }

    async fn list(
        &self,
        range: TimeRange,
        filter: &TraceFilter,
        limit: usize,
    ) -> Result<TraceList, ReadError> {
        let reader = Arc::clone(&self.reader);
        let filter = filter.clone();
        let hits = super::blocking(move || reader.traces(range.from(), range.to(), &filter, limit)).await?;
        let traces = hits.traces.into_iter().filter_map(whole).collect();
        Ok(TraceList { traces, has_more: hits.has_more })
    }
}

fn whole(segments: Vec<Segment>) -> Option<Trace> {
    let id = segments.first()?.trace_id.clone();
    Trace::new(id, segments)
}
