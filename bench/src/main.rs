//! The system's benchmarks. Every number is next to a peer or a limit that was measured in the same run or applies to
//! it. So it has the same meaning on a fast machine and on a slow one.
//!
//! `cargo xtask bench` builds what is needed and runs this program.

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
mod groups;
mod growth;
mod load;
mod memory;
mod pages;
mod schemas;
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
    /// Run only benchmarks whose name contains this text: accept, memory, simulate, schemas, pages, groups,
    /// cold-start, consumer, backtest, growth
    filter: Option<String>,
    /// Folder for the results, as NAME.json; a running benchmark also keeps its data below it
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
    /// Python of an environment with the packages of bench/python/requirements.txt
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
    /// Address of an empty emulator of AWS
    #[arg(long, value_name = "IP:PORT")]
    emulator: Option<SocketAddr>,
    /// Prometheus' promtool
    #[arg(long, value_name = "FILE")]
    promtool: Option<PathBuf>,
    /// Days of series for promtool; our program always gets a year
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(5..=365))]
    promtool_days: u64,
    /// Stored events, queued events and dead letters of the large data folder in `growth`
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(10_000..))]
    growth_rows: u64,
    /// Rounds of each measurement that is compared with a peer
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=50))]
    rounds: u64,
    /// Seconds of each measurement in a round
    #[arg(long, value_name = "S", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
}

/// The settings of every benchmark.
pub struct Setting {
    /// Folder for data that is deleted afterwards. It is on a real disk, because durability is part of the measurement.
    pub data: PathBuf,
    /// Folder with the programs.
    pub programs: PathBuf,
    /// Folder with the browser's part of the dashboard.
    pub site: Option<PathBuf>,
    /// Folder with the functions' programs.
    pub functions: PathBuf,
    /// A Python with the packages that the peers need.
    pub python: Option<PathBuf>,
    /// Address of an emulator of AWS.
    pub emulator: Option<SocketAddr>,
    /// Prometheus' promtool.
    pub promtool: Option<PathBuf>,
    /// Days of series for promtool.
    pub promtool_days: u64,
    /// Rows of each kind in the large data folder of `growth`.
    pub growth_rows: u64,
    /// Rounds of each measurement.
    pub rounds: usize,
    /// Length of each measurement.
    pub length: Duration,
}

impl Setting {
    /// The program `spillway`.
    pub fn program(&self) -> PathBuf {
        self.programs.join(format!("spillway{}", std::env::consts::EXE_SUFFIX))
    }

    /// Prints the current step on standard error, because standard output is for the results.
    pub fn say(&self, what: &str) {
        eprintln!("▸ {what}");
    }

    /// The note for the reader if there is no Python to compare with.
    pub fn python_is_missing(&self, benchmark: &str) -> Option<String> {
        self.python.is_none().then(|| {
            format!(
                "{benchmark}: not compared with Python, because its environment could not be created: install Python 3 with venv and \
                 pip, and let it reach the Python package index."
            )
        })
    }
}

type Benchmark = fn(&Setting) -> Result<Results>;

const BENCHMARKS: [(&str, Benchmark); 10] = [
    ("accept", accept::run),
    ("memory", memory::run),
    ("simulate", simulate::run),
    ("schemas", schemas::run),
    ("pages", pages::run),
    ("groups", groups::run),
    ("cold-start", cold_start::run),
    ("consumer", consumer::run),
    ("backtest", backtest::run),
    ("growth", growth::run),
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

/// Returns whether all benchmarks succeeded and every target was met.
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
        growth_rows,
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
        growth_rows,
        rounds: usize::try_from(rounds)?,
        length: Duration::from_secs(seconds),
    };
    let mut all = Vec::new();
    let mut broken = false;
    for (name, benchmark) in BENCHMARKS {
        if filter.as_ref().is_some_and(|filter| !name.contains(filter.as_str())) {
            continue;
        }
        // The other benchmarks still run if one fails.
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
