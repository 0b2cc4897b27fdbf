//! `cargo xtask demo`: builds everything and runs it.

use crate::{process, settings::Settings, wasm};
use anyhow::{Context, Result};
use std::{
    path::PathBuf,
    process::{Command, ExitCode},
};

/// How the system runs.
#[derive(clap::Args)]
pub struct Arguments {
    /// Where clients send events
    #[arg(long, default_value_t = 8080)]
    api_port: u16,
    /// Where the dashboard is
    #[arg(long, default_value_t = 3000)]
    dashboard_port: u16,
    /// Where everything is kept
    #[arg(long, value_name = "DIR", default_value = ".spillway")]
    data: PathBuf,
    /// Empty the data folder first
    #[arg(long)]
    fresh: bool,
    /// Without 24 hours of made-up history
    #[arg(long)]
    no_history: bool,
    /// Without live traffic
    #[arg(long)]
    no_traffic: bool,
    /// A folder with a JSON Schema for each event type that has one, as TYPE.json [default: DIR/schemas]
    #[arg(long, value_name = "DIR")]
    schemas: Option<PathBuf>,
}

impl Arguments {
    /// The same for the program that runs the system.
    fn pass_on(&self, command: &mut Command) {
        // A deployment that the environment names is none of the demo's concern.
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

/// What cargo is told to build: the program, and in the same call what makes the browser's files, as they share libraries.
/// Without the AWS SDKs: the demo has no use for them, and they take long to build.
pub const BUILD: [&str; 7] =
    ["--profile", "demo", "--no-default-features", "--package", "spillway", "--package", wasm::BUNDLER];

/// Builds the program and the browser's part, then becomes the program.
///
/// # Errors
/// When something does not build, or the program cannot be started.
pub fn run(settings: &Settings, arguments: &Arguments) -> Result<ExitCode> {
    process::step("building the program (the first time takes some minutes)");
    process::run(settings.cargo().arg("build").args(BUILD))?;
    let site = wasm::run(settings, wasm::Build::Demo)?.map(|_| settings.site());

    let program = settings.program("demo", "spillway");
    let mut command = Command::new(&program);
    arguments.pass_on(&mut command);
    if let Some(site) = site {
        command.arg("--site").arg(site);
    }
    become_program(&mut command).with_context(|| format!("cannot start {}", program.display()))
}

/// The program takes this process's place, so that Ctrl-C and signals reach it and no other process.
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
    fn the_program_gets_what_was_asked_for() {
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
