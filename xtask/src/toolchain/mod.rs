//! Finds the standard library for a target, or gets it.

mod std_library;

use crate::{process, settings::Settings};
use anyhow::{Context, Result, bail};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The compiler that cargo uses here.
pub struct Toolchain {
    /// Where its libraries are.
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
            .context("rustc does not say its release")?
            .to_owned();
        Ok(Self { sysroot, version })
    }

    /// Where a target's libraries are or belong.
    pub fn libraries(&self, target: &str) -> PathBuf {
        self.sysroot.join("lib/rustlib").join(target).join("lib")
    }
}

/// Makes sure that the target can be compiled for: uses an installed library, asks rustup, or builds it from
/// the distribution's sources of the same compiler version.
///
/// # Errors
/// When none of the three works; the error says why the last one did not.
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

/// Compiles one line that needs the standard library. A folder that is merely there proves nothing: it
/// may be half copied, or be of another compiler version.
fn is_usable(root: &Path, target: &str) -> bool {
    let mut rustc = Command::new("rustc");
    rustc.current_dir(root).args(["--target", target, "--crate-type", "lib", "--crate-name", "probe"]);
    rustc.args(["--emit", "metadata=-", "-"]);
    // Standard input is empty, which is a valid crate that links to std.
    process::succeeds(&mut rustc)
}
