//! The ring that needs only Rust.

use super::{EVERYTHING, JOURNEYS, runner};
use crate::{
    metadata::Package,
    process,
    ring::{Outcome, count},
    settings::{PROFILE, Settings},
};
use anyhow::Result;
use std::process::Command;

/// Builds the tests. Returns whether they can run.
pub fn build_rust(settings: &Settings, packages: &[Package]) -> Result<bool> {
    process::step("building the Rust tests");
    let mut build = settings.cargo();
    build.args(["test", "--no-run", "--profile", PROFILE]).args(EVERYTHING);
    Ok(process::watch(choose_tests(&mut build, packages))?.0)
}

/// Unit and integration tests of all packages, the embedded journeys, and the examples in the documentation.
pub fn rust(settings: &Settings, packages: &[Package]) -> Result<Outcome> {
    process::step("Rust tests");
    let (success, output) = process::watch(choose_tests(&mut runner(settings), packages))?;
    let counts = count(&output).ended(success);
    if !has_documentation_tests(settings) {
        return Ok(Outcome::Ran(counts));
    }
    let mut documentation = settings.cargo();
    documentation.args(["test", "--doc", "--quiet", "--profile", PROFILE]).args(EVERYTHING);
    let (success, output) = process::watch(&mut documentation)?;
    Ok(Outcome::Ran(counts.and(count(&output).ended(success))))
}

/// Adds the tests of this ring to a cargo call. They are one call: cargo builds the program for its package's own test
/// target, and the journeys use the same program.
fn choose_tests<'a>(cargo: &'a mut Command, packages: &[Package]) -> &'a mut Command {
    cargo.arg("--lib");
    // By name, because `--bins` would also build a runner without tests for each program with `test = false`.
    for program in packages.iter().flat_map(Package::tested_programs) {
        cargo.args(["--bin", program]);
    }
    for target in test_targets(packages) {
        cargo.args(["--test", target]);
    }
    cargo
}

/// All test targets, except those of journeys that need more than Rust.
fn test_targets(packages: &[Package]) -> Vec<&str> {
    let elsewhere =
        |target: &str| ["browser", "emulator", "sdks"].iter().any(|ring| target.starts_with(ring));
    let mut targets: Vec<_> = packages
        .iter()
        .flat_map(|package| {
            let is_elsewhere = move |target: &&str| package.name == JOURNEYS && elsewhere(target);
            package.targets_of("test").into_iter().filter(move |target| !is_elsewhere(target))
        })
        // The adapters' own tests on an emulator, which are a separate ring.
        .filter(|target| *target != "emulator")
        .collect();
    targets.sort_unstable();
    targets.dedup();
    targets
}

/// Whether any documentation has a code example. Otherwise rustdoc would read every package for nothing.
fn has_documentation_tests(settings: &Settings) -> bool {
    let mut grep = Command::new("git");
    grep.current_dir(&settings.root).args(["grep", "-hoE", "^ *//[/!] ```[a-z_,]*$", "--", "*.rs"]);
    match process::output(&mut grep) {
        // Each opening fence has a matching closing fence.
        Ok(fences) => {
            2 * fences.lines().filter(|line| line.ends_with("text")).count() != fences.lines().count()
        }
        // The search failed or found no fence, so let rustdoc decide.
        Err(_) => true,
    }
}
