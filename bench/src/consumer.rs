//! Sends batches of SQS through the consumer function into a table. Measures AWS calls per 1,000 messages, and messages
//! a second. Compares our function with the usual handler in Python, on the same batches.

use crate::functions::aws::{Aws, PUT_OBJECT, Seen};
use crate::functions::emulator;
use crate::functions::events;
use crate::functions::programs::Program;
use crate::functions::sandbox::Sandbox;
use crate::functions::used;
use crate::table::{Results, Row, Target, median};
use crate::{Setting, load};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use spillway_traffic::Sample;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// Number of messages in a measurement.
const MESSAGES: usize = 1_000;
/// Messages before the measurement, so that all connections are open and all code has run once.
const WARM_UP: usize = 50;
/// Records in a batch: Terraform's default, and the maximum that SQS delivers at once.
const BATCH: usize = 10;
/// Batch sizes that docs/cost.md uses.
const BATCHES: [usize; 3] = [1, 10, 100];
/// Added latency of a call. Zero compares the programs. About the time of a DynamoDB write compares how they wait.
const LATENCIES: [Duration; 2] = [Duration::ZERO, Duration::from_millis(5)];

/// The process that holds the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Against {
    /// This process, which adds this latency to each call.
    Here(Duration),
    Emulator(SocketAddr),
}

/// One run of all batches.
#[derive(Clone, Debug, Serialize)]
struct Run {
    program: &'static str,
    against: Against,
    batch: usize,
    latency_ms: u128,
    per_s: f64,
    calls_per_1000: f64,
    cpu_ms_per_1000: Option<f64>,
    peak_mb: Option<f64>,
    log_bytes_per_1000: f64,
    item_bytes: f64,
    batch_ms: f64,
}

/// Runs the measurement.
pub fn run(setting: &Setting) -> Result<Results> {
    load::runtime()?.block_on(measure(setting))
}

async fn measure(setting: &Setting) -> Result<Results> {
    let scratch = tempfile::tempdir_in(&setting.data)?;
    let consumer = Program::native(setting, "consumer")?;
    let mut programs = vec![consumer.clone()];
    programs.extend(Program::python(setting, "consumer.handler", scratch.path())?);
    let events = events::samples(WARM_UP + MESSAGES);
    let mut runs = Vec::new();
    for round in 1..=setting.rounds {
        let here = LATENCIES.map(Against::Here);
        for against in here.into_iter().chain(setting.emulator.map(Against::Emulator)) {
            for program in &programs {
                let (what, rounds) = (against.name(), setting.rounds);
                setting.say(&format!("consumer: {}, {what}, round {round} of {rounds}", program.name));
                runs.push(drive(program, &events, BATCH, against, scratch.path()).await?);
            }
        }
    }
    setting.say("consumer: what batches of other sizes use, and the archiver");
    let cost = cost(setting, &consumer, &events[..MESSAGES], scratch.path()).await?;
    Ok(results(setting, &runs, &cost))
}

impl Against {
    fn name(self) -> String {
        match self {
            Self::Here(latency) => format!("a call takes {} ms", latency.as_millis()),
            Self::Emulator(_) => "against the emulator".to_owned(),
        }
    }
}

/// The resources that our functions use for a batch.
async fn cost(setting: &Setting, consumer: &Program, events: &[Sample], scratch: &Path) -> Result<Value> {
    let mut uses = Vec::new();
    let mut stored = Seen::default();
    for size in BATCHES {
        let (used, seen) =
            used::measure(consumer, size, &events::batches(events, size), scratch, nothing_failed).await?;
        uses.push(used);
        stored = seen;
    }
    let archiver = Program::native(setting, "archiver")?;
    let letters = events::dead_letters(events, BATCH);
    let (archiving, archived) = used::measure(&archiver, BATCH, &letters, scratch, nothing_failed).await?;
    let each = |total: f64| total / events.len() as f64;
    Ok(json!({
        "item_bytes": each(stored.items.values().sum::<usize>() as f64),
        "write_units_per_event": each(stored.write_units.values().sum()),
        "consumer": uses,
        "archiver": [archiving],
        "dead_letter_puts": each(archived.calls_of(PUT_OBJECT) as f64),
        "dead_letter_bytes": each(archived.object_bytes as f64),
        "dead_letter_write_units": each(archived.write_units.values().sum()),
        "archiver_calls": archived.calls,
    }))
}

/// Sends all batches to a new process, one after another, as one concurrent invocation of Lambda would.
async fn drive(
    program: &Program,
    events: &[Sample],
    size: usize,
    against: Against,
    scratch: &Path,
) -> Result<Run> {
    let latency = if let Against::Here(latency) = against { latency } else { Duration::ZERO };
    let aws = Aws::start(latency).await?;
    let address = match against {
        Against::Here(_) => aws.address,
        Against::Emulator(address) => {
            emulator::empty_table(address).await?;
            address
        }
    };
    let endpoint = format!("http://{address}");
    let mut sandbox = Sandbox::start(program, &aws, &endpoint, scratch).await?;
    let (warm_up, measured) = events.split_at(WARM_UP);
    for batch in events::batches(warm_up, size) {
        store(&mut sandbox, batch).await?;
    }
    let (calls, cpu, logged) = (aws.seen().total(), sandbox.cpu_s(), sandbox.logged_bytes());
    let batches = events::batches(measured, size);
    let mut took = Vec::with_capacity(batches.len());
    for batch in batches {
        let begun = Instant::now();
        store(&mut sandbox, batch).await?;
        took.push(begun.elapsed().as_secs_f64());
    }
    let seen = aws.known_calls(program)?;
    let stored = match against {
        Against::Here(_) => seen.items.len() as u64,
        Against::Emulator(address) => emulator::items(address).await?,
    };
    ensure!(stored == events.len() as u64, "{} stored {stored} of {} events", program.name, events.len());
    let per_1000 = |total: f64| total * 1e3 / MESSAGES as f64;
    let cpu_s = cpu.zip(sandbox.cpu_s()).map(|(before, after)| after - before);
    let run = Run {
        program: program.name,
        against,
        batch: size,
        latency_ms: latency.as_millis(),
        per_s: MESSAGES as f64 / took.iter().sum::<f64>(),
        calls_per_1000: per_1000((seen.total() - calls) as f64),
        cpu_ms_per_1000: cpu_s.map(|s| per_1000(s * 1e3)),
        peak_mb: sandbox.peak_bytes().map(|bytes| bytes / 1e6),
        log_bytes_per_1000: per_1000((sandbox.logged_bytes() - logged) as f64),
        item_bytes: seen.items.values().sum::<usize>() as f64 / events.len() as f64,
        batch_ms: median(took.into_iter().map(|s| s * 1e3)),
    };
    sandbox.end().await?;
    Ok(run)
}

/// Sends a batch, and checks that none of its records failed.
async fn store(sandbox: &mut Sandbox, batch: Bytes) -> Result<()> {
    let outcome = sandbox.invoke(batch).await?;
    nothing_failed(&serde_json::from_slice(&outcome.body).context("an answer is no JSON")?)
}

fn nothing_failed(answer: &Value) -> Result<()> {
    let failures = answer["batchItemFailures"].as_array().map(Vec::len);
    ensure!(failures == Some(0), "a batch was answered with {answer}");
    Ok(())
}

fn results(setting: &Setting, runs: &[Run], cost: &Value) -> Results {
    let of = |program: &str, against: Against, value: fn(&Run) -> f64| {
        let wanted = runs.iter().filter(|run| run.program == program && run.against == against);
        let values: Vec<f64> = wanted.map(value).collect();
        (!values.is_empty()).then(|| median(values))
    };
    let per_s: fn(&Run) -> f64 = |run| run.per_s;
    let calls: fn(&Run) -> f64 = |run| run.calls_per_1000;
    let against = "Python with Powertools' batch processor";
    let mut rows = Vec::new();
    let here = LATENCIES.map(Against::Here);
    for place in here.into_iter().chain(setting.emulator.map(Against::Emulator)) {
        if let Some((ours, theirs)) = of("consumer", place, per_s).zip(of("python", place, per_s)) {
            let what = format!("one sandbox, {}", place.name());
            rows.push(Row::new(what, ours, against, theirs, "messages/s").target(Target::AtLeast(3.0)));
        }
    }
    if let Some((ours, theirs)) = of("consumer", here[0], calls).zip(of("python", here[0], calls)) {
        rows.push(Row::new("AWS calls for 1,000 messages", ours, against, theirs, "calls"));
    }
    let mut notes = vec![format!(
        "consumer: medians of {} rounds of {MESSAGES} messages in batches of {BATCH}, one after the other, against a table in \
         this process.",
        setting.rounds
    )];
    if setting.emulator.is_some() {
        notes.push(
            "consumer: the emulator works on one call at a time, and ours keeps it busy: its own work bounds that ratio.".to_owned(),
        );
    }
    notes.extend(setting.python_is_missing("consumer"));
    Results { benchmark: "consumer", rows, details: json!({ "runs": runs, "cost": cost }), notes }
}
