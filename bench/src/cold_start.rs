//! The time from the start of a function's process to its first answer, and its memory. Compares our ingest function
//! with one that does nothing, and with the same handler in Python.
//!
//! Not included is Lambda's own share of a cold start (finding a host, fetching the zip), which is the same for all.

use crate::functions::aws::Aws;
use crate::functions::events;
use crate::functions::programs::Program;
use crate::functions::sandbox::Sandbox;
use crate::functions::used;
use crate::table::{Results, Row, Target, median};
use crate::{Setting, load};
use anyhow::{Result, ensure};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use spillway_traffic::Sample;
use std::path::Path;
use std::time::Duration;

/// Starts of each program in a round.
const STARTS: usize = 7;
/// Events for the warm function, to measure the cost of one.
const WARM: usize = 2_000;
/// Events in a large request.
const MANY: usize = 100;
const MEGABYTE: f64 = 1e6;

#[derive(Serialize)]
struct Start {
    program: &'static str,
    first_answer_ms: f64,
    peak_mb: Option<f64>,
}

/// Runs the measurement.
pub fn run(setting: &Setting) -> Result<Results> {
    load::runtime()?.block_on(measure(setting))
}

async fn measure(setting: &Setting) -> Result<Results> {
    let scratch = tempfile::tempdir_in(&setting.data)?;
    let ingest = Program::native(setting, "ingest")?;
    let mut programs = vec![ingest.clone(), Program::native(setting, "noop")?];
    programs.extend(Program::python(setting, "ingest.handler", scratch.path())?);
    let events = events::samples(WARM);
    let request = events::api_request(&events[0]);
    let mut starts = Vec::new();
    let runs = setting.rounds * STARTS;
    setting.say(&format!("cold-start: {runs} starts each of {} functions, by turns", programs.len()));
    for program in &programs {
        // Not counted: the first start reads the program from disk.
        start(program, &request, scratch.path()).await?;
    }
    for number in 0..runs {
        for place in 0..programs.len() {
            let program = &programs[(place + number) % programs.len()];
            starts.push(start(program, &request, scratch.path()).await?);
        }
    }
    setting.say(&format!("cold-start: {WARM} events through the warm function, one and {MANY} a request"));
    let warm = warm(&ingest, &events, scratch.path()).await?;
    Ok(results(setting, &starts, &warm))
}

/// Starts the program, waits for its first answer, and ends it.
async fn start(program: &Program, request: &Bytes, scratch: &Path) -> Result<Start> {
    let aws = Aws::start(Duration::ZERO).await?;
    let endpoint = format!("http://{}", aws.address);
    let mut sandbox = Sandbox::start(program, &aws, &endpoint, scratch).await?;
    let outcome = sandbox.invoke(request.clone()).await?;
    let took = outcome.at - sandbox.started;
    let peak_mb = sandbox.peak_bytes().map(|bytes| bytes / MEGABYTE);
    let status = serde_json::from_slice::<Value>(&outcome.body).unwrap_or_default()["statusCode"].clone();
    ensure!(status == 202, "{} answered {}", program.name, String::from_utf8_lossy(&outcome.body));
    let seen = aws.known_calls(program)?;
    let expected = usize::from(program.name != "noop");
    ensure!(seen.messages.len() == expected, "{} sent {} messages", program.name, seen.messages.len());
    sandbox.end().await?;
    Ok(Start { program: program.name, first_answer_ms: took.as_secs_f64() * 1e3, peak_mb })
}

/// The resources that the warm function uses, with one event in a request and with many.
async fn warm(program: &Program, events: &[Sample], scratch: &Path) -> Result<Value> {
    let one: Vec<Bytes> = events.iter().map(events::api_request).collect();
    let many: Vec<Bytes> = events.chunks(MANY).map(events::api_batch).collect();
    let (one, _) = used::measure(program, 1, &one, scratch, is_accepted).await?;
    let (many, _) = used::measure(program, MANY, &many, scratch, is_accepted).await?;
    let bytes: usize = events.iter().map(|event| event.body.len()).sum();
    Ok(json!({ "event_bytes": bytes as f64 / events.len() as f64, "uses": [one, many] }))
}

fn is_accepted(answer: &Value) -> Result<()> {
    ensure!(answer["statusCode"] == 202, "the warm function answered {answer}");
    Ok(())
}

fn results(setting: &Setting, starts: &[Start], warm: &Value) -> Results {
    let of = |program: &str, value: fn(&Start) -> Option<f64>| {
        let values: Vec<f64> =
            starts.iter().filter(|start| start.program == program).filter_map(value).collect();
        (!values.is_empty()).then(|| median(values))
    };
    let took: fn(&Start) -> Option<f64> = |start| Some(start.first_answer_ms);
    let peak: fn(&Start) -> Option<f64> = |start| start.peak_mb;
    let peers = [
        ("noop", "Rust function that does nothing", Target::AtMost(1.5)),
        ("python", "the same handler in Python", Target::AtMost(0.2)),
    ];
    let mut rows = Vec::new();
    for (what, unit, value) in [
        ("ingest, from its start to the first answer", "ms", took),
        ("ingest, peak resident memory", "MB", peak),
    ] {
        for (peer, against, target) in peers {
            if let Some((ours, theirs)) = of("ingest", value).zip(of(peer, value)) {
                rows.push(Row::new(what, ours, against, theirs, unit).target(target));
            }
        }
    }
    let runs = setting.rounds * STARTS;
    let mut notes = vec![format!(
        "cold-start: medians of {runs} starts each, by turns, through a Runtime API in this process. SQS answers at once and \
         over plain HTTP, so no TLS handshake is in it; what a client needs for TLS is."
    )];
    notes.extend(setting.python_is_missing("cold-start"));
    Results { benchmark: "cold-start", rows, details: json!({ "starts": starts, "cost": warm }), notes }
}
