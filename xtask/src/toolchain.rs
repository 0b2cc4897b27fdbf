//! Finds the standard library for a target, or installs it.

mod std_library;

use crate::{process, settings::Settings};
use anyhow::{Context, Result, bail};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The compiler that cargo uses here.
pub struct Toolchain {
    /// The folder with its libraries.
    pub sysroot: PathBuf,
    /// Its version, such as `1.95.0`.
    pub version: String,
}

impl Toolchain {
    fn find(settings: &Settings) -> Result<Self> {
        let rustc = |arguments: &[&str]| {
            process::output(Command::new("rustc").args(arguments).current_dir(&settings.root))
        };
        let sysroot = PathBuf::from(rustc(&["--print", "sysroot"])?.trim());
        let verbose = rustc(&["--version", "--verbose"])?;
        let version = verbose
            .lines()
            .find_map(|line| line.strip_prefix("release: "))
            .context("rustc prints no release")?
            .to_owned();
        Ok(Self { sysroot, version })
    }

    /// The folder for a target's libraries, which may not exist.
    pub fn libraries(&self, target: &str) -> PathBuf {
        self.sysroot.join("lib/rustlib").join(target).join("lib")
    }
}

/// Makes sure that cargo can compile for the target. Uses an installed library, asks rustup, or builds the library from
/// the distribution's sources of the same compiler version.
pub fn ensure(settings: &Settings, target: &str) -> Result<()> {
    if is_usable(&settings.root, target) {
        return Ok(());
    }
    process::step(&format!("getting the compilation target {target}"));
    if process::find_program(&["rustup"]).is_some()
        && process::succeeds(
            Command::new("rustup").args(["target", "add", target]).current_dir(&settings.root),
        )
        && is_usable(&settings.root, target)
    {
        return Ok(());
    }
    let toolchain = Toolchain::find(settings)?;
    std_library::build(settings, &toolchain, target)?;
    if !is_usable(&settings.root, target) {
        bail!(
            "the standard library was built into {} but rustc does not accept it",
            toolchain.libraries(target).display()
        );
    }
    Ok(())
}

/// Compiles one line that needs the standard library. An existing folder proves nothing: it may be an incomplete copy,
/// or belong to another compiler version.
fn is_usable(root: &Path, target: &str) -> bool {
    let mut rustc = Command::new("rustc");
    rustc.current_dir(root).args(["--target", target, "--crate-type", "lib", "--crate-name", "probe"]);
    rustc.args(["--emit", "metadata=-", "-"]);
    // Standard input is empty, which is a valid crate that links to std.
    process::succeeds(&mut rustc)
}
