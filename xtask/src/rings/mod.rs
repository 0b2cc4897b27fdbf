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

use crate::{metadata::Package, settings::Settings};
use std::{path::PathBuf, process::Command};

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

/// The runner: nextest where it is installed, as it runs tests of many binaries at a time.
fn runner(settings: &Settings) -> Command {
    let mut cargo = settings.cargo();
    if crate::process::find_program(&["cargo-nextest"]).is_some() {
        cargo.args(["nextest", "run", "--no-fail-fast", "--no-tests", "pass", "--status-level", "fail"]);
    } else {
        cargo.args(["test", "--no-fail-fast"]);
    }
    cargo
}

/// The runner for tests that start the programs: builds those first, and says in `SPILLWAY_BIN_DIR` where they are.
fn with_programs(settings: &Settings) -> anyhow::Result<Command> {
    let mut run = runner(settings);
    run.env("SPILLWAY_BIN_DIR", build_programs(settings)?);
    Ok(run)
}

/// Builds the programs, and returns the folder that they are in. Debug builds: most of what they are made of was built for
/// the other tests already.
fn build_programs(settings: &Settings) -> anyhow::Result<PathBuf> {
    let packages = ["--package", "spillway-dashboard", "--package", "spillway"];
    crate::process::run(settings.cargo().args(["build", "--quiet"]).args(packages))?;
    Ok(settings.target.join("debug"))
}
