//! The resources that one invocation of a warm function uses. docs/cost.md uses these numbers.

use super::aws::{Aws, Seen};
use super::programs::Program;
use super::sandbox::Sandbox;
use crate::table::median;
use anyhow::{Context, Result};
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// Delay that is added to each call, to see how many calls wait for each other.
const SLOWED: Duration = Duration::from_millis(5);

/// Means over many invocations, one after another.
#[derive(Clone, Debug, Serialize)]
pub struct Used {
    /// Events in each invocation.
    pub size: usize,
    /// CPU time; 0 if the system does not report it.
    pub cpu_ms: f64,
    /// How many calls wait for each other: the extra time of an invocation, divided by the delay of each call.
    pub round_trips: f64,
    /// Calls to AWS.
    pub calls: f64,
    /// Bytes that it logs.
    pub log_bytes: f64,
    /// Bytes of its answer.
    pub answer_bytes: f64,
}

/// Invokes a new process with all of these events twice: with services that answer at once, and with slower ones. The
/// first few invocations are not counted. Also returns the calls of the whole first run.
pub async fn measure(
    program: &Program,
    size: usize,
    events: &[Bytes],
    scratch: &Path,
    check: fn(&Value) -> Result<()>,
) -> Result<(Used, Seen)> {
    let (mut used, took, seen) = run(program, size, events, Duration::ZERO, scratch, check).await?;
    let (_, slowed, seen_slowed) = run(program, size, events, SLOWED, scratch, check).await?;
    let held_back_ms = seen_slowed.held_back.as_secs_f64() * 1e3 / f64::from(seen_slowed.answers.max(1));
    used.round_trips = (slowed - took) / held_back_ms;
    Ok((used, seen))
}

/// Returns the used resources, the milliseconds of an invocation, and the calls to the services.
async fn run(
    program: &Program,
    size: usize,
    events: &[Bytes],
    latency: Duration,
    scratch: &Path,
    check: fn(&Value) -> Result<()>,
) -> Result<(Used, f64, Seen)> {
    let aws = Aws::start(latency).await?;
    let endpoint = format!("http://{}", aws.address);
    let mut sandbox = Sandbox::start(program, &aws, &endpoint, scratch).await?;
    let (warm_up, measured) = events.split_at(events.len() / 10);
    for event in warm_up {
        check(&answer(&mut sandbox, event).await?.0)?;
    }
    let (cpu, logged, calls) = (sandbox.cpu_s(), sandbox.logged_bytes(), aws.seen().total());
    let (mut took, mut answer_bytes) = (Vec::with_capacity(measured.len()), 0);
    for event in measured {
        let begun = Instant::now();
        let (content, length) = answer(&mut sandbox, event).await?;
        took.push(begun.elapsed().as_secs_f64() * 1e3);
        check(&content)?;
        answer_bytes += length;
    }
    let seen = aws.known_calls(program)?;
    let each = |total: f64| total / measured.len() as f64;
    let used = Used {
        size,
        cpu_ms: cpu.zip(sandbox.cpu_s()).map_or(0.0, |(before, after)| each((after - before) * 1e3)),
        round_trips: 0.0,
        calls: each((seen.total() - calls) as f64),
        log_bytes: each((sandbox.logged_bytes() - logged) as f64),
        answer_bytes: each(answer_bytes as f64),
    };
    sandbox.end().await?;
    Ok((used, median(took), seen))
}

/// The function's answer, and the size of the body in it that is sent to a client.
async fn answer(sandbox: &mut Sandbox, event: &Bytes) -> Result<(Value, usize)> {
    let outcome = sandbox.invoke(event.clone()).await?;
    let content: Value = serde_json::from_slice(&outcome.body).context("an answer is no JSON")?;
    let length = content["body"].as_str().map_or(0, str::len);
    Ok((content, length))
}
