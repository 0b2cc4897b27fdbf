//! Simulates Lambda: invokes a function with a batch, with a timeout, and measures it.

use crate::concurrency::Concurrency;
use crate::faults::FaultKind;
use crate::pipeline::Pipeline;
use rand::{Rng, SeedableRng};
use spillway_core::Timestamp;
use spillway_core::ids::CodeVersion;
use spillway_core::message::ReceivedMessage;
use spillway_core::metric::Meter;
use spillway_core::names::Names;
use spillway_core::ports::{Clock, MetricSink, QueueKind, QueueReceiver, TraceSink};
use spillway_core::settings::PipelineSettings;
use spillway_core::usecases::archive::Archiver;
use spillway_core::usecases::store::{Consumer, SegmentNames};
use spillway_core::worker::{self, BatchWork};
use spillway_metrics::{Function, function};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The functions behind the queues.
pub struct Functions {
    pub(super) receiver: Arc<dyn QueueReceiver>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settings: Arc<PipelineSettings>,
    names: Arc<Names>,
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
    running: Concurrency,
}

impl FunctionMetrics {
    fn of(named: &Function) -> Self {
        let of = |metric| Meter::new(metric, named);
        Self {
            invocations: of(function::INVOCATIONS),
            errors: of(function::ERRORS),
            throttles: of(function::THROTTLES),
            duration: of(function::DURATION),
            concurrent: of(function::CONCURRENCY),
            running: Concurrency::default(),
        }
    }
}

/// How an invocation without an answer ended.
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
            receiver: Arc::clone(&pipeline.workers.receiver),
            clock: Arc::clone(&ports.clock),
            settings: Arc::clone(&ports.settings),
            names: Arc::clone(&ports.names),
            consumer: ports.consumer(&pipeline.workers, version.clone()),
            archiver: ports.archiver(&pipeline.workers, version),
            faults: Arc::clone(&pipeline.local.faults),
            metrics: pipeline.recorder.clone(),
            traces: pipeline.recorder.clone(),
            of_consumer: FunctionMetrics::of(&(&ports.names.consumer_function).into()),
            of_archiver: FunctionMetrics::of(&(&ports.names.archiver_function).into()),
            // The crashes are the same in each simulation. In real time it does not matter which invocation
            // crashes.
            chance: Mutex::new(rand::rngs::StdRng::seed_from_u64(20)),
        }
    }

    /// Invokes the consumer with a batch, and deletes from the queue what it has settled.
    pub async fn invoke_consumer(&self, batch: Vec<ReceivedMessage>) {
        let crash = self.crash(self.clock.now());
        let names = SegmentNames { queue: &self.names.queue, function: &self.names.consumer_function };
        self.invoke(&self.of_consumer, &self.consumer, batch, crash, QueueKind::Primary, names).await;
    }

    /// Invokes the archiver with a batch from the DLQ, and deletes from there what it has archived.
    pub async fn invoke_archiver(&self, batch: Vec<ReceivedMessage>) {
        let is_out = self.faults.is_on(self.clock.now(), &FaultKind::ArchiverOutage);
        let crash = is_out.then_some(Crash::BeforeTheWork);
        let names =
            SegmentNames { queue: &self.names.dead_letter_queue, function: &self.names.archiver_function };
        self.invoke(&self.of_archiver, &self.archiver, batch, crash, QueueKind::Dlq, names).await;
    }

    async fn invoke<W: BatchWork>(
        &self,
        function: &FunctionMetrics,
        work: &W,
        batch: Vec<ReceivedMessage>,
        crash: Option<Crash>,
        queue: QueueKind,
        names: SegmentNames<'_>,
    ) {
        let started = self.clock.elapsed();
        let running = function.running.begin();
        self.record(&function.concurrent, running.count() as f64);
        let answer = if crash == Some(Crash::BeforeTheWork) {
            None
        } else {
            let timeout = Duration::from_secs(u64::from(self.settings.function_timeout_s));
            tokio::time::timeout(self.clock.on_machine(timeout), worker::run(work, batch)).await.ok()
        };
        drop(running);
        let report = answer.filter(|_| crash.is_none());
        self.measure(function, started, report.is_some());
        // Nothing of a batch without an answer is deleted: it becomes visible again after its visibility timeout.
        let Some(report) = report else { return };
        worker::publish(&report, names, &*self.metrics, &*self.traces);
        worker::settle(&report, &*self.receiver, queue).await;
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

    fn measure(&self, function: &FunctionMetrics, started: Duration, answered: bool) {
        let took = (self.clock.elapsed() - started).as_micros() as f64 / 1000.0;
        self.record(&function.invocations, 1.0);
        self.record(&function.errors, f64::from(u8::from(!answered)));
        self.record(&function.throttles, 0.0);
        self.record(&function.duration, took);
    }

    fn record(&self, meter: &Meter, value: f64) {
        self.metrics.record(meter.measured(value));
    }
}
