//! Virtual time: the same code, with a clock that jumps to the next timer.

use crate::clock::VirtualClock;
use crate::db::{DbError, OpenError};
use crate::faults::Fault;
use crate::gateway::{self, Gateway, TypicalLatency};
use crate::pipeline::{Options, Pipeline};
use crate::runtime::{self, Running};
use spillway_core::Timestamp;
use spillway_core::names::Names;
use spillway_core::ports::{Clock as _, Schemas};
use spillway_core::settings::PipelineSettings;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// What a call of the event store takes in a simulation.
const STORE_LATENCY: Duration = Duration::from_millis(6);

/// Runs work in virtual time that starts at `start`. Whenever nothing is left to do, time jumps to the next timer, so
/// that a day of traffic takes seconds. Everything happens on the calling thread, in an order that is the same each time.
pub fn in_virtual_time<T>(start: Timestamp, work: impl AsyncFnOnce(VirtualClock) -> T) -> std::io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    Ok(runtime.block_on(async { work(VirtualClock::starting_at(start)).await }))
}

/// How to open a simulation.
pub struct SimulationOptions {
    /// The pipeline's rules.
    pub settings: PipelineSettings,
    /// What the consumer checks events against.
    pub schemas: Arc<dyn Schemas>,
    /// What fails, and when.
    pub faults: Vec<Fault>,
    /// The seed of the latencies: with the same one they are the same.
    pub seed: u64,
}

/// Why a simulation can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The data folder can't be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The data folder can't be written.
    #[error(transparent)]
    Write(#[from] DbError),
}

/// A pipeline in virtual time, with the gateway that takes its events in. Everything is the code that runs live.
pub struct Simulation {
    /// The pipeline.
    pub pipeline: Arc<Pipeline>,
    gateway: Arc<Gateway>,
    clock: VirtualClock,
    requests: JoinSet<()>,
    running: Option<Running>,
}

impl Simulation {
    /// Opens a pipeline in an empty data folder, inside [`in_virtual_time`]. Nothing runs before [`Self::start`].
    pub async fn open(
        folder: &Path,
        clock: VirtualClock,
        options: SimulationOptions,
    ) -> Result<Self, SimulationError> {
        let SimulationOptions { settings, schemas, faults, seed } = options;
        let options = Options {
            settings: settings.clone(),
            schemas,
            simulated_latency: Some(STORE_LATENCY),
            ..Options::at(Arc::new(clock))
        };
        let pipeline = Arc::new(Pipeline::open(folder, options).await?);
        for fault in faults {
            pipeline.local.faults.add(fault).await?;
        }
        let gateway = Gateway::new(gateway::Ports::of(&pipeline), &settings, &Names::default());
        let gateway = Arc::new(gateway.with_latency(Arc::new(TypicalLatency::seeded(seed))));
        Ok(Self { pipeline, gateway, clock, requests: JoinSet::new(), running: None })
    }

    /// Starts the pipeline's consumer, archiver, replays and sampling.
    pub fn start(&mut self) {
        self.running = Some(runtime::start(&self.pipeline));
    }

    /// The virtual time now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets virtual time pass.
    pub async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }

    /// Sends an event (CloudEvents JSON) to the gateway, without waiting for the answer.
    pub fn send(&mut self, event: String) {
        let gateway = Arc::clone(&self.gateway);
        self.requests.spawn(async move {
            gateway.call(gateway::post_event(event)).await;
        });
        while self.requests.try_join_next().is_some() {}
    }

    /// Waits until every event that was sent has its answer.
    pub async fn answered(&mut self) {
        while self.requests.join_next().await.is_some() {}
    }

    /// Stops the pipeline, and writes what was measured until now.
    pub fn finish(&mut self) {
        self.running = None;
        self.pipeline.recorder.finish(self.clock.now());
    }
}
