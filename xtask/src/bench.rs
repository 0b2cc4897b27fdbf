//! `cargo xtask bench`: every benchmark in one run, with results as tables and as JSON.
//!
//! There are two kinds. Bench targets of the packages time a piece of code. `spillway-bench` measures the whole system
//! against peers and limits. Both write their numbers as JSON into `target/bench`.

use crate::{
    incidents, lambda, metadata, process, promtool, python,
    ring::{Counts, Outcome, Report},
    rings::{FRONTEND, empty_emulator},
    settings::Settings,
    wasm,
};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// The benchmarks of the whole system.
const SYSTEM: [&str; 10] = [
    "accept",
    "memory",
    "simulate",
    "schemas",
    "pages",
    "groups",
    "cold-start",
    "consumer",
    "backtest",
    GROWTH,
];
/// The benchmark of reads and writes beside a large backlog.
const GROWTH: &str = "growth";
/// The benchmarks that measure the demo as users start it.
const OF_THE_DEMO: [&str; 4] = ["memory", "pages", "groups", GROWTH];
/// The benchmarks that measure the functions as Lambda starts them.
const OF_THE_FUNCTIONS: [&str; 2] = ["cold-start", "consumer"];
/// The benchmark that also runs against an emulator.
const CONSUMER: &str = "consumer";
/// The benchmark that evaluates rules, and the package whose example it measures.
const BACKTEST: (&str, &str) = ("backtest", "spillway-alerts");
/// The tables of the rules' notifications.
const INCIDENTS: &str = "incidents";
/// The function that does nothing: its program and its package. It is built separately, so that it gets no features
/// that only the other functions need.
const NOTHING: (&str, &str) = ("noop", "spillway-bench-noop");
/// The packages that the Python peers need.
const PEERS: &str = "bench/python/requirements.txt";

/// Which benchmarks to run.
#[derive(clap::Args)]
pub struct Arguments {
    /// Run only benchmarks whose name contains this: accept, memory, simulate, schemas, pages, groups,
    /// cold-start, consumer, backtest, growth, incidents, or a package's folder
    filter: Option<String>,
    /// Rounds of each measurement that is compared with a peer
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: u32,
    /// Seconds of each measurement in a round
    #[arg(long, value_name = "S", default_value_t = 3)]
    seconds: u32,
    /// Days of series for promtool in `backtest`; each takes a second or two
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    promtool_days: u32,
    /// Stored events, queued events and dead letters of the large data folder in `growth`
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    growth_rows: u32,
}

impl Arguments {
    fn wants(&self, name: &str) -> bool {
        self.filter.as_ref().is_none_or(|filter| name.contains(filter.as_str()))
    }

    fn wants_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.wants(name))
    }
}

/// Runs the optimised benchmarks, one after another. Fails if a target is missed or a build fails.
pub fn run(settings: &Settings, arguments: &Arguments) -> Result<ExitCode> {
    let results = settings.target.join("bench");
    fs::create_dir_all(&results).with_context(|| format!("cannot create {}", results.display()))?;
    let mut report = Report::default();
    for package in metadata::packages(settings)?.iter().filter(|package| package.name != FRONTEND) {
        for target in package.targets_of("bench") {
            let name = format!("{}/{target}", package.name);
            if !arguments.wants(&name) {
                continue;
            }
            process::step(&format!("benchmark {name}"));
            let mut bench = settings.cargo();
            bench.args(["bench", "--quiet", "--package", &package.name, "--bench", target]);
            bench.env("SPILLWAY_BENCH_DIR", &results);
            report.add(&name, process::run(&mut bench).map(|()| Outcome::Ran(Counts::one(true))));
        }
    }
    if arguments.wants_any(&SYSTEM) {
        let done = system(settings, arguments, &results).map(|()| Outcome::Ran(Counts::one(true)));
        report.add("system", done);
    }
    if arguments.wants(INCIDENTS) {
        report.add(INCIDENTS, incidents::run(settings).map(|()| Outcome::Ran(Counts::one(true))));
    }
    println!("Results: {}", results.display());
    Ok(report.close())
}

/// Builds what the system's benchmarks need, and runs them.
fn system(settings: &Settings, arguments: &Arguments, results: &Path) -> Result<()> {
    process::step("building the benchmarks and what they measure");
    let mut site = None;
    if arguments.wants_any(&OF_THE_DEMO) {
        process::run(settings.cargo().args(["build", "--release", "--package", "spillway"]))?;
        site = wasm::run(settings, wasm::Build::Small)?.map(|_| settings.site());
    }
    process::run(settings.cargo().args(["build", "--release", "--package", "spillway-bench"]))?;

    let programs = settings.target.join("release");
    let mut bench = Command::new(programs.join(format!("spillway-bench{}", std::env::consts::EXE_SUFFIX)));
    bench.args(&arguments.filter);
    bench.arg("--out").arg(results).arg("--programs").arg(&programs);
    bench.args(["--rounds", &arguments.rounds.to_string(), "--seconds", &arguments.seconds.to_string()]);
    bench.args(["--growth-rows", &arguments.growth_rows.to_string()]);
    if let Some(site) = site {
        bench.arg("--site").arg(site);
    }
    if arguments.wants_any(&OF_THE_FUNCTIONS) {
        bench.arg("--functions").arg(functions(settings, results)?);
        match python::environment(&settings.target.join("bench-python"), &settings.root.join(PEERS)) {
            Ok(environment) => {
                bench.arg("--python").arg(environment.program("python"));
            }
            // The benchmark's notes say which comparisons are missing.
            Err(error) => eprintln!("    no peers in Python: {error:#}. {}", python::REMEDY),
        }
    }
    let mut emulator = None;
    if arguments.wants(CONSUMER) {
        match empty_emulator(settings) {
            Ok(started) => {
                bench.arg("--emulator").arg(started.address.to_string());
                // The emulator runs until this variable is dropped.
                emulator = Some(started);
            }
            Err(error) => eprintln!("    no emulator: {error:#}. {}", python::REMEDY),
        }
    }
    if arguments.wants(BACKTEST.0) {
        let example = ["build", "--release", "--package", BACKTEST.1, "--example", "backtest_speed"];
        process::run(settings.cargo().args(example))?;
        bench.args(["--promtool-days", &arguments.promtool_days.to_string()]);
        match promtool::find(settings) {
            Ok(promtool) => {
                bench.arg("--promtool").arg(promtool);
            }
            Err(error) => eprintln!("    no promtool: {error:#}. {}", promtool::REMEDY),
        }
    }
    let done = process::run(&mut bench);
    drop(emulator);
    done
}

/// Builds the functions for this machine as they are deployed. Returns their folder.
fn functions(settings: &Settings, results: &Path) -> Result<PathBuf> {
    let folder = results.join("functions");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let functions = metadata::functions(&metadata::packages(settings)?)?;
    let measured = functions.iter().filter(|function| function.place == metadata::Place::OnEventPath);
    let (mut programs, packages): (Vec<&str>, Vec<&str>) =
        measured.map(|function| (&*function.name, &*function.package)).unzip();
    programs.push(NOTHING.0);
    let mut built = PathBuf::new();
    for together in [&packages[..], &[NOTHING.1]] {
        built =
            lambda::compile(settings, lambda::Architecture::NATIVE, lambda::Optimised::ForLambda, together)?;
    }
    for program in programs {
        fs::copy(built.join(program), folder.join(program))
            .with_context(|| format!("cannot copy {program}"))?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_chooses_by_part_of_a_name() {
        let arguments = |filter: Option<&str>| Arguments {
            filter: filter.map(str::to_owned),
            rounds: 1,
            seconds: 1,
            promtool_days: 5,
            growth_rows: 10_000,
        };
        assert!(arguments(None).wants("dashboard/charts/draw"));
        assert!(arguments(None).wants_any(&SYSTEM));
        assert!(arguments(Some("mem")).wants_any(&OF_THE_DEMO));
        assert!(!arguments(Some("accept")).wants_any(&OF_THE_DEMO));
        assert!(arguments(Some("cold-start")).wants_any(&OF_THE_FUNCTIONS));
        assert!(!arguments(Some("pages")).wants_any(&OF_THE_FUNCTIONS));
        assert!(!arguments(Some("draw")).wants_any(&SYSTEM));
        assert!(
            arguments(Some(INCIDENTS)).wants(INCIDENTS) && !arguments(Some(INCIDENTS)).wants_any(&SYSTEM)
        );
    }
}
