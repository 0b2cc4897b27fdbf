//! Plays Lambda: invokes a function with a batch, with a timeout, and measures it.

use crate::pipeline::Pipeline;
use crate::queue::{Queues, Which};
use rand::{Rng, SeedableRng};
use spillway_core::Timestamp;
use spillway_core::fault::FaultKind;
use spillway_core::ids::CodeVersion;
use spillway_core::message::ReceivedMessage;
use spillway_core::metric::Meter;
use spillway_core::names::Names;
use spillway_core::ports::{Clock, MetricSink, TraceSink};
use spillway_core::settings::PipelineSettings;
use spillway_core::usecases::archive::Archiver;
use spillway_core::usecases::store::{Consumer, Place};
use spillway_metrics::{Function, function};
use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The functions behind the queues.
pub struct Functions {
    pub(super) queues: Arc<Queues>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settings: PipelineSettings,
    names: Names,
    consumer: Consumer,
    archiver: Archiver,
    faults: Arc<crate::faults::Faults>,
    metrics: Arc<dyn MetricSink>,
    traces: Arc<dyn TraceSink>,
    of_consumer: FunctionMetrics,
    of_archiver: FunctionMetrics,
    chance: Mutex<rand::rngs::StdRng>,
}

/// What Lambda measures of each function.
struct FunctionMetrics {
    invocations: Meter,
    errors: Meter,
    throttles: Meter,
    duration: Meter,
    concurrent: Meter,
    running: AtomicUsize,
}

impl FunctionMetrics {
    fn of(name: &Cow<'static, str>) -> Self {
        let named = Function::from(name);
        let of = |metric| Meter::new(metric, &named);
        Self {
            invocations: of(function::INVOCATIONS),
            errors: of(function::ERRORS),
            throttles: of(function::THROTTLES),
            duration: of(function::DURATION),
            concurrent: of(function::CONCURRENCY),
            running: AtomicUsize::new(0),
        }
    }
}

/// How an invocation ended that gave no answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Crash {
    BeforeTheWork,
    AfterTheWork,
}

impl Functions {
    /// The functions of a pipeline.
    pub fn new(pipeline: &Pipeline) -> Self {
        let ports = &pipeline.ports;
        let version = CodeVersion::new(env!("CARGO_PKG_VERSION"));
        Self {
            queues: Arc::clone(&ports.queues),
            clock: Arc::clone(&ports.clock),
            settings: ports.settings.clone(),
            names: ports.names.clone(),
            consumer: Consumer {
                store: Arc::clone(&ports.store),
                redelivery: ports.queues.clone(),
                replays: Arc::clone(&ports.replays),
                schemas: Arc::clone(&ports.schemas),
                clock: Arc::clone(&ports.clock),
                version: version.clone(),
                max_receive_count: ports.settings.max_receive_count,
                retry: ports.settings.retry,
            },
            archiver: Archiver {
                archive: Arc::clone(&ports.archive),
                clock: Arc::clone(&ports.clock),
                version,
                max_receive_count: ports.settings.max_receive_count,
            },
            faults: Arc::clone(&ports.faults),
            metrics: pipeline.recorder.clone(),
            traces: pipeline.recorder.clone(),
            of_consumer: FunctionMetrics::of(&ports.names.consumer_function),
            of_archiver: FunctionMetrics::of(&ports.names.archiver_function),
            // The same crashes in each simulation; which invocation it hits is of no interest live.
            chance: Mutex::new(rand::rngs::StdRng::seed_from_u64(20)),
        }
    }

    /// Invokes the consumer with a batch, and deletes from the queue what it has settled.
    pub async fn invoke_consumer(&self, batch: Vec<ReceivedMessage>) {
        let started = self.begin(&self.of_consumer);
        let crash = self.crash(started);
        let answer = if crash == Some(Crash::BeforeTheWork) {
            None
        } else {
            let timeout = Duration::from_secs(u64::from(self.settings.function_timeout_s));
            tokio::time::timeout(timeout, self.consumer.store_batch(batch)).await.ok()
        };
        let report = answer.filter(|_| crash.is_none());
        self.end(&self.of_consumer, started, report.is_some());
        // Nothing of a batch without an answer is deleted: it becomes visible again after its visibility timeout.
        let Some(report) = report else { return };
        for measurement in report.measurements(&self.names.consumer_function) {
            self.metrics.record(measurement);
        }
        let failed = report.failures();
        let settled: Vec<_> = report
            .records
            .iter()
            .filter(|record| !failed.contains(&record.message.message_id))
            .map(|record| record.message.receipt_handle.clone())
            .collect();
        if !settled.is_empty()
            && let Err(error) = self.queues.delete(Which::Primary, &settled).await
        {
            tracing::warn!(%error, messages = settled.len(), "settled messages could not be deleted; they will be received again");
        }
        let place = Place { queue: &self.names.queue, function: &self.names.consumer_function };
        for segment in report.segments(place, started) {
            self.traces.record(segment);
        }
    }

    /// Invokes the archiver with a batch from the DLQ, and deletes from there what it has archived.
    pub async fn invoke_archiver(&self, batch: Vec<ReceivedMessage>) {
        let started = self.begin(&self.of_archiver);
        if self.faults.is_on(started, &FaultKind::ArchiverOutage) {
            self.end(&self.of_archiver, started, false);
            return;
        }
        let report = self.archiver.archive_batch(batch).await;
        self.end(&self.of_archiver, started, true);
        for measurement in report.measurements(&self.names.archiver_function) {
            self.metrics.record(measurement);
        }
        let archived: Vec<_> = report
            .records
            .iter()
            .filter(|record| record.result.is_ok())
            .map(|record| record.message.receipt_handle.clone())
            .collect();
        if !archived.is_empty()
            && let Err(error) = self.queues.delete(Which::Dlq, &archived).await
        {
            tracing::warn!(%error, messages = archived.len(), "archived messages could not be deleted; they will be received again");
        }
    }

    fn crash(&self, now: Timestamp) -> Option<Crash> {
        let share = self.faults.find(now, |kind| match kind {
            FaultKind::ConsumerCrash { probability } => Some(*probability),
            _ => None,
        })?;
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        if !chance.random_bool(share.clamp(0.0, 1.0)) {
            return None;
        }
        Some(if chance.random_bool(0.5) { Crash::BeforeTheWork } else { Crash::AfterTheWork })
    }

    fn begin(&self, function: &FunctionMetrics) -> Timestamp {
        let running = function.running.fetch_add(1, Ordering::Relaxed) + 1;
        self.record(&function.concurrent, running as f64);
        self.clock.now()
    }

    fn end(&self, function: &FunctionMetrics, started: Timestamp, answered: bool) {
        function.running.fetch_sub(1, Ordering::Relaxed);
        let took = (self.clock.now().as_microsecond() - started.as_microsecond()) as f64 / 1000.0;
        self.record(&function.invocations, 1.0);
        self.record(&function.errors, f64::from(u8::from(!answered)));
        self.record(&function.throttles, 0.0);
        self.record(&function.duration, took);
    }

    fn record(&self, meter: &Meter, value: f64) {
        self.metrics.record(meter.measured(value));
    }
}
