//! Builds the part of the dashboard that runs in the browser.
//!
//! A separate cargo call compiles `frontend`: a call that also builds the server would unify their features and break
//! both. The program `xtask-wasm` makes the bindings with the version of wasm-bindgen in Cargo.lock, so no tool has to
//! be installed.

use crate::{
    demo, process,
    rings::{EVERYTHING, FRONTEND},
    settings::{PROFILE, Settings},
    toolchain,
};
use anyhow::Result;
use std::{path::PathBuf, process::Command};

/// The package whose program makes the files that the browser loads.
pub const BUNDLER: &str = "xtask-wasm";
/// The compilation target.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The kind of build of the browser's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// As small as possible, with compressed copies: for deployments.
    Small,
    /// Fast to build, for the demo.
    Demo,
    /// Fast to build, for tests in a browser.
    Tests,
}

impl Build {
    fn profile(self) -> &'static str {
        match self {
            Self::Small => "wasm-release",
            Self::Demo | Self::Tests => PROFILE,
        }
    }

    /// The tasks' profile, but optimised for size: unoptimised wasm is so large that browsers take seconds to start it.
    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Small => &[],
            Self::Demo | Self::Tests => &["--config", "profile.demo.opt-level='s'"],
        }
    }

    /// Arguments with which cargo builds [`BUNDLER`]. For the demo it is built together with the program, and for tests
    /// with the packages and features of all tests. Alone it would need other features of the same libraries.
    fn bundler(self) -> Vec<&'static str> {
        match self {
            Self::Demo => demo::BUILD.to_vec(),
            Self::Small => vec!["--profile", PROFILE, "--package", BUNDLER],
            Self::Tests => [&["--profile", PROFILE, "--bin", BUNDLER], &EVERYTHING[..]].concat(),
        }
    }
}

/// Makes sure that cargo can compile for the target.
pub fn ensure_target(settings: &Settings) -> Result<()> {
    toolchain::ensure(settings, TARGET)
}

/// Builds the browser's part, or prints in one sentence why that is impossible here. Without it the dashboard works,
/// but its pages do not refresh automatically. So a missing target is not an error: `Ok(None)`.
pub fn run(settings: &Settings, build: Build) -> Result<Option<PathBuf>> {
    if let Err(reason) = ensure_target(settings) {
        process::say(&format!(
            "No wasm: the target {TARGET} is not available here ({reason:#}). The dashboard's pages work, but without live refresh."
        ));
        return Ok(None);
    }
    process::step("building the browser's part (wasm)");
    let mut cargo = settings.cargo();
    cargo.args(["build", "--quiet", "--package", FRONTEND, "--target", TARGET, "--lib"]);
    process::run(cargo.args(["--profile", build.profile()]).args(build.options()))?;
    process::run(settings.cargo().args(["build", "--quiet"]).args(build.bundler()))?;
    let folder = settings.target.join(TARGET).join(build.profile());
    let wasm = folder.join(format!("{}.wasm", FRONTEND.replace('-', "_")));
    let out = settings.site().join("pkg");
    let mut bundler = Command::new(settings.program(BUNDLER));
    bundler.arg("--wasm").arg(&wasm);
    bundler.arg("--start").arg(settings.root.join("dashboard/frontend/start.js"));
    bundler.arg("--islands").arg(settings.root.join("dashboard/app/src"));
    if build == Build::Small {
        bundler.arg("--compress");
    }
    process::run(bundler.arg("--out").arg(&out))?;
    Ok(Some(out))
}
