//! Brings docs/cost.md up to date.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks on its standard streams"
)]

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use spillway_bench_cost::{DOCUMENT, UPDATE, data, document, measured};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Compute what Spillway costs in AWS and write it into docs/cost.md.
#[derive(Parser)]
#[command(name = "spillway-bench-cost", version)]
struct Arguments {
    /// The workspace's root
    #[arg(long, value_name = "DIR", default_value = ".")]
    root: PathBuf,
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Write the tables into docs/cost.md
    Update,
    /// Take over what the benchmarks cold-start and consumer measured; then `update`
    Take {
        /// Folder with their results
        #[arg(value_name = "DIR", default_value = "target/bench")]
        results: PathBuf,
        /// When and on what it was measured, as a reader should see it
        #[arg(long, value_name = "TEXT")]
        measured: String,
    },
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.task {
        Task::Update => update(&arguments.root),
        Task::Take { results, measured } => take(&arguments.root, results, measured),
    }
}

fn update(root: &Path) -> Result<()> {
    let (found, expected) = document(root)?;
    if found == expected {
        println!("{DOCUMENT} is up to date.");
    } else {
        fs::write(root.join(DOCUMENT), expected).with_context(|| format!("cannot write {DOCUMENT}"))?;
        println!("{DOCUMENT} was brought up to date.");
    }
    Ok(())
}

fn take(root: &Path, results: &Path, when: &str) -> Result<()> {
    let measured = measured::from_results(results, when)?;
    let file = root.join(data::FOLDER).join(data::MEASURED);
    let text = serde_json::to_string_pretty(&measured)? + "\n";
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    println!("{} has the new measurements. Now: {UPDATE}", file.display());
    Ok(())
}
