//! Builds the standard library for another target from Debian's sources of the same compiler version.
//!
//! This is for machines that cannot reach rustup's server but can reach a Debian mirror. The package is fetched by apt
//! with a separate list of sources. So the machine's package lists do not change, and apt verifies Debian's signature.
//! The stable compiler builds the library, which is copied to where rustc searches for it. The library contains
//! bitcode, without which link-time optimisation fails.

use super::Toolchain;
use crate::{process, settings::Settings};
use anyhow::{Context, Result, anyhow, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Debian suites that may have the sources, the most likely first.
const SUITES: [&str; 3] = ["trixie-backports", "testing", "unstable"];
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Builds the library into the toolchain's own folder.
pub fn build(settings: &Settings, toolchain: &Toolchain, target: &str) -> Result<()> {
    let work = settings.target.join("std");
    fs::create_dir_all(&work).with_context(|| format!("cannot create {}", work.display()))?;
    let library = sources(settings, toolchain, &work)?;
    lend_sources(toolchain, &library)?;
    let built = compile(settings, &work, target)?;
    install(&toolchain.libraries(target), &built)
}

/// The `library` folder of the compiler's sources: the toolchain's own (rustup component `rust-src`), or Debian's,
/// unpacked into the work folder.
fn sources(settings: &Settings, toolchain: &Toolchain, work: &Path) -> Result<PathBuf> {
    let own = toolchain.sysroot.join("lib/rustlib/src/rust/library");
    if own.join("Cargo.lock").is_file() {
        return Ok(own);
    }
    let unpacked = work.join("rust-src");
    if find_library(&unpacked, &toolchain.version).is_none() {
        let package = download(&toolchain.version, work)?;
        fs::create_dir_all(&unpacked)?;
        process::output(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(&unpacked))?;
    }
    find_library(&unpacked, &toolchain.version).with_context(|| {
        format!(
            "Debian's rust-src {} has no library folder ({})",
            toolchain.version,
            settings.target.display()
        )
    })
}

/// Debian puts the sources into `/usr/src/rustc-VERSION`.
fn find_library(unpacked: &Path, version: &str) -> Option<PathBuf> {
    let library = unpacked.join(format!("usr/src/rustc-{version}/library"));
    library.join("Cargo.lock").is_file().then_some(library)
}

/// Fetches Debian's package with the sources of exactly this compiler version.
fn download(version: &str, work: &Path) -> Result<PathBuf> {
    if process::find_program(&["apt-get"]).is_none() || !Path::new(KEYRING).is_file() {
        bail!("rustup could not fetch it, and fetching its sources needs a Debian machine with apt");
    }
    let mirrors = mirrors()?;
    let mut problem = anyhow!("no Debian mirror among this machine's apt sources");
    for mirror in &mirrors {
        for suite in SUITES {
            match download_from(mirror, suite, version, work) {
                Ok(package) => return Ok(package),
                Err(error) => problem = error,
            }
        }
    }
    Err(problem.context(format!("Debian's rust-src {version} could not be fetched")))
}

/// The mirrors of Debian's main archive that this machine is configured to use.
fn mirrors() -> Result<Vec<String>> {
    let targets = process::output(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(REPO_URI) $(RELEASE)",
    ]))?;
    let mut mirrors: Vec<String> = Vec::new();
    for line in targets.lines() {
        let Some((uri, release)) = line.split_once(' ') else { continue };
        let main_archive = uri.trim_end_matches('/').ends_with("/debian") && !release.ends_with("-security");
        if main_archive && !mirrors.iter().any(|known| known == uri) {
            mirrors.push(uri.to_owned());
        }
    }
    Ok(mirrors)
}

fn download_from(mirror: &str, suite: &str, version: &str, work: &Path) -> Result<PathBuf> {
    process::step(&format!("looking for the compiler's sources in Debian's {suite}"));
    let state = work.join(format!("apt-{suite}"));
    fs::create_dir_all(state.join("lists/partial"))?;
    fs::create_dir_all(state.join("cache/archives/partial"))?;
    let list = state.join("sources.list");
    fs::write(&list, format!("deb [signed-by={KEYRING}] {mirror} {suite} main\n"))?;
    let apt = |program: &str| {
        let mut command = Command::new(program);
        let options = [
            format!("Dir::Etc::SourceList={}", list.display()),
            "Dir::Etc::SourceParts=-".to_owned(),
            "Dir::Etc::Preferences=-".to_owned(),
            "Dir::Etc::PreferencesParts=-".to_owned(),
            format!("Dir::State::Lists={}", state.join("lists").display()),
            format!("Dir::Cache={}", state.join("cache").display()),
            // apt's own user may not be able to read the work folder.
            "APT::Sandbox::User=".to_owned(),
            "Acquire::Languages=none".to_owned(),
            "Acquire::Retries=2".to_owned(),
        ];
        for option in options {
            command.arg("-o").arg(option);
        }
        command.current_dir(&state);
        command
    };
    process::output(apt("apt-get").args(["update", "--quiet", "--error-on=any"]))?;
    let known = process::output(apt("apt-cache").args(["madison", "rust-src"]))?;
    let full = known
        .lines()
        .filter_map(|line| line.split('|').nth(1).map(str::trim))
        .find(|full| full.strip_prefix(version).is_some_and(|rest| rest.starts_with(['+', '-', '~'])))
        .with_context(|| format!("Debian's {suite} has no rust-src {version}"))?;
    process::output(apt("apt-get").args(["download", "--quiet", &format!("rust-src={full}")]))?;
    let packages = fs::read_dir(&state)?.filter_map(Result::ok).map(|entry| entry.path());
    packages
        .filter(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .max()
        .context("apt fetched no package")
}

/// `-Zbuild-std` searches for the sources only in the toolchain's folder.
fn lend_sources(toolchain: &Toolchain, library: &Path) -> Result<()> {
    let place = toolchain.sysroot.join("lib/rustlib/src/rust");
    if place.join("library/Cargo.lock").is_file() {
        return Ok(());
    }
    let source = library.parent().context("the sources have no parent folder")?;
    let parent = place.parent().context("the toolchain has no source folder")?;
    fs::create_dir_all(parent)
        .with_context(|| format!("cannot write to the toolchain at {}", parent.display()))?;
    if place.is_symlink() {
        fs::remove_file(&place)?;
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(source, &place)
        .with_context(|| format!("cannot write to the toolchain at {}", place.display()))?;
    #[cfg(not(unix))]
    bail!("sources at {} cannot be linked to {} on this system", source.display(), place.display());
    Ok(())
}

/// Builds an empty crate, and the library with it. Returns the folder with the `.rlib` files.
fn compile(settings: &Settings, work: &Path, target: &str) -> Result<PathBuf> {
    let package = work.join("empty");
    fs::create_dir_all(package.join("src"))?;
    fs::write(package.join("src/lib.rs"), "")?;
    fs::write(
        package.join("Cargo.toml"),
        "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n",
    )?;
    process::step(&format!("building the standard library for {target}"));
    let output = work.join("target");
    process::run(
        Command::new(&settings.cargo)
            .current_dir(&package)
            .args([
                "build",
                "--quiet",
                "--release",
                "--target",
                target,
                "-Zbuild-std=std,panic_abort,proc_macro",
            ])
            .arg("--target-dir")
            .arg(&output)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", "-Cembed-bitcode=yes"),
    )?;
    Ok(output.join(target).join("release/deps"))
}

/// Copies the library to where rustc searches for it. The folder appears in one step, so that an interrupted copy is
/// never taken for a complete library.
fn install(place: &Path, built: &Path) -> Result<()> {
    let parent = place.parent().context("the toolchain has no folder for the target")?;
    let partial = parent.join("lib.partial");
    let writable = || format!("cannot write to the toolchain at {}", parent.display());
    fs::create_dir_all(&partial).with_context(writable)?;
    for entry in fs::read_dir(built)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("lib") && name.ends_with(".rlib") && !name.starts_with("libempty") {
            fs::copy(&path, partial.join(&name)).with_context(writable)?;
        }
    }
    if place.exists() {
        fs::remove_dir_all(place).with_context(writable)?;
    }
    fs::rename(&partial, place).with_context(writable)
}
