//! Accepts measurements and segments.

use super::file::FILE_NAME;
use super::memory::Memory;
use super::reader::TelemetryReader;
use super::segments::SegmentQueue;
use super::slots::Slot;
use super::writer::Writer;
use spillway_core::Timestamp;
use spillway_core::metric::{Measurement, MetricId, Unit};
use spillway_core::ports::{Clock, MetricSink, TraceSink};
use spillway_core::trace::Segment;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How the file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// At each flush. After a crash of the process all flushed data is there. After a crash of the whole
    /// machine the last seconds may be missing.
    Live,
    /// For virtual time: writes once in the given number of virtual seconds. Data may be lost if the machine
    /// crashes meanwhile.
    Simulation {
        /// Virtual seconds between two transactions. An hour is a good value.
        write_every_s: u32,
    },
}

/// Accepts measurements and segments, and writes them to `telemetry.db` in the data folder when the caller
/// flushes it.
///
/// Recording never fails and never waits for a disk. When the file can't be written, measurements wait in memory. If
/// there are too many, the oldest are dropped and counted. Writing resumes when the file can be written.
pub struct Recorder {
    clock: Arc<dyn Clock>,
    mode: Mode,
    memory: Arc<Memory>,
    segments: SegmentQueue,
    writer: Mutex<Writer>,
    dropped_measurements: AtomicU64,
    dropped_segments: AtomicU64,
    /// Unix second of the last write.
    written_at: AtomicI64,
}

/// The state of recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecorderHealth {
    /// Measurements that were dropped because they could not be written for too long.
    pub dropped_measurements: u64,
    /// Segments that were dropped because too many were waiting.
    pub dropped_segments: u64,
    /// Why the file can't be written at the moment, if so.
    pub error: Option<String>,
}

/// One metric, looked up once: the cheapest way to record.
#[derive(Clone)]
pub struct MetricHandle {
    slot: Arc<Slot>,
    clock: Arc<dyn Clock>,
}

impl MetricHandle {
    /// Records a value measured now.
    pub fn record(&self, value: f64) {
        self.slot.add(self.clock.now().as_second(), value);
    }
}

impl Recorder {
    /// A recorder for that data folder. The file is opened at the first flush. An error with it shows in
    /// [`Self::health`] and is logged once.
    pub fn new(data_folder: &Path, clock: Arc<dyn Clock>, mode: Mode) -> Self {
        let started = clock.now().as_second();
        let memory = Arc::new(Memory::default());
        let writer = Writer::new(data_folder.join(FILE_NAME), mode == Mode::Live, Arc::clone(&memory));
        Self {
            clock,
            mode,
            memory,
            segments: SegmentQueue::default(),
            writer: Mutex::new(writer),
            dropped_measurements: AtomicU64::new(0),
            dropped_segments: AtomicU64::new(0),
            written_at: AtomicI64::new(started),
        }
    }

    /// A reader of the recorder's file that also reads what is not in the file yet.
    pub fn reader(&self, data_folder: &Path) -> TelemetryReader {
        TelemetryReader::beside(data_folder, Arc::clone(&self.memory))
    }

    /// The handle of a metric.
    pub fn handle(&self, metric: &MetricId, unit: Unit) -> MetricHandle {
        MetricHandle { slot: self.memory.slots.get(metric, unit), clock: Arc::clone(&self.clock) }
    }

    /// Records a measurement that was made at another time than now, such as a queue's depth at a full minute.
    pub fn record_at(&self, measurement: &Measurement, at: Timestamp) {
        let Measurement { metric, value, unit } = measurement;
        self.memory.slots.with(metric, *unit, |slot| slot.add(at.as_second(), *value));
    }

    /// Writes what was recorded. In live mode it writes each time, so call it every second or two. In a
    /// simulation it writes when enough virtual time has passed, so call it every virtual minute. It blocks
    /// while SQLite writes.
    pub fn flush(&self, now: Timestamp) {
        let now = now.as_second();
        let since = now - self.written_at.load(Ordering::Relaxed);
        let due = match self.mode {
            Mode::Live => true,
            Mode::Simulation { write_every_s } => since >= i64::from(write_every_s) || since < 0,
        };
        self.take_over_and_write(now, due);
    }

    /// Writes all that was recorded, in any mode. To be called when a simulation or the process ends.
    pub fn finish(&self, now: Timestamp) {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).retry_now();
        self.take_over_and_write(now.as_second(), true);
    }

    fn take_over_and_write(&self, now: i64, due: bool) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let slots = self.memory.slots.all();
        let dropped = writer.take_over(&slots, self.segments.take(), now);
        let before = self.dropped_measurements.fetch_add(dropped.measurements, Ordering::Relaxed);
        self.dropped_segments.fetch_add(dropped.segments, Ordering::Relaxed);
        if before == 0 && dropped.measurements > 0 {
            tracing::warn!(
                measurements = dropped.measurements,
                "measurements are dropped: they are too old, or could not be written for too long; this is logged once"
            );
        }
        if due || writer.is_pressed() {
            writer.write(&slots, now);
            self.written_at.store(now, Ordering::Relaxed);
        }
    }

    /// Adapts to a clock that was set: what was recorded under times that are in the future now is forgotten at the next
    /// flush. Otherwise it would be mixed with what will be measured then.
    pub fn clock_was_set(&self, now: Timestamp) {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).clock_was_set(now.as_second());
    }

    /// Flushes at that interval until the future is dropped, on a thread that may block.
    pub async fn flush_every(self: Arc<Self>, interval: Duration) {
        loop {
            self.clock.sleep(interval).await;
            let recorder = Arc::clone(&self);
            let flushed = tokio::task::spawn_blocking(move || recorder.flush(recorder.clock.now())).await;
            if let Err(error) = flushed {
                tracing::error!(%error, "flushing telemetry failed unexpectedly");
            }
        }
    }

    /// The state of recording.
    pub fn health(&self) -> RecorderHealth {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        RecorderHealth {
            dropped_measurements: self.dropped_measurements.load(Ordering::Relaxed),
            dropped_segments: self.dropped_segments.load(Ordering::Relaxed),
            error: writer.error().map(str::to_owned),
        }
    }

    /// Limits the file to at most this number of pages from the next opening on: simulates a full disk.
    #[cfg(test)]
    pub(super) fn limit_pages(&self, pages: Option<u32>) {
        self.writer.lock().unwrap().page_limit = pages;
    }
}

impl MetricSink for Recorder {
    fn record(&self, measurement: Measurement) {
        let second = self.clock.now().as_second();
        self.memory
            .slots
            .with(&measurement.metric, measurement.unit, |slot| slot.add(second, measurement.value));
    }
}

impl TraceSink for Recorder {
    fn record(&self, segment: Segment) {
        if !self.segments.push(segment) && self.dropped_segments.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!(
                "segments of traces are dropped: too many wait to be written; this is logged once"
            );
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.finish(self.clock.now());
    }
}
