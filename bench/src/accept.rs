//! The cost of accepting an event, compared with the cheapest handler that gives the same promise.
//!
//! All servers run in this process, each on a separate runtime. They take turns in several rounds, so that other load
//! on the machine affects all of them.

mod bare;
mod spillway;

pub(crate) use spillway::settings;

use crate::load::{self, Events, Measured, Number};
use crate::table::{Results, Row, Target, median};
use crate::{Setting, usage};
use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Connections that stay open.
pub const CONNECTIONS: usize = 64;
/// Load before each measurement, so that caches, connections and the write-ahead log are as in a running system.
const WARM_UP: Duration = Duration::from_millis(500);

/// The measured servers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Server {
    Spillway,
    CommitEach,
    GroupCommit,
}

impl Server {
    const ALL: [Self; 3] = [Self::Spillway, Self::CommitEach, Self::GroupCommit];

    fn name(self) -> &'static str {
        match self {
            Self::Spillway => "spillway",
            Self::CommitEach => "bare_handler",
            Self::GroupCommit => "bare_handler_with_group_commit",
        }
    }
}

/// A running server.
struct Running {
    address: SocketAddr,
    stop: tokio::sync::oneshot::Sender<()>,
    /// Returns at the end how many events the server has on disk, and how many of them went through the whole pipeline.
    served: tokio::task::JoinHandle<Result<Kept>>,
}

/// The events that a server has at its end.
#[derive(Clone, Copy, Debug, Serialize)]
struct Kept {
    /// Events accepted and on disk.
    accepted: u64,
    /// Of those, events that the consumer had stored when the load ended; `None` without a consumer.
    stored: Option<u64>,
}

/// One measurement.
#[derive(Serialize)]
struct Round {
    server: &'static str,
    load: Measured,
    kept: Kept,
    /// CPU time for each request in microseconds, of everything except the client.
    server_cpu_us: Option<f64>,
}

/// Runs the measurement.
pub fn run(setting: &Setting) -> Result<Results> {
    let mut rounds = Vec::new();
    for number in 0..setting.rounds {
        // The order rotates, so that no server always follows the same other server.
        for place in 0..Server::ALL.len() {
            let server = Server::ALL[(place + number) % Server::ALL.len()];
            setting.say(&format!("accept: {}, round {} of {}", server.name(), number + 1, setting.rounds));
            let folder = tempfile::tempdir_in(&setting.data)?;
            rounds.push(measure(server, folder.path(), setting.length)?);
        }
    }
    Ok(results(&rounds, setting))
}

fn measure(server: Server, folder: &Path, length: Duration) -> Result<Round> {
    let serving = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let client = load::runtime()?;
    let running = serving.block_on(start(server, folder))?;
    let warm = client.block_on(load::run(running.address, Events::of(CONNECTIONS, "warm"), WARM_UP))?;
    let before = cpu_s();
    let load = client.block_on(load::run(running.address, Events::of(CONNECTIONS, "load"), length))?;
    let used = before.zip(cpu_s()).map(|(before, after)| after - before);
    let kept = stop(&serving, running)?;
    let promised = warm.with_status(202) + load.with_status(202);
    ensure!(
        kept.accepted == promised,
        "{} accepted {promised} events and has {} of them",
        server.name(),
        kept.accepted
    );
    let answered = load.statuses.values().sum::<u64>();
    ensure!(load.with_status(202) == answered, "not every event was accepted: {:?}", load.statuses);
    let client_s = load.client_cpu_share.map(|share| share * length.as_secs_f64());
    let server_cpu_us = used.zip(client_s).map(|(used, client)| (used - client) * 1e6 / answered as f64);
    Ok(Round { server: server.name(), load, kept, server_cpu_us })
}

async fn start(server: Server, folder: &Path) -> Result<Running> {
    match server {
        Server::Spillway => spillway::start(folder).await,
        Server::CommitEach => bare::start(bare::commit_each(folder)?).await,
        Server::GroupCommit => bare::start(bare::group_commit(folder).await?).await,
    }
}

fn stop(serving: &Runtime, running: Running) -> Result<Kept> {
    let _ = running.stop.send(());
    serving.block_on(running.served).context("the server ended unexpectedly")?
}

fn cpu_s() -> Option<f64> {
    usage::cpu_s(std::process::id())
}

fn results(rounds: &[Round], setting: &Setting) -> Results {
    let of = |server: Server, value: Number| {
        median(rounds.iter().filter(|round| round.server == server.name()).map(|round| value(&round.load)))
    };
    let row = |what: &str, peer: Server, against: &str, value: Number, unit| {
        Row::new(what, of(Server::Spillway, value), against, of(peer, value), unit)
    };
    let (each, group) = ("bare handler, commit each", "bare handler, group commit");
    let (per_s, p50, p99): (Number, Number, Number) =
        (|load| load.per_s, |load| load.p50_ms, |load| load.p99_ms);
    let rows = vec![
        row("throughput", Server::CommitEach, each, per_s, "req/s").target(Target::AtLeast(0.5)),
        row("p50", Server::CommitEach, each, p50, "ms"),
        row("p99", Server::CommitEach, each, p99, "ms"),
        row("throughput", Server::GroupCommit, group, per_s, "req/s"),
        row("p50", Server::GroupCommit, group, p50, "ms"),
        row("p99", Server::GroupCommit, group, p99, "ms"),
    ];
    let ours = || rounds.iter().filter(|round| round.server == Server::Spillway.name());
    let share = rounds.iter().filter_map(|round| round.load.client_cpu_share).fold(0.0, f64::max);
    let stored: u64 = ours().filter_map(|round| round.kept.stored).sum();
    let accepted: u64 = ours().map(|round| round.kept.accepted).sum();
    let notes = vec![
        format!(
            "accept: medians of {} rounds of {} s, {CONNECTIONS} connections. Spillway checks and stores the events meanwhile \
             ({stored} of {accepted} were stored when the load ended); the bare handlers only insert a row.",
            setting.rounds,
            setting.length.as_secs_f64()
        ),
        format!("accept: the client used {:.0} % of one CPU at most.", share * 100.0),
    ];
    Results { benchmark: "accept", rows, details: json!({ "rounds": rounds }), notes }
}
