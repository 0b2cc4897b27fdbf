//! The notifications of the alarm rules for simulated incidents and a normal week. Tests check them and write tables.
//! This module runs the tests and prints the tables.

use crate::{process, settings::Settings};
use anyhow::{Context, Result};
use std::{fs, path::PathBuf};

/// The package and the target of the tests.
const TESTS: (&str, &str) = ("spillway-embedded", "incidents");
/// The files that the tests write into the target folder's `tmp`.
const TABLES: [&str; 4] =
    ["incidents_store.txt", "incidents_functions.txt", "incidents_senders.txt", "normal_week.txt"];

/// Runs the tests, and prints these files.
pub fn run(settings: &Settings) -> Result<()> {
    forget(settings);
    let (package, target) = TESTS;
    process::step(
        "simulated incidents and a normal week, with the rules evaluated on what the pipeline records",
    );
    process::run(settings.cargo().args(["test", "--quiet", "--package", package, "--test", target]))?;
    for file in files(settings) {
        let table = fs::read_to_string(&file)
            .with_context(|| format!("the tests did not write {}", file.display()))?;
        println!("\n{}", table.trim_end());
    }
    println!();
    Ok(())
}

/// Removes the files of earlier runs, so that only this run's are printed.
pub fn forget(settings: &Settings) {
    for file in files(settings) {
        // The file may not exist.
        let _ = fs::remove_file(file);
    }
}

/// Prints the tables that the tests wrote, if they ran.
pub fn show(settings: &Settings) {
    for table in files(settings).filter_map(|file| fs::read_to_string(file).ok()) {
        println!("\n{}", table.trim_end());
    }
}

fn files(settings: &Settings) -> impl Iterator<Item = PathBuf> {
    TABLES.into_iter().map(|file| settings.target.join("tmp").join(file))
}
