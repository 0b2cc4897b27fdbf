//! Every developer task, as `cargo xtask …`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool writes to its standard streams"
)]

mod bench;
mod ci;
mod demo;
mod deploy;
mod fmt;
mod incidents;
mod lambda;
mod metadata;
mod process;
mod promtool;
mod python;
mod ring;
mod rings;
mod settings;
mod test;
mod toolchain;
mod wasm;

use clap::{Parser, Subcommand};
use settings::Settings;
use std::process::ExitCode;

/// Spillway's developer tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build everything and run the whole system on this machine until Ctrl-C
    Demo(demo::Arguments),
    /// Run every test; tests whose tools are missing are listed as skipped
    Test(test::Arguments),
    /// Check format and lints, then run every test, including the dependency rules
    Ci(test::Arguments),
    /// Run the benchmarks, with the peers in the same run
    Bench(bench::Arguments),
    /// Show what Terraform would change in AWS, or change it
    Deploy(deploy::Arguments),
    /// Build the functions that Lambda runs into target/lambda
    Lambda(lambda::Arguments),
    /// Build what runs in the browser into target/site
    Wasm,
    /// Format all Rust and Terraform code
    Fmt,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = Settings::read().and_then(|settings| match arguments.task {
        Task::Demo(arguments) => demo::run(&settings, &arguments),
        Task::Test(arguments) => test::run(&settings, &arguments),
        Task::Ci(arguments) => ci::run(&settings, &arguments),
        Task::Bench(arguments) => bench::run(&settings, &arguments),
        Task::Deploy(arguments) => deploy::run(&settings, &arguments),
        Task::Lambda(arguments) => lambda::run(&settings, &arguments),
        Task::Fmt => fmt::run(&settings),
        Task::Wasm => wasm::run(&settings, wasm::Build::Small).map(|_| ExitCode::SUCCESS),
    });
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
