//! The rings of `cargo xtask test`, each in its own module.

mod browser;
mod checkov;
mod emulator;
mod rust;
mod terraform;

pub use browser::browser;
pub use checkov::checkov;
pub use emulator::{adapters, empty as empty_emulator, emulator};
pub use rust::rust;
pub use terraform::{mirror as terraform_mirror, terraform};

use crate::{metadata::Package, process, settings::Settings};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The package of whole-system journeys. Its test targets belong to the ring that their name begins with.
pub const JOURNEYS: &str = "spillway-tests";
/// The package that is built for the browser only, and never together with the others.
pub const FRONTEND: &str = "spillway-dashboard-frontend";

/// The journeys' test targets whose name begins with a ring's.
fn journeys_of<'a>(packages: &'a [Package], ring: &str) -> Vec<&'a str> {
    packages
        .iter()
        .filter(|package| package.name == JOURNEYS)
        .flat_map(|package| package.targets_of("test"))
        .filter(|target| target.starts_with(ring))
        .collect()
}

/// What the tests are built from, in every call of cargo, so that all calls share what is built: a call that names fewer
/// packages would build libraries again with other features. The features are what no other package asks for.
const EVERYTHING: [&str; 5] = [
    "--workspace",
    "--exclude",
    FRONTEND,
    "--features",
    "spillway-dashboard-charts/png,spillway-aws/emulator,spillway-dashboard-aws/emulator",
];
/// The test target for which cargo builds the program `spillway`, and whose libraries are nearly all that there are: a call
/// without it would build some with other features.
const PROGRAM_TESTS: &str = "cli";

/// The runner: nextest where it is installed, as it runs tests of many binaries at a time.
fn runner(settings: &Settings) -> Command {
    let mut cargo = settings.cargo();
    if process::find_program(&["cargo-nextest"]).is_some() {
        cargo.args(["nextest", "run", "--no-fail-fast", "--no-tests", "pass", "--status-level", "fail"]);
    } else {
        cargo.args(["test", "--no-fail-fast"]);
    }
    cargo.args(EVERYTHING).env("SPILLWAY_BIN_DIR", bin_dir(settings));
    cargo
}

/// Where cargo leaves the program when it builds tests.
fn bin_dir(settings: &Settings) -> PathBuf {
    settings.target.join("debug")
}

/// Builds a package's test target as all tests are built, and the program with it. Returns a command that runs the target.
///
/// # Errors
/// When it does not build.
fn test_program(settings: &Settings, packages: &[Package], package: &str, target: &str) -> Result<Command> {
    let mut build = settings.cargo();
    build.args(["test", "--no-run", "--quiet", "--message-format", "json-render-diagnostics"]);
    build.args(EVERYTHING).args(["--test", PROGRAM_TESTS, "--test", target]).stderr(Stdio::inherit());
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
    // As cargo runs it.
    run.current_dir(&package.folder).env("SPILLWAY_BIN_DIR", bin_dir(settings));
    Ok(run)
}
