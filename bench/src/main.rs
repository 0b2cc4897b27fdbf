//! The system's benchmarks. Every number stands beside a peer or a limit that was measured or holds in the same run, so
//! that it means the same on a fast machine and on a slow one.
//!
//! `cargo xtask bench` builds what is needed and runs this.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks on its standard streams"
)]

mod accept;
mod backtest;
mod client;
mod cold_start;
mod consumer;
mod demo;
mod functions;
mod load;
mod memory;
mod pages;
mod simulate;
mod table;
mod usage;

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::json;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use table::{Results, Row};

/// Run the system's benchmarks. Ends with 1 if a target is missed.
#[derive(Parser)]
#[command(name = "spillway-bench", version)]
struct Arguments {
    /// Run only benchmarks whose name contains this: accept, memory, simulate, pages, cold-start, consumer,
    /// backtest
    filter: Option<String>,
    /// Folder for the results, as NAME.json; data is kept below it while a benchmark runs
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    out: PathBuf,
    /// Folder with the release build of spillway
    #[arg(long, value_name = "DIR", default_value = "target/release")]
    programs: PathBuf,
    /// Folder with the browser's part of the dashboard, as `cargo xtask wasm` makes it
    #[arg(long, value_name = "DIR")]
    site: Option<PathBuf>,
    /// Folder with the functions' programs: ingest, consumer and noop
    #[arg(long, value_name = "DIR", default_value = "target/bench/functions")]
    functions: PathBuf,
    /// Python of an environment that has what bench/python/requirements.txt names
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
    /// Address of an emulator of AWS that has nothing in it
    #[arg(long, value_name = "IP:PORT")]
    emulator: Option<SocketAddr>,
    /// Prometheus' promtool
    #[arg(long, value_name = "FILE")]
    promtool: Option<PathBuf>,
    /// Days that promtool is given; ours always has a year
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(5..=365))]
    promtool_days: u64,
    /// Rounds of each measurement that is compared with a peer
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=50))]
    rounds: u64,
    /// Seconds of each measurement in a round
    #[arg(long, value_name = "S", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
}

/// What every benchmark is told.
pub struct Setting {
    /// Folder for data that is deleted afterwards: on a real disk, as durability is part of what is measured.
    pub data: PathBuf,
    /// Where the programs are.
    pub programs: PathBuf,
    /// Where the browser's part is.
    pub site: Option<PathBuf>,
    /// Where the functions' programs are.
    pub functions: PathBuf,
    /// A Python with what the peers need.
    pub python: Option<PathBuf>,
    /// Where an emulator of AWS answers.
    pub emulator: Option<SocketAddr>,
    /// Prometheus' promtool.
    pub promtool: Option<PathBuf>,
    /// Days of series that it is given.
    pub promtool_days: u64,
    /// Rounds of each measurement.
    pub rounds: usize,
    /// Length of each measurement.
    pub length: Duration,
}

impl Setting {
    /// Says what is being done, on standard error: standard output is for the results.
    pub fn say(&self, what: &str) {
        eprintln!("▸ {what}");
    }

    /// What to tell a reader if there is no Python to compare with.
    pub fn python_is_missing(&self, benchmark: &str) -> Option<String> {
        self.python.is_none().then(|| {
            format!(
                "{benchmark}: not compared with Python, as its environment could not be made: install Python 3 with venv and \
                 pip, and let it reach the Python package index."
            )
        })
    }
}

type Benchmark = fn(&Setting) -> Result<Results>;

const BENCHMARKS: [(&str, Benchmark); 7] = [
    ("accept", accept::run),
    ("memory", memory::run),
    ("simulate", simulate::run),
    ("pages", pages::run),
    ("cold-start", cold_start::run),
    ("consumer", consumer::run),
    ("backtest", backtest::run),
];

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all went well and every target was met.
fn run(arguments: Arguments) -> Result<bool> {
    let Arguments {
        filter,
        out,
        programs,
        site,
        functions,
        python,
        emulator,
        promtool,
        promtool_days,
        rounds,
        seconds,
    } = arguments;
    fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    let setting = Setting {
        data: out.clone(),
        programs,
        site,
        functions,
        python,
        emulator,
        promtool,
        promtool_days,
        rounds: usize::try_from(rounds)?,
        length: Duration::from_secs(seconds),
    };
    let mut all = Vec::new();
    let mut broken = false;
    for (name, benchmark) in BENCHMARKS {
        if filter.as_ref().is_some_and(|filter| !name.contains(filter.as_str())) {
            continue;
        }
        // One that breaks does not keep the others from being measured.
        match benchmark(&setting).with_context(|| format!("benchmark {name}")) {
            Ok(results) => {
                let file = out.join(format!("{name}.json"));
                let document = json!({ "machine": machine(), "results": &results });
                fs::write(&file, serde_json::to_string_pretty(&document)? + "\n")
                    .with_context(|| format!("cannot write {}", file.display()))?;
                all.push(results);
            }
            Err(error) => {
                broken = true;
                eprintln!("error: {error:#}");
            }
        }
    }
    print!("{}", table::table(&all));
    let missed: Vec<&Row> = all.iter().flat_map(|results| &results.rows).filter(|row| row.misses()).collect();
    for row in &missed {
        eprintln!("missed: {}", row.what);
    }
    Ok(missed.is_empty() && !broken)
}

fn machine() -> serde_json::Value {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    json!({ "os": std::env::consts::OS, "arch": std::env::consts::ARCH, "cores": cores })
}
