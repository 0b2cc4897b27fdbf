//! The notifications of the alarm rules for simulated incidents and a normal week. Tests prove it and leave tables; here they are run
//! and the tables shown.

use crate::{process, settings::Settings};
use anyhow::{Context, Result};
use std::{fs, path::PathBuf};

/// The package and the target of the tests.
const TESTS: (&str, &str) = ("spillway-embedded", "incidents");
/// The files that they write into the target folder's `tmp`.
const TABLES: [&str; 2] = ["incidents.txt", "normal_week.txt"];

/// Runs the tests, and prints these files.
///
/// # Errors
/// When one fails, or left nothing.
pub fn run(settings: &Settings) -> Result<()> {
    forget(settings);
    let (package, target) = TESTS;
    process::step(
        "simulated incidents and a normal week, with the rules evaluated on what the pipeline records",
    );
    process::run(settings.cargo().args(["test", "--quiet", "--package", package, "--test", target]))?;
    for file in files(settings) {
        let table =
            fs::read_to_string(&file).with_context(|| format!("the tests left no {}", file.display()))?;
        println!("\n{}", table.trim_end());
    }
    println!();
    Ok(())
}

/// Removes the files of earlier runs, so that only this run's are printed.
pub fn forget(settings: &Settings) {
    for file in files(settings) {
        // It need not be there.
        let _ = fs::remove_file(file);
    }
}

/// Shows what the tests left, if they ran.
pub fn show(settings: &Settings) {
    for table in files(settings).filter_map(|file| fs::read_to_string(file).ok()) {
        println!("\n{}", table.trim_end());
    }
}

fn files(settings: &Settings) -> impl Iterator<Item = PathBuf> {
    TABLES.into_iter().map(|file| settings.target.join("tmp").join(file))
}
