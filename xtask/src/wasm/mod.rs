//! Builds the part of the dashboard that runs in the browser.
//!
//! `frontend` is compiled in a cargo call of its own, because a call that also builds the server would
//! unify their features and break both. The bindings are made by the wasm-bindgen library, whose
//! version is in Cargo.lock, so nothing needs to be installed.

mod bundle;

use crate::{process, settings::Settings, toolchain};
use anyhow::{Context, Result};
use std::path::PathBuf;

/// The name of the profile that makes it small.
const PROFILE: &str = "wasm-release";
/// The package that is the entry point.
const PACKAGE: &str = "spillway-dashboard-frontend";
/// The compilation target.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Sees to it that the target can be compiled for.
///
/// # Errors
/// When it can't be had here.
pub fn ensure_target(settings: &Settings) -> Result<()> {
    toolchain::ensure(settings, TARGET)
}

/// Builds it, or says in one sentence why that is impossible here. The dashboard works without it,
/// only less lively, so a missing target is no error: `Ok(None)`.
///
/// # Errors
/// When the target is there and the code does not build.
pub fn run(settings: &Settings) -> Result<Option<PathBuf>> {
    if let Err(reason) = ensure_target(settings) {
        eprintln!(
            "No wasm: the target {TARGET} cannot be had here ({reason:#}). The dashboard's pages work, but without live refresh."
        );
        return Ok(None);
    }
    process::step("building the browser's part (wasm)");
    process::run(settings.cargo().args([
        "build",
        "--quiet",
        "--package",
        PACKAGE,
        "--target",
        TARGET,
        "--profile",
        PROFILE,
        "--lib",
    ]))?;
    let built =
        settings.target.join(TARGET).join(PROFILE).join(format!("{}.wasm", PACKAGE.replace('-', "_")));
    let folder = settings.site().join("pkg");
    let bundle = bundle::write(settings, &built, &folder)
        .with_context(|| format!("cannot make the browser's files from {}", built.display()))?;
    eprintln!("{bundle}");
    Ok(Some(folder))
}
