//! A day of traffic in virtual time, compared with real time.

use crate::table::{Results, Row, Target};
use crate::{Setting, usage};
use anyhow::{Result, ensure};
use serde_json::json;
use spillway_core::Timestamp;
use spillway_core::ledger::Ledger;
use spillway_core::schema::{FixedSchemas, SchemaSet};
use spillway_core::settings::PipelineSettings;
use spillway_embedded::VirtualClock;
use spillway_embedded::simulate::{Simulation, SimulationOptions, in_virtual_time};
use spillway_traffic::Generator;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A day, at one event a second.
const EVENTS: u64 = 86_400;
/// The target: maximum seconds for a day.
const LIMIT_S: f64 = 15.0;
/// Other load on the machine can only slow a run down, so the fastest of these runs counts.
const RUNS: usize = 2;
/// The start of the day. Any day would do.
const START_S: u64 = 1_772_409_600;

/// Runs the measurement.
pub fn run(setting: &Setting) -> Result<Results> {
    let mut runs = Vec::new();
    for number in 1..=RUNS {
        setting.say(&format!("simulate: a day in virtual time, run {number} of {RUNS}"));
        let folder = tempfile::tempdir_in(&setting.data)?;
        let (cpu, begun) = (cpu_s(), Instant::now());
        let ledger = day(folder.path(), EVENTS)?;
        let took = begun.elapsed().as_secs_f64();
        ensure!(
            (ledger.accepted, ledger.stored, ledger.unaccounted()) == (EVENTS, EVENTS, 0),
            "the simulated day has events that are not stored: {ledger:?}"
        );
        runs.push((took, cpu.zip(cpu_s()).map(|(before, after)| after - before)));
    }
    let fastest = runs.iter().map(|run| run.0).fold(f64::INFINITY, f64::min);
    let least_cpu = runs.iter().filter_map(|run| run.1).fold(f64::INFINITY, f64::min);
    let real = EVENTS as f64;
    let rows = vec![
        Row::new("a day of 86,400 events", fastest, "limit", LIMIT_S, "s").target(Target::AtMost(1.0)),
        Row::new("virtual seconds in a real one", real / fastest, "limit", real / LIMIT_S, "s/s")
            .target(Target::AtLeast(1.0)),
    ];
    let notes = vec![format!(
        "simulate: through gateway, queue, consumer and store with metrics and traces, on one thread; the faster of {RUNS} \
         runs; {:.0} µs of CPU for each event.",
        least_cpu / real * 1e6
    )];
    let details: Vec<_> = runs.iter().map(|(took, cpu)| json!({ "took_s": took, "cpu_s": cpu })).collect();
    Ok(Results { benchmark: "simulate", rows, details: json!({ "runs": details }), notes })
}

fn cpu_s() -> Option<f64> {
    usage::cpu_s(std::process::id())
}

/// Simulates `events` seconds with one event each, and then waits for the events still in the pipeline.
fn day(folder: &Path, events: u64) -> Result<Ledger> {
    let start = Timestamp::UNIX_EPOCH + Duration::from_secs(START_S);
    in_virtual_time(start, async |clock| simulate(folder, clock, events).await)?
}

async fn simulate(folder: &Path, clock: VirtualClock, events: u64) -> Result<Ledger> {
    let options = SimulationOptions {
        settings: PipelineSettings::default(),
        schemas: Arc::new(FixedSchemas(Arc::new(SchemaSet::compile(&spillway_traffic::schemas())?))),
        faults: Vec::new(),
        seed: 1,
    };
    let mut simulation = Simulation::open(folder, clock, options).await?;
    simulation.start();
    let mut generator = Generator::new(1);
    for _ in 0..events {
        simulation.send(generator.event(simulation.now()).body);
        simulation.sleep(Duration::from_secs(1)).await;
    }
    simulation.answered().await;
    let reader = Arc::clone(&simulation.pipeline.ports.ledger);
    let mut ledger = reader.ledger().await?;
    // Nothing fails here, so the remaining events are stored within moments.
    for _ in 0..60 {
        if ledger.moving() == 0 {
            break;
        }
        simulation.sleep(Duration::from_secs(1)).await;
        ledger = reader.ledger().await?;
    }
    simulation.finish();
    Ok(ledger)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_of_a_simulated_period_is_stored() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = day(folder.path(), 300).unwrap();
        assert_eq!((ledger.accepted, ledger.stored, ledger.unaccounted()), (300, 300, 0));
    }
}
