//! Simulates Lambda's event source mappings, and everything else that runs in the background.

mod functions;
mod mapping;
mod replays;
mod sampler;

pub use functions::Functions;

use crate::db::Db;
use crate::loops::{LoopEnded, Loops};
use crate::pipeline::Pipeline;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often the runtime checks for changes that another process may have made.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// Between polls of a queue that has not woken the runtime.
    queue: Duration,
    /// How long retries that become visible one by one are gathered into one batch.
    gather: Duration,
    /// Between searches for replays to carry on.
    replays: Duration,
    /// Between checks of the faults; `None`: they are known beforehand.
    faults: Option<Duration>,
    /// Between samples of gauges.
    gauges: Duration,
    /// Between looks at the machine's clock.
    clock: Duration,
}

impl Pace {
    fn of(pipeline: &Pipeline) -> Self {
        if pipeline.virtual_time {
            let minute = Duration::from_secs(60);
            let gather = Duration::from_secs(1);
            return Self {
                queue: minute,
                gather,
                replays: minute,
                faults: None,
                gauges: minute,
                clock: minute,
            };
        }
        Self {
            queue: Duration::from_millis(500),
            gather: Duration::from_millis(20),
            replays: Duration::from_millis(200),
            faults: Some(Duration::from_millis(250)),
            gauges: Duration::from_secs(5),
            clock: Duration::from_secs(1),
        }
    }
}

/// A pipeline's consumer, archiver, replays and sampling. They end when this is dropped, at whatever they do.
#[must_use]
pub struct Running {
    /// Replays, sampling and everything else that may be ended at any moment.
    tasks: Loops,
    /// The consumer's and the archiver's mappings.
    mappings: Loops,
    stop: watch::Sender<bool>,
    db: Arc<Db>,
}

impl Running {
    /// Resolves when a part of the pipeline has ended that goes on for ever, or the thread that writes the data folder.
    pub async fn ended(&mut self) -> LoopEnded {
        tokio::select! {
            ended = self.tasks.ended() => ended,
            ended = self.mappings.ended() => ended,
            () = self.db.writer_ended() => LoopEnded {
                part: "the thread that writes the data folder",
                reason: "it panicked; the log has the place".to_owned(),
            },
        }
    }

    /// Receives no more, and waits until each running invocation has its answer, but not longer than `limit`.
    ///
    /// A message of an invocation that is cut off would be received again only after its visibility timeout.
    pub async fn stop(mut self, limit: Duration) {
        // Without a receiver, no mapping runs.
        let _ = self.stop.send(true);
        self.tasks.abort();
        if tokio::time::timeout(limit, self.mappings.finished()).await.is_err() {
            tracing::warn!(
                ?limit,
                "invocations did not end in time; their messages are received again later"
            );
        }
    }
}

/// Runs a pipeline's consumer, archiver, replays and sampling.
pub fn start(pipeline: &Arc<Pipeline>) -> Running {
    let pace = Pace::of(pipeline);
    let functions = Arc::new(Functions::new(pipeline));
    let (stop, stopped) = watch::channel(false);
    let mut mappings = Loops::default();
    mappings.spawn("the consumer", mapping::run_consumer(Arc::clone(&functions), pace, stopped.clone()));
    mappings.spawn("the archiver", mapping::run_archiver(functions, pace, stopped));
    let mut tasks = Loops::default();
    tasks.spawn("the carrier of replays", replays::run(pipeline.ports.clone(), pace.replays));
    tasks.spawn("the sampler", sampler::run(Arc::clone(pipeline), pace.gauges));
    tasks.spawn("the watch on the machine's clock", crate::jump::run(Arc::clone(pipeline), pace.clock));
    if let Some(interval) = pace.faults {
        tasks.spawn("the reader of faults", refresh_faults(Arc::clone(pipeline), interval));
    }
    if !pipeline.virtual_time {
        let flush = Arc::clone(&pipeline.recorder).flush_every(Duration::from_secs(1));
        tasks.spawn("the writer of measurements", flush);
    }
    Running { tasks, mappings, stop, db: Arc::clone(pipeline.local.db()) }
}

async fn refresh_faults(pipeline: Arc<Pipeline>, interval: Duration) {
    loop {
        if let Err(error) = pipeline.local.faults.refresh().await {
            tracing::warn!(%error, "the list of faults could not be read");
        }
        pipeline.ports.clock.sleep(interval).await;
    }
}
