//! A pipeline in virtual time, with helpers for its tests.

use spillway_core::Timestamp;
use spillway_core::event::Event;
use spillway_core::ledger::Ledger;
use spillway_core::ports::{Clock, Schemas};
use spillway_core::schema::FixedSchemas;
use spillway_core::settings::PipelineSettings;
use spillway_core::usecases::accept::accept;
use spillway_embedded::faults::{Fault, FaultKind};
use spillway_embedded::{Options, Pipeline, VirtualClock, runtime};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub const START: &str = "2026-03-02T00:00:00Z";

pub fn start() -> Timestamp {
    START.parse().expect("a time")
}

/// A pipeline that runs in virtual time.
pub struct Running {
    pub pipeline: Arc<Pipeline>,
    running: runtime::Running,
}

pub fn no_schemas() -> Arc<dyn Schemas> {
    Arc::new(FixedSchemas::default())
}

impl Running {
    pub async fn open(
        dir: &Path,
        clock: VirtualClock,
        settings: PipelineSettings,
        schemas: Arc<dyn Schemas>,
        faults: &[Fault],
    ) -> Self {
        Self::open_with(dir, clock, settings, schemas, faults, |_| {}).await
    }

    /// The same, with ports that the test replaces before anything runs.
    pub async fn open_with(
        dir: &Path,
        clock: VirtualClock,
        settings: PipelineSettings,
        schemas: Arc<dyn Schemas>,
        faults: &[Fault],
        replace: impl FnOnce(&mut Pipeline),
    ) -> Self {
        Self::open_on(dir, Arc::new(clock), settings, schemas, faults, replace).await
    }

    /// The same, on a clock that the test can set.
    pub async fn open_on(
        dir: &Path,
        clock: Arc<dyn Clock>,
        settings: PipelineSettings,
        schemas: Arc<dyn Schemas>,
        faults: &[Fault],
        replace: impl FnOnce(&mut Pipeline),
    ) -> Self {
        let options = Options {
            settings,
            schemas,
            simulated_latency: Some(Duration::from_millis(5)),
            ..Options::at(clock)
        };
        let mut pipeline = Pipeline::open(dir, options).await.expect("a fresh folder opens");
        replace(&mut pipeline);
        let pipeline = Arc::new(pipeline);
        for fault in faults {
            pipeline.local.faults.add(fault.clone()).await.expect("a fault is added");
        }
        let running = runtime::start(&pipeline);
        Self { pipeline, running }
    }

    /// Stops the pipeline as a requested end does.
    pub async fn stop(self) -> Arc<Pipeline> {
        self.running.stop(Duration::from_secs(5)).await;
        self.pipeline
    }

    pub async fn sleep(&self, seconds: u64) {
        self.pipeline.ports.clock.sleep(Duration::from_secs(seconds)).await;
    }

    /// Accepts events `first..first + count`, one a second.
    pub async fn accept_one_a_second(&self, first: u64, count: u64) {
        for number in first..first + count {
            self.accept(&event(number)).await;
            self.sleep(1).await;
        }
    }

    pub async fn accept(&self, event: &Event) {
        let answers = accept(&*self.pipeline.ports.queue, std::slice::from_ref(event), None, 262_144).await;
        answers.into_iter().for_each(|answer| {
            answer.expect("the queue takes it");
        });
    }

    pub async fn ledger(&self) -> Ledger {
        let ledger = self.pipeline.ports.ledger.ledger().await.expect("the ledger is readable");
        assert_eq!(ledger.unaccounted(), 0, "{ledger:?}");
        ledger
    }

    /// Waits, in virtual time, until no event is being processed any more.
    pub async fn settle(&self) -> Ledger {
        for _ in 0..2_000 {
            let ledger = self.ledger().await;
            if ledger.moving() == 0 && ledger.in_dlq == 0 {
                return ledger;
            }
            self.sleep(60).await;
        }
        panic!("still being processed: {:?}", self.ledger().await);
    }
}

pub fn event(number: u64) -> Event {
    let text = format!(
        r#"{{"specversion":"1.0","id":"e{number}","source":"/test","type":"order.placed","data":{{"amount":{number}}}}}"#
    );
    Event::from_structured(text.as_bytes()).expect("an event")
}

pub fn fault(kind: FaultKind, from_s: i64, until_s: i64) -> Fault {
    let at = |seconds| start() + jiff::SignedDuration::from_secs(seconds);
    Fault { kind, from: at(from_s), until: Some(at(until_s)) }
}
