//! Prometheus' promtool, with which backtests are compared.

use crate::{process, settings::Settings};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The Debian package that contains it.
const PACKAGE: &str = "prometheus";
/// What the developer can do if promtool is not available.
pub const REMEDY: &str =
    "On Debian: apt-get install prometheus. Elsewhere: put promtool into the search path.";

/// The installed promtool, or Debian's, unpacked below the target folder. Unpacking installs nothing, so no service
/// starts and no privileges are needed.
pub fn find(settings: &Settings) -> Result<PathBuf> {
    if let Some(installed) = process::find_program(&["promtool"]) {
        return Ok(installed);
    }
    let folder = settings.target.join("promtool");
    let program = folder.join("usr/bin/promtool");
    if program.is_file() {
        return Ok(program);
    }
    if process::find_program(&["apt-get"]).is_none() || process::find_program(&["dpkg-deb"]).is_none() {
        bail!("promtool is not installed, and this is not a Debian machine");
    }
    process::step("getting promtool from Debian's package");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let download =
        || Command::new("apt-get").args(["download", "--quiet", PACKAGE]).current_dir(&folder).output();
    let mut downloaded = download().context("cannot start apt-get")?;
    if !downloaded.status.success() && process::is_root() {
        // A new container has no package lists.
        process::output(Command::new("apt-get").args(["update", "--quiet"]))?;
        downloaded = download().context("cannot start apt-get")?;
    }
    if !downloaded.status.success() {
        bail!("apt-get cannot fetch {PACKAGE}: {}", String::from_utf8_lossy(&downloaded.stderr).trim());
    }
    let package = packages(&folder)?.pop().context("apt-get fetched nothing")?;
    process::output(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&folder))?;
    for package in packages(&folder)? {
        fs::remove_file(&package).with_context(|| format!("cannot remove {}", package.display()))?;
    }
    if !program.is_file() {
        bail!("Debian's package {PACKAGE} has no promtool");
    }
    Ok(program)
}

/// The Debian packages in a folder.
fn packages(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    Ok(files.filter(|file| file.extension().is_some_and(|extension| extension == "deb")).collect())
}
