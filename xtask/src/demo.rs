//! `cargo xtask demo`: builds the whole system and runs it.

use crate::{
    process,
    settings::{PROFILE, Settings},
    wasm,
};
use anyhow::{Context, Result};
use std::{
    path::PathBuf,
    process::{Command, ExitCode},
};

/// Settings of the running system.
#[derive(clap::Args)]
pub struct Arguments {
    /// Port to which clients send events
    #[arg(long, default_value_t = 8080)]
    api_port: u16,
    /// Port of the dashboard
    #[arg(long, default_value_t = 3000)]
    dashboard_port: u16,
    /// Folder for all data
    #[arg(long, value_name = "DIR", default_value = ".spillway")]
    data: PathBuf,
    /// Empty the data folder first
    #[arg(long)]
    fresh: bool,
    /// Without 24 hours of demo history
    #[arg(long)]
    no_history: bool,
    /// Without live traffic
    #[arg(long)]
    no_traffic: bool,
    /// Folder with JSON Schemas for event types, each as TYPE.json [default: DIR/schemas]
    #[arg(long, value_name = "DIR")]
    schemas: Option<PathBuf>,
}

impl Arguments {
    /// Passes the same arguments to the program that runs the system.
    fn pass_on(&self, command: &mut Command) {
        // The demo ignores a deployment that the environment names.
        command.env_remove("SPILLWAY_TOPOLOGY");
        command.arg("demo").arg("--embedded").arg(&self.data);
        command.arg("--api-port").arg(self.api_port.to_string());
        command.arg("--dashboard-port").arg(self.dashboard_port.to_string());
        if let Some(schemas) = &self.schemas {
            command.arg("--schemas").arg(schemas);
        }
        for (given, flag) in
            [(self.fresh, "--fresh"), (self.no_history, "--no-history"), (self.no_traffic, "--no-traffic")]
        {
            if given {
                command.arg(flag);
            }
        }
    }
}

/// Arguments for cargo. They build the program, and in the same call the program that makes the browser's files,
/// because the two share libraries. The AWS SDKs are left out: the demo does not use them, and they take long to build.
pub const BUILD: [&str; 7] =
    ["--profile", PROFILE, "--no-default-features", "--package", "spillway", "--package", wasm::BUNDLER];

/// Builds the program and the browser's part of the dashboard, then replaces this process with the program.
pub fn run(settings: &Settings, arguments: &Arguments) -> Result<ExitCode> {
    process::step("building the program (the first time takes some minutes)");
    process::run(settings.cargo().arg("build").args(BUILD))?;
    let site = wasm::run(settings, wasm::Build::Demo)?.map(|_| settings.site());

    let program = settings.program("spillway");
    let mut command = Command::new(&program);
    arguments.pass_on(&mut command);
    if let Some(site) = site {
        command.arg("--site").arg(site);
    }
    become_program(&mut command).with_context(|| format!("cannot start {}", program.display()))
}

/// The program replaces this process, so that Ctrl-C and signals reach it and no other process.
#[cfg(unix)]
fn become_program(command: &mut Command) -> Result<ExitCode> {
    Err(std::os::unix::process::CommandExt::exec(command).into())
}

#[cfg(not(unix))]
fn become_program(command: &mut Command) -> Result<ExitCode> {
    let status = command.status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn the_program_gets_the_arguments_of_the_task() {
        let line = Line::parse_from(["demo", "--api-port", "18080", "--no-history", "--data", "/tmp/x"]);
        let mut command = Command::new("spillway");
        line.arguments.pass_on(&mut command);
        let passed: Vec<_> =
            command.get_args().map(|argument| argument.to_string_lossy().into_owned()).collect();
        assert_eq!(
            passed,
            [
                "demo",
                "--embedded",
                "/tmp/x",
                "--api-port",
                "18080",
                "--dashboard-port",
                "3000",
                "--no-history"
            ]
        );
    }
}
