//! A day of the shop: a burst, and a store outage of 40 minutes. A schema was too strict; it was fixed, and the events
//! that it had refused were replayed. A bad deployment and a second strict schema left dead letters that are still
//! there. The dead letters of the deployment would fail again, the others would not. The real code processes all of it,
//! in virtual time.

use super::EVENTS_PER_S;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use spillway_core::dead_letter::{DeadLetterFilter, DeadLetterStatus};
use spillway_core::ports::Schemas;
use spillway_core::schema::{SchemaError, SchemaSet};
use spillway_core::settings::PipelineSettings;
use spillway_embedded::alarms::{Watch, WatchError, WatchOptions};
use spillway_embedded::db::DbError;
use spillway_embedded::faults::{Fault, FaultKind};
use spillway_embedded::simulate::{Simulation, SimulationError, SimulationOptions, in_virtual_time};
use spillway_embedded::{Pipeline, VirtualClock};
use spillway_traffic::rhythm::{Burst, Rhythm};
use spillway_traffic::{Deployment, Generator};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Length of the history.
const LENGTH: SignedDuration = SignedDuration::from_hours(24);
/// A fixed seed, so that each day is the same.
const SEED: u64 = 7;

/// Called from time to time with the progress, from 0 to 1. It answers whether to continue.
pub type Progress<'p> = &'p dyn Fn(f64) -> ControlFlow<()>;

/// Why the history failed.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The data folder cannot be opened.
    #[error(transparent)]
    Open(#[from] SimulationError),
    /// The data folder cannot be written.
    #[error(transparent)]
    Write(#[from] DbError),
    /// The alarms cannot be evaluated.
    #[error(transparent)]
    Alarms(#[from] WatchError),
    /// The shop's schemas are invalid.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The system refused a thread or a timer.
    #[error("virtual time cannot be set up: {0}")]
    System(#[from] std::io::Error),
}

/// The script; its times are offsets before the end of the day.
struct Script {
    burst_at: Timestamp,
    outage: (Timestamp, Timestamp),
    strict_schema: (Timestamp, Timestamp),
    replay_at: Timestamp,
    second_strict_schema: (Timestamp, Timestamp),
    bad_deployment: (Timestamp, Timestamp),
}

impl Script {
    fn ending_at(end: Timestamp) -> Self {
        let ago = |minutes: i64| end - SignedDuration::from_mins(minutes);
        Self {
            strict_schema: (ago(21 * 60), ago(21 * 60 - 15)),
            replay_at: ago(20 * 60 + 20),
            outage: (ago(14 * 60), ago(14 * 60 - 40)),
            burst_at: ago(8 * 60),
            bad_deployment: (ago(3 * 60), ago(3 * 60 - 45)),
            second_strict_schema: (ago(80), ago(80 - 9)),
        }
    }
}

/// Makes a day of history that ends at `end` in an empty data folder, with the alarms as they would have been. Blocks
/// until the history is complete, or until `progress` breaks off. Then it is unusable.
pub fn make(
    data_folder: &Path,
    end: Timestamp,
    alarms: WatchOptions,
    progress: Progress<'_>,
) -> Result<ControlFlow<()>, HistoryError> {
    let start = end - LENGTH;
    in_virtual_time(start, async |clock| {
        live_through(data_folder, clock, (start, end), alarms, progress).await
    })?
}

async fn live_through(
    data_folder: &Path,
    clock: VirtualClock,
    (start, end): (Timestamp, Timestamp),
    alarms: WatchOptions,
    progress: Progress<'_>,
) -> Result<ControlFlow<()>, HistoryError> {
    let script = Script::ending_at(end);
    let schemas = Arc::new(Switched(RwLock::new(good_schemas()?)));
    // X-Ray's default sampling traces one request a second. At this rate that is every request.
    let settings = PipelineSettings {
        trace_reservoir_per_s: 0.0,
        trace_fixed_rate: 0.02,
        ..PipelineSettings::default()
    };
    let (from, until) = script.outage;
    let options = SimulationOptions {
        settings,
        schemas: Arc::clone(&schemas) as Arc<dyn Schemas>,
        faults: vec![Fault { kind: FaultKind::STORE_OUTAGE, from, until: Some(until) }],
        seed: SEED,
    };
    let mut simulation = Simulation::open(data_folder, clock, options).await?;
    let pipeline = Arc::clone(&simulation.pipeline);
    let mut watch =
        Watch::open(&pipeline, WatchOptions { silent: true, has_webhook: false, ..alarms }).await?;
    pipeline.local.note(super::DEMO, "history").await?;
    simulation.start();

    let burst = Burst { from: script.burst_at, length: Duration::from_secs(12 * 60), factor: 12.0 };
    let rhythm = Rhythm { base: EVENTS_PER_S, bursts: vec![burst] };
    let mut generator = Generator::new(SEED);
    let mut replayed = false;
    let mut reported = start;
    while simulation.now() < end {
        let now = simulation.now();
        act(&script, now, &schemas, &mut generator);
        if !replayed && now >= script.replay_at {
            replayed = true;
            replay_all(&pipeline).await;
        }
        if now.as_second() - reported.as_second() > 15 * 60 {
            reported = now;
            if progress(share(start, now, end)).is_break() {
                simulation.finish();
                return Ok(ControlFlow::Break(()));
            }
        }
        simulation.send(generator.event(now).body);
        simulation.sleep(generator.gap(rhythm.rate_at(now))).await;
    }
    simulation.answered().await;
    simulation.finish();
    // Evaluate every minute of the day, as a live system would have done.
    watch.evaluate(end).await?;
    // Complete, whether or not its end is requested now.
    let _ = progress(1.0);
    Ok(ControlFlow::Continue(()))
}

/// Does what the script requires at this moment.
fn act(script: &Script, now: Timestamp, schemas: &Switched, generator: &mut Generator) {
    let during = |(from, until): (Timestamp, Timestamp)| from <= now && now < until;
    schemas.switch(during(script.strict_schema) || during(script.second_strict_schema));
    let bad = during(script.bad_deployment);
    generator.deploy(if bad { Deployment::AmountAsText } else { Deployment::Good });
}

/// The operator's action that morning: the schema is fixed, and all events that it had refused are replayed.
async fn replay_all(pipeline: &Pipeline) {
    let archived =
        DeadLetterFilter { states: vec![DeadLetterStatus::Archived], ..DeadLetterFilter::default() };
    let ids = pipeline.ports.archive.ids(&archived, 10_000).await.unwrap_or_default();
    if let Err(error) = pipeline.ports.replayer().start(&ids, "operator via command line").await {
        tracing::warn!(%error, "the demo's history has no replay in it");
    }
}

fn share(start: Timestamp, now: Timestamp, end: Timestamp) -> f64 {
    (now.as_second() - start.as_second()) as f64 / (end.as_second() - start.as_second()).max(1) as f64
}

/// The schemas, which the script changes.
struct Switched(RwLock<Kinds>);

struct Kinds {
    strict_now: bool,
    good: Arc<SchemaSet>,
    strict: Arc<SchemaSet>,
}

impl Switched {
    fn switch(&self, strict: bool) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).strict_now = strict;
    }
}

#[async_trait::async_trait]
impl Schemas for Switched {
    async fn current(&self) -> Arc<SchemaSet> {
        let kinds = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(if kinds.strict_now { &kinds.strict } else { &kinds.good })
    }
}

fn good_schemas() -> Result<Kinds, SchemaError> {
    let good: BTreeMap<String, Value> = spillway_traffic::schemas();
    let mut strict = good.clone();
    // The author of this schema assumed that every new user has given a birthday.
    strict.insert("user.signed_up".to_owned(), json!({"type": "object", "required": ["birthday"]}));
    Ok(Kinds {
        strict_now: false,
        good: Arc::new(SchemaSet::compile(&good)?),
        strict: Arc::new(SchemaSet::compile(&strict)?),
    })
}
