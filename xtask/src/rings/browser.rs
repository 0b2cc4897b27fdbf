//! The tests of the dashboard in a real browser.

use super::{JOURNEYS, journeys_of, test_program};
use crate::{
    metadata::Package,
    process,
    ring::{Counts, Outcome, count},
    settings::Settings,
    wasm,
};
use anyhow::Result;
use std::process::Command;

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Builds the program and the wasm that the tests start, then runs the journeys whose name begins with `browser`.
/// They find the programs in `SPILLWAY_CHROMIUM` and `SPILLWAY_CHROMEDRIVER`.
pub fn browser(settings: &Settings, packages: &[Package]) -> Result<Outcome> {
    let journeys = journeys_of(packages, "browser");
    if journeys.is_empty() {
        return Ok(Outcome::Skipped {
            reason: "there are no browser journeys yet".into(),
            remedy: format!("Add a test target that begins with `browser` to {JOURNEYS}."),
        });
    }
    let find = || Some((process::find_program(&BROWSERS)?, process::find_program(&["chromedriver"])?));
    if find().is_none() && settings.ci {
        install();
    }
    let Some((chromium, driver)) = find() else {
        return Ok(Outcome::Skipped {
            reason: "Chromium or its driver is not installed".into(),
            remedy: "On Debian: apt-get install chromium chromium-driver.".into(),
        });
    };
    if wasm::run(settings, wasm::Build::Tests)?.is_none() {
        return Ok(Outcome::Skipped {
            reason: "the dashboard's browser part cannot be built here".into(),
            remedy: "The sentence above says what is missing.".into(),
        });
    }
    process::step("browser tests");
    let mut counts = Counts::default();
    for journey in journeys {
        let mut run = test_program(settings, packages, JOURNEYS, journey)?;
        run.env("SPILLWAY_CHROMIUM", &chromium).env("SPILLWAY_CHROMEDRIVER", &driver);
        let (success, output) = process::watch(&mut run)?;
        counts = counts.and(count(&output).ended(success));
    }
    Ok(Outcome::Ran(counts))
}

/// Installs the browser on a continuous integration machine, which this program may change.
fn install() {
    if !process::is_root() || process::find_program(&["apt-get"]).is_none() {
        return;
    }
    process::step("installing Chromium");
    let apt = |arguments: &[&str]| {
        process::succeeds(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    let installed = apt(&["update", "--quiet"])
        && apt(&["install", "--yes", "--quiet", "--no-install-recommends", "chromium", "chromium-driver"]);
    if !installed {
        process::say("  apt could not install Chromium");
    }
}
