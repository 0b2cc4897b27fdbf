//! The official SDKs of CloudEvents as clients of the API.

use super::{JOURNEYS, journeys_of, test_program};
use crate::{
    metadata::Package,
    process, python,
    ring::{Counts, Outcome, count},
    settings::Settings,
};
use anyhow::{Context as _, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The Python SDK and its dependencies, pinned.
const PYTHON: &str = "xtask/python/sdks.txt";
/// The JavaScript SDK, and its dependencies with their checksums.
const JAVASCRIPT: &str = "xtask/node";
const FILES: [&str; 2] = ["package.json", "package-lock.json"];

/// Runs the journeys whose name begins with `sdks`. They find the SDKs in `SPILLWAY_SDK_PYTHON` and
/// `SPILLWAY_SDK_JAVASCRIPT`.
pub fn sdks(settings: &Settings, packages: &[Package]) -> Result<Outcome> {
    let environment =
        match python::environment(&settings.target.join("sdk-python"), &settings.root.join(PYTHON)) {
            Ok(environment) => environment,
            Err(error) => return Ok(missing(&error, python::REMEDY)),
        };
    let javascript = match javascript(settings) {
        Ok(folder) => folder,
        Err(error) => {
            return Ok(missing(&error, "It needs Node.js 18 or later with npm, and the npm registry."));
        }
    };
    process::step("CloudEvents' SDKs");
    let mut counts = Counts::default();
    for journey in journeys_of(packages, "sdks") {
        let mut run = test_program(settings, packages, JOURNEYS, journey)?;
        run.env("SPILLWAY_SDK_PYTHON", environment.program("python"));
        run.env("SPILLWAY_SDK_JAVASCRIPT", &javascript);
        let (success, output) = process::watch(&mut run)?;
        counts = counts.and(count(&output).ended(success));
    }
    Ok(Outcome::Ran(counts))
}

fn missing(error: &anyhow::Error, remedy: &str) -> Outcome {
    Outcome::Skipped { reason: format!("an SDK cannot be installed: {error:#}"), remedy: remedy.into() }
}

/// A folder with the JavaScript SDK in `node_modules`. It is made again when the lock file changes.
fn javascript(settings: &Settings) -> Result<PathBuf> {
    let (from, folder) = (settings.root.join(JAVASCRIPT), settings.target.join("sdk-javascript"));
    let lock = |folder: &Path| fs::read(folder.join(FILES[1])).ok();
    let marker = folder.join("installed");
    if marker.is_file() && lock(&folder) == lock(&from) {
        return Ok(folder);
    }
    process::find_program(&["node"]).context("there is no node")?;
    let npm = process::find_program(&["npm"]).context("there is no npm")?;
    process::step("installing npm packages: cloudevents");
    fs::create_dir_all(&folder)?;
    for file in FILES {
        fs::copy(from.join(file), folder.join(file)).with_context(|| format!("cannot copy {file}"))?;
    }
    let mut install = Command::new(npm);
    install.current_dir(&folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    process::output(&mut install)?;
    fs::write(&marker, "")?;
    Ok(folder)
}
