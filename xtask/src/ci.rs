//! `cargo xtask ci`: the checks that a change must pass.

use crate::{
    process,
    ring::{Counts, Outcome, Report},
    rings::FRONTEND,
    settings::Settings,
    test::{self, Arguments},
    wasm,
};
use anyhow::Result;
use std::process::ExitCode;

/// Format and lints, then the tests, which include the dependency rules. A failed check does not stop the others.
pub fn run(settings: &Settings, arguments: &Arguments) -> Result<ExitCode> {
    let mut report = Report::default();
    report.add("format", check(settings, "format", &["fmt", "--all", "--check"]));
    // In separate calls: one call that builds server and browser together would unify their features and break both.
    report.add("clippy", check(settings, "clippy", &clippy("--all-targets")));
    // Without default features, as the demo is built. All packages again, so that libraries keep their features and are
    // not checked a second time.
    report.add("clippy (demo)", check(settings, "clippy (demo)", &clippy("--no-default-features")));
    report.add("clippy (wasm)", clippy_wasm(settings));
    test::add(settings, arguments, &mut report)?;
    Ok(report.close())
}

fn clippy(what: &str) -> [&str; 7] {
    ["clippy", "--workspace", "--exclude", FRONTEND, what, "--", "-Dwarnings"]
}

fn check(settings: &Settings, name: &str, arguments: &[&str]) -> Result<Outcome> {
    process::step(name);
    Ok(Outcome::Ran(Counts::one(process::watch(settings.cargo().args(arguments))?.0)))
}

fn clippy_wasm(settings: &Settings) -> Result<Outcome> {
    if let Err(reason) = wasm::ensure_target(settings) {
        return Ok(Outcome::Skipped {
            reason: format!("the target {} is not available here", wasm::TARGET),
            remedy: format!("{reason:#}."),
        });
    }
    let lints = ["clippy", "--package", FRONTEND, "--target", wasm::TARGET, "--", "-D", "warnings"];
    check(settings, "clippy (wasm)", &lints)
}
