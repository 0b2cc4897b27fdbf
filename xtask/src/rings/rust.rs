//! Everything that needs nothing but Rust.

use super::{FRONTEND, JOURNEYS, runner, with_programs};
use crate::{
    metadata::Package,
    process,
    ring::{Outcome, count},
    settings::Settings,
};
use anyhow::Result;

/// Unit and integration tests of all packages, the embedded journeys, and the examples in the documentation.
///
/// # Errors
/// When a runner cannot be started.
pub fn rust(settings: &Settings, packages: &[Package]) -> Result<Outcome> {
    process::step("Rust tests");
    let all = ["--workspace", "--exclude", FRONTEND, "--exclude", JOURNEYS];
    let (success, output) = process::watch(runner(settings).args(all))?;
    let mut counts = count(&output).ended(success);

    if let Some(journeys) = packages.iter().find(|package| package.name == JOURNEYS) {
        let mut run = with_programs(settings)?;
        run.args(["--package", JOURNEYS, "--lib"]);
        let elsewhere = |target: &&str| target.starts_with("browser") || target.starts_with("emulator");
        for target in journeys.targets_of("test").into_iter().filter(|target| !elsewhere(target)) {
            run.args(["--test", target]);
        }
        let (success, output) = process::watch(&mut run)?;
        counts = counts.and(count(&output).ended(success));
    }

    // What no other package asks for.
    let (success, output) = process::watch(runner(settings).args([
        "--package",
        "spillway-dashboard-charts",
        "--features",
        "png",
    ]))?;
    counts = counts.and(count(&output).ended(success));

    let mut documentation = settings.cargo();
    documentation.args(["test", "--doc", "--quiet"]).args(all);
    let (success, output) = process::watch(&mut documentation)?;
    Ok(Outcome::Ran(counts.and(count(&output).ended(success))))
}
