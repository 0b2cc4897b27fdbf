//! The readers of metrics and traces pass the suites that every adapter passes.

use jiff::Timestamp;
use spillway_core::metric::{Measurement, MetricId, Unit};
use spillway_core::ports::{Clock as _, TraceSink as _};
use spillway_dashboard_embedded::{EmbeddedMetrics, EmbeddedTraces};
use spillway_embedded::telemetry::{Mode, Recorder, TelemetryReader};
use spillway_testkit::ManualClock;
use spillway_testkit::contract::metrics::EmptyMetrics;
use spillway_testkit::contract::traces::EmptyTraces;
use std::sync::Arc;
use std::time::Duration;

/// A data folder, three hours after the cases begin.
struct Place {
    start: Timestamp,
    clock: Arc<ManualClock>,
    recorder: Arc<Recorder>,
    reader: Arc<TelemetryReader>,
    folder: tempfile::TempDir,
}

fn place() -> Place {
    let start: Timestamp = "2026-03-02T14:00:00Z".parse().expect("a time");
    let clock = Arc::new(ManualClock::at(start));
    clock.advance(Duration::from_secs(3 * 3600));
    let folder = tempfile::tempdir().expect("a folder");
    let recorder = Arc::new(Recorder::new(folder.path(), clock.clone(), Mode::Live));
    let reader = Arc::new(TelemetryReader::new(folder.path()));
    Place { start, clock, recorder, reader, folder }
}

async fn open_metrics() -> EmptyMetrics {
    let Place { start, clock, recorder, reader, folder } = place();
    let now = clock.now();
    EmptyMetrics {
        start,
        record: Box::new(move |metric, values| {
            for (at, value) in values {
                recorder.record_at(&Measurement { metric: metric.clone(), value, unit: Unit::Count }, at);
            }
            // A running pipeline always measures something.
            let other = MetricId { name: "other".into(), ..metric };
            recorder.record_at(&Measurement { metric: other, value: 0.0, unit: Unit::Count }, now);
            recorder.flush(now);
            Box::pin(async {})
        }),
        reader: Arc::new(EmbeddedMetrics::new(reader, clock)),
        keep: Box::new(folder),
    }
}

async fn open_traces() -> EmptyTraces {
    let Place { start, clock, recorder, reader, folder } = place();
    EmptyTraces {
        start,
        record: Box::new(move |segments| {
            for segment in segments {
                recorder.record(segment);
            }
            recorder.flush(clock.now());
            Box::pin(async {})
        }),
        reader: Arc::new(EmbeddedTraces::new(reader)),
        keep: Box::new(folder),
    }
}

spillway_testkit::metrics!(crate::contract::open_metrics);
spillway_testkit::traces!(crate::contract::open_traces);
