//! `cargo xtask test`: every test that this machine can run.

use crate::{incidents, metadata, ring::Report, rings, settings::Settings};
use anyhow::Result;
use std::process::ExitCode;

/// Which rings to run.
#[derive(clap::Args)]
pub struct Arguments {
    /// Run only these rings
    #[arg(value_enum)]
    rings: Vec<Ring>,
}

/// A ring of tests, the quickest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Ring {
    /// Unit, integration and embedded whole-system tests
    Rust,
    /// Terraform's format, validity and tests, and checkov's rules
    Terraform,
    /// The dashboard in Chromium
    Browser,
    /// The AWS side against an emulator
    Emulator,
}

/// Runs the rings and prints the result of each.
pub fn run(settings: &Settings, arguments: &Arguments) -> Result<ExitCode> {
    let mut report = Report::default();
    add(settings, arguments, &mut report)?;
    Ok(report.close())
}

/// Runs the rings and adds them to a report, which may contain other results.
pub fn add(settings: &Settings, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let packages = metadata::packages(settings)?;
    let wanted = |ring: Ring| arguments.rings.is_empty() || arguments.rings.contains(&ring);
    if wanted(Ring::Rust) {
        incidents::forget(settings);
        report.add("rust", rings::rust(settings, &packages));
        incidents::show(settings);
    }
    if wanted(Ring::Terraform) {
        report.add("terraform", rings::terraform(settings));
        report.add("checkov", rings::checkov(settings));
    }
    if wanted(Ring::Browser) {
        report.add("browser", rings::browser(settings, &packages));
    }
    if wanted(Ring::Emulator) {
        report.add("adapters", rings::adapters(settings, &packages));
        report.add("emulator", rings::emulator(settings, &packages));
    }
    Ok(())
}
