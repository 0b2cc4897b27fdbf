//! A data folder with a recorder, a reader and a clock that is set by hand.

use super::super::{Mode, Recorder, TelemetryReader};
use spillway_core::Timestamp;
use spillway_core::metric::{Measurement, MetricId, Unit};
use spillway_core::ports::MetricSink;
use spillway_metrics::{MetricQuery, Statistic};
use spillway_testkit::ManualClock;
use std::sync::Arc;
use std::time::Duration;

/// A full hour, so that all periods begin here.
pub const START: i64 = 1_767_222_000;

pub struct Bench {
    pub folder: tempfile::TempDir,
    pub clock: Arc<ManualClock>,
    pub recorder: Recorder,
    pub reader: TelemetryReader,
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(START + second).unwrap()
}

pub fn bench(mode: Mode) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(at(0)));
    let recorder = Recorder::new(folder.path(), clock.clone(), mode);
    let reader = TelemetryReader::new(folder.path());
    Bench { folder, clock, recorder, reader }
}

pub fn latency() -> MetricId {
    MetricId::new("AWS/ApiGateway", "Latency", &[("ApiName", "spillway"), ("Stage", "live")])
}

pub fn count() -> MetricId {
    MetricId::new("AWS/ApiGateway", "Count", &[("ApiName", "spillway"), ("Stage", "live")])
}

impl Bench {
    pub fn now(&self) -> Timestamp {
        spillway_core::ports::Clock::now(self.clock.as_ref())
    }

    pub fn record(&self, metric: &MetricId, value: f64) {
        MetricSink::record(&self.recorder, Measurement { metric: metric.clone(), value, unit: Unit::Count });
    }

    pub fn flush(&self) {
        self.recorder.flush(self.now());
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// The statistic from one second after the start to another, by that period.
    pub fn read(
        &self,
        metric: &MetricId,
        statistic: Statistic,
        (from, to): (i64, i64),
        period: u32,
    ) -> Vec<Option<f64>> {
        let query = MetricQuery { metric: metric.clone(), statistic };
        self.reader.query(&[query], at(from), at(to), period).unwrap().remove(0)
    }
}
