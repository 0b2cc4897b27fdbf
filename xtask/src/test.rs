//! `cargo xtask test`: every test that this machine can run.

use crate::{
    incidents, metadata, process,
    ring::{Counts, Outcome, Report},
    rings,
    settings::Settings,
};
use anyhow::Result;
use std::{
    panic,
    process::ExitCode,
    thread::{self, Scope, ScopedJoinHandle},
};

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
    /// The official SDKs of CloudEvents as clients of the API
    Sdks,
    /// The dashboard in Chromium
    Browser,
    /// The AWS side against an emulator
    Emulator,
}

/// Runs the rings and prints the result of each.
pub fn run(settings: &Settings, arguments: &Arguments) -> Result<ExitCode> {
    let mut report = Report::default();
    add(settings, arguments, &mut report, |_| ())?;
    Ok(report.close())
}

/// Runs checks and then the rings, and adds all results to a report.
///
/// Terraform uses one core, so it runs beside the checks and the build of tests. It does not run beside tests. The browser's
/// ring runs alone: its tests watch faults and alarms as they happen, and a loaded machine would delay them.
///
/// # Errors
/// When cargo cannot resolve the workspace.
pub fn add(
    settings: &Settings,
    arguments: &Arguments,
    report: &mut Report,
    checks: impl FnOnce(&mut Report),
) -> Result<()> {
    let packages = metadata::packages(settings)?;
    let wanted = |ring: Ring| arguments.rings.is_empty() || arguments.rings.contains(&ring);
    thread::scope(|scope| {
        let terraform = wanted(Ring::Terraform).then(|| {
            beside(scope, || {
                [("terraform", rings::terraform(settings)), ("checkov", rings::checkov(settings))]
            })
        });
        checks(report);
        let built = wanted(Ring::Rust).then(|| rings::build_rust(settings, &packages));
        if let Some(Ok(true)) = built {
            report.add("test build", Ok(Outcome::Ran(Counts::one(true))));
        }
        finish(terraform, report);
        match built {
            Some(Ok(true)) => {
                incidents::forget(settings);
                report.add("rust", rings::rust(settings, &packages));
                incidents::show(settings);
            }
            Some(built) => report.add("rust", built.map(|_| Outcome::Ran(Counts::one(false)))),
            None => {}
        }
        if wanted(Ring::Sdks) {
            report.add("sdks", rings::sdks(settings, &packages));
        }
        if wanted(Ring::Browser) {
            report.add("browser", rings::browser(settings, &packages));
        }
        if wanted(Ring::Emulator) {
            report.add("adapters", rings::adapters(settings, &packages));
            report.add("emulator", rings::emulator(settings, &packages));
        }
    });
    Ok(())
}

/// The outcome of a ring, and its name.
type Named = (&'static str, Result<Outcome>);
/// Rings that run beside others, and what they printed.
type Beside<'scope, const RINGS: usize> = ScopedJoinHandle<'scope, ([Named; RINGS], String)>;

/// Starts rings beside those of this thread.
fn beside<'scope, const RINGS: usize>(
    scope: &'scope Scope<'scope, '_>,
    rings: impl FnOnce() -> [Named; RINGS] + Send + 'scope,
) -> Beside<'scope, RINGS> {
    scope.spawn(|| process::hold(rings))
}

/// Waits for rings that run beside others, and adds them to the report, after their output.
fn finish<const RINGS: usize>(rings: Option<Beside<'_, RINGS>>, report: &mut Report) {
    let Some(rings) = rings else { return };
    let (rings, lines) = rings.join().unwrap_or_else(|panic| panic::resume_unwind(panic));
    process::say(lines.trim_end());
    for (name, outcome) in rings {
        report.add(name, outcome);
    }
}
