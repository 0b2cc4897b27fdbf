//! `cargo xtask bench`: every benchmark, in one run, as tables and as JSON.

use crate::{
    metadata, process,
    ring::{Counts, Outcome, Report},
    rings::FRONTEND,
    settings::Settings,
};
use anyhow::{Context, Result};
use std::{fs, process::ExitCode};

/// Which benchmarks to run.
#[derive(clap::Args)]
pub struct Arguments {
    /// Run only benchmarks whose name contains this
    filter: Option<String>,
}

/// Runs each bench target of the workspace, optimised, one after the other. A benchmark prints its own
/// table, and writes its numbers as `NAME.json` into the folder that `SPILLWAY_BENCH_DIR` names.
///
/// # Errors
/// When cargo cannot resolve the workspace or the results' folder cannot be made.
pub fn run(settings: &Settings, arguments: &Arguments) -> Result<ExitCode> {
    let results = settings.target.join("bench");
    fs::create_dir_all(&results).with_context(|| format!("cannot create {}", results.display()))?;
    let mut report = Report::default();
    for package in metadata::packages(settings)?.iter().filter(|package| package.name != FRONTEND) {
        for target in package.targets_of("bench") {
            let name = format!("{}/{target}", package.folder);
            if arguments.filter.as_ref().is_some_and(|filter| !name.contains(filter.as_str())) {
                continue;
            }
            process::step(&format!("benchmark {name}"));
            let mut bench = settings.cargo();
            bench.args(["bench", "--quiet", "--package", &package.name, "--bench", target]);
            bench.env("SPILLWAY_BENCH_DIR", &results);
            report.add(&name, process::run(&mut bench).map(|()| Outcome::Ran(Counts::one(true))));
        }
    }
    println!("Results: {}", results.display());
    Ok(report.close())
}
