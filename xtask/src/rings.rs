//! The rings of `cargo xtask test`, each in its own module.

mod browser;
mod checkov;
mod emulator;
mod rust;
mod sdks;
mod terraform;

pub use browser::browser;
pub use checkov::checkov;
pub use emulator::{adapters, empty as empty_emulator, emulator};
pub use rust::{build_rust, rust};
pub use sdks::sdks;
pub use terraform::{mirror as terraform_mirror, terraform};

use crate::{
    metadata::Package,
    process,
    settings::{PROFILE, Settings},
};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The package of whole-system journeys. A test target of it belongs to the ring whose name the target's name begins
/// with.
pub const JOURNEYS: &str = "spillway-tests";
/// The package that is built for the browser only, and never together with the other packages.
pub const FRONTEND: &str = "spillway-dashboard-frontend";

/// The journeys' test targets whose name begins with the ring's name.
fn journeys_of<'a>(packages: &'a [Package], ring: &str) -> Vec<&'a str> {
    packages
        .iter()
        .filter(|package| package.name == JOURNEYS)
        .flat_map(|package| package.targets_of("test"))
        .filter(|target| target.starts_with(ring))
        .collect()
}

/// The packages and features for every cargo call that lints or builds tests. All calls use the same ones, so that they
/// share what is built: with fewer packages, cargo would build libraries again with other features. The features are
/// those that no other package enables.
pub const EVERYTHING: [&str; 5] = [
    "--workspace",
    "--exclude",
    FRONTEND,
    "--features",
    "spillway-dashboard-charts/png,spillway-aws/emulator,spillway-dashboard-aws/emulator",
];
/// The test target for which cargo builds the program `spillway`. It uses nearly all libraries: a call without it would
/// build some of them with other features.
const PROGRAM_TESTS: &str = "cli";

/// The runner: nextest if it is installed, because it runs the tests of many binaries in parallel.
fn runner(settings: &Settings) -> Command {
    let mut cargo = settings.cargo();
    if process::find_program(&["cargo-nextest"]).is_some() {
        cargo.args(["nextest", "run", "--cargo-profile", PROFILE]);
        cargo.args(["--no-fail-fast", "--no-tests", "pass", "--status-level", "fail"]);
    } else {
        cargo.args(["test", "--profile", PROFILE, "--no-fail-fast"]);
    }
    cargo.args(EVERYTHING).env("SPILLWAY_BIN_DIR", settings.programs());
    cargo
}

/// Builds a package's test target in the same way as all tests, together with the program. Returns a command that runs
/// the target.
fn test_program(settings: &Settings, packages: &[Package], package: &str, target: &str) -> Result<Command> {
    let mut build = settings.cargo();
    build.args(["test", "--no-run", "--quiet", "--message-format", "json-render-diagnostics"]);
    build
        .args(["--profile", PROFILE])
        .args(EVERYTHING)
        .args(["--test", PROGRAM_TESTS, "--test", target])
        .stderr(Stdio::inherit());
    let package = packages.iter().find(|other| other.name == package).context("there is no such package")?;
    let manifest = package.folder.join("Cargo.toml");
    let printed = process::output(&mut build)?;
    let artifacts = printed.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut programs = artifacts
        .filter(|artifact| artifact["target"]["name"] == target)
        .filter(|artifact| artifact["manifest_path"].as_str().is_some_and(|path| Path::new(path) == manifest))
        .filter_map(|artifact| artifact["executable"].as_str().map(PathBuf::from));
    let program = programs.next().with_context(|| format!("cargo built no test {target}"))?;
    let mut run = Command::new(program);
    // The same working directory as in a run by cargo.
    run.current_dir(&package.folder).env("SPILLWAY_BIN_DIR", settings.programs());
    Ok(run)
}
