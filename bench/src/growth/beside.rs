//! A large replay and a large discard by a second process, beside a pipeline that goes on accepting events.

use super::LONGEST;
use super::rows::Rows;
use crate::Setting;
use crate::client::Connection;
use crate::demo::Demo;
use crate::load::{Events, Requests as _};
use crate::table::{Row, Target, percentile};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// Dead letters that are replayed or discarded at once.
const LETTERS: u64 = 200_000;
/// Requests a second beside it.
const PER_S: u32 = 50;
/// Milliseconds in which 99 of 100 requests are answered.
const P99_LIMIT_MS: f64 = 500.0;
/// Megabytes of write-ahead log.
const LOG_LIMIT_MB: f64 = 128.0;

/// Runs both, each on its own data folder.
pub async fn measure(setting: &Setting, folder: &Path) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    // The pipeline carries the replay on at its own rate: the command only starts it.
    for (what, words) in [
        ("replay", &["replay", "--all", "--by", "bench"][..]),
        ("discard", &["discard", "--all", "--yes", "--by", "bench", "--reason", "bench"][..]),
    ] {
        let data = folder.join(what);
        drop(Rows::dead_letters(&data, LETTERS).await?);
        rows.extend(one(setting, &data, what, words).await?);
    }
    Ok(rows)
}

async fn one(setting: &Setting, data: &Path, what: &str, words: &[&str]) -> Result<Vec<Row>> {
    let system = Demo::start_as(setting, "run", data, &[]).await?;
    let mut command = Command::new(setting.program());
    command.arg("dlq").args(words).arg("--embedded").arg(data).stdin(Stdio::null()).kill_on_drop(true);
    let mut command = command.stdout(Stdio::null()).spawn()?;
    let mut requests = Events::of(1, what).pop().context("one connection")?;
    let mut connection = Connection::open(system.api).await?;
    let mut tick = interval(Duration::from_secs(1) / PER_S);
    // A request that had to wait for a slow one counts from when it was due.
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut took, mut request, mut refused, mut log) = (Vec::new(), Vec::new(), 0_u64, 0);
    let begun = Instant::now();
    let status = loop {
        let due = tokio::select! {
            ended = command.wait() => break ended?,
            due = tick.tick() => due,
        };
        ensure!(begun.elapsed() < LONGEST, "{what} of {LETTERS} dead letters took longer than {LONGEST:?}");
        request.clear();
        requests.write(&mut request);
        let answer = timeout(LONGEST, connection.status(&request)).await??;
        took.push(due.elapsed().as_secs_f64() * 1e3);
        refused += u64::from(answer != 202);
        log = log.max(std::fs::metadata(data.join("pipeline.db-wal")).map_or(0, |log| log.len()));
    };
    ensure!(status.success(), "{what} ended with {status}");
    ensure!(refused == 0, "{refused} of {} requests were not accepted beside {what}", took.len());
    took.sort_by(f64::total_cmp);
    let name = |of: &str| format!("{of} beside {what} of {LETTERS} dead letters");
    Ok(vec![
        Row::new(name("accept p99"), percentile(&took, 0.99), "limit", P99_LIMIT_MS, "ms")
            .target(Target::AtMost(1.0)),
        Row::new(name("write-ahead log"), log as f64 / 1e6, "limit", LOG_LIMIT_MB, "MB")
            .target(Target::AtMost(1.0)),
        Row::new(name("time"), begun.elapsed().as_secs_f64(), "limit", LONGEST.as_secs_f64(), "s"),
    ])
}
