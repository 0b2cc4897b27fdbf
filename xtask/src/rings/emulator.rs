//! The AWS side, against an emulator.

use super::{JOURNEYS, journeys_of, runner};
use crate::{
    metadata::Package,
    process,
    ring::{Outcome, count},
    settings::Settings,
};
use anyhow::Result;
use std::{path::PathBuf, process::Command};

/// What the emulator is made of, from the Python package index.
const PACKAGES: [&str; 2] = ["ministack", "cbor2"];

/// Runs the journeys whose name begins with `emulator`. They find the emulator's program in `SPILLWAY_EMULATOR`.
///
/// # Errors
/// When a runner cannot be started.
pub fn emulator(settings: &Settings, packages: &[Package]) -> Result<Outcome> {
    let journeys = journeys_of(packages, "emulator");
    if journeys.is_empty() {
        return Ok(Outcome::Skipped {
            reason: "there are no emulator journeys yet".into(),
            remedy: format!("Add a test target that begins with `emulator` to {JOURNEYS}."),
        });
    }
    let Some(program) = program(settings) else {
        return Ok(Outcome::Skipped {
            reason: "the emulator is not installed".into(),
            remedy: format!("Install it with: pip install {}.", PACKAGES.join(" ")),
        });
    };
    process::step("emulator tests");
    let mut run = runner(settings);
    run.args(["--package", JOURNEYS]).env("SPILLWAY_EMULATOR", program);
    for journey in journeys {
        run.args(["--test", journey]);
    }
    let (success, output) = process::watch(&mut run)?;
    Ok(Outcome::Ran(count(&output).ended(success)))
}

/// The installed program, or one in an environment of our own below the target folder.
fn program(settings: &Settings) -> Option<PathBuf> {
    if let Some(installed) = process::find_program(&["ministack"]) {
        return Some(installed);
    }
    let environment = settings.target.join("emulator");
    let program = environment.join("bin/ministack");
    if !program.is_file() {
        let python = process::find_program(&["python3"])?;
        process::step("installing the emulator");
        let made = process::succeeds(Command::new(python).args(["-m", "venv"]).arg(&environment))
            && process::succeeds(
                Command::new(environment.join("bin/pip")).args(["install", "--quiet"]).args(PACKAGES),
            );
        if !made {
            return None;
        }
    }
    program.is_file().then_some(program)
}
