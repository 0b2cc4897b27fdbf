//! `cargo xtask lambda`: the functions as zips that Lambda runs.
//!
//! Lambda's `provided.al2023` has glibc 2.34, and a function that was built on a newer system asks for symbols that it
//! does not have. So the linker is zig's, which brings the symbols of each glibc version and cross-compiles as well; and what
//! came out is checked before it is packed.

mod archive;
mod elf;

use crate::{
    metadata::{self, Place},
    process, python,
    settings::Settings,
    toolchain,
};
use anyhow::{Context, Result, bail};
use std::{fs, path::PathBuf, process::ExitCode};

/// The glibc of `provided.al2023`.
const GLIBC: elf::Version = elf::Version(2, 34);
/// The profile that makes functions small, so that they start fast.
const PROFILE: &str = "lambda-release";
/// The compiler's and linker's wrappers, with versions.
const PACKAGES: &str = "xtask/python/lambda.txt";
/// What to do where they can't be had.
pub const REMEDY: &str = "It takes rustup, or Debian's apt-get for the compilation target; and for the linker Python 3.10 or \
                          later with venv, and the Python package index.";

/// What to build.
#[derive(clap::Args)]
pub struct Arguments {
    /// Processor that the functions run on
    #[arg(long, value_name = "ARCH", value_enum, default_value_t = Choice::Arm64)]
    arch: Choice,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Choice {
    Arm64,
    #[value(name = "x86_64")]
    X86_64,
    /// This machine's own, for an emulator on it
    Native,
    All,
}

/// A processor, as Lambda calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// AWS Graviton.
    Arm64,
    /// Intel and AMD.
    X86_64,
}

impl Architecture {
    /// This machine's.
    pub const NATIVE: Self = if cfg!(target_arch = "aarch64") { Self::Arm64 } else { Self::X86_64 };

    /// Lambda's and Terraform's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        }
    }

    fn target(self) -> &'static str {
        match self {
            Self::Arm64 => "aarch64-unknown-linux-gnu",
            Self::X86_64 => "x86_64-unknown-linux-gnu",
        }
    }
}

/// Builds the zips.
///
/// # Errors
/// When they don't build here, or what was built would not start in Lambda.
pub fn run(settings: &Settings, arguments: &Arguments) -> Result<ExitCode> {
    let architectures: &[_] = match arguments.arch {
        Choice::Arm64 => &[Architecture::Arm64],
        Choice::X86_64 => &[Architecture::X86_64],
        Choice::Native => &[Architecture::NATIVE],
        Choice::All => &[Architecture::Arm64, Architecture::X86_64],
    };
    for architecture in architectures {
        for zip in build(settings, *architecture)? {
            println!("{}", zip.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds each function's zip for one processor, into `target/lambda`. Returns their paths.
///
/// # Errors
/// When they don't build here, or what was built would not start in Lambda.
pub fn build(settings: &Settings, architecture: Architecture) -> Result<Vec<PathBuf>> {
    process::step(&format!("building the functions for {}", architecture.name()));
    let functions = metadata::functions(&metadata::packages(settings)?)?;
    let mut built = PathBuf::new();
    // Those on the path of events are built in one call, since they have nearly everything in common. Others need features of
    // the same libraries that these must not get from them.
    for place in [Place::OnEventPath, Place::BesideEventPath] {
        let together = functions.iter().filter(|function| function.place == place);
        let packages: Vec<&str> = together.map(|function| &*function.package).collect();
        if !packages.is_empty() {
            built = compile(settings, architecture, &packages)?;
        }
    }

    let folder = settings.target.join("lambda");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut zips = Vec::new();
    for metadata::Function { name, .. } in functions {
        let program = fs::read(built.join(&name)).with_context(|| format!("{name} was not built"))?;
        let needed =
            check(&program, architecture).with_context(|| format!("{name} would not start in Lambda"))?;
        let zip = folder.join(format!("{name}-{}.zip", architecture.name()));
        let bytes = archive::of_bootstrap(&program)?;
        fs::write(&zip, &bytes).with_context(|| format!("cannot write {}", zip.display()))?;
        let mib = |bytes: &[u8]| bytes.len() as f64 / 1024.0 / 1024.0;
        eprintln!(
            "{name:<9} {:<7} program {:>5.2} MiB, zip {:>5.2} MiB, needs glibc {needed}",
            architecture.name(),
            mib(&program),
            mib(&bytes)
        );
        zips.push(zip);
    }
    Ok(zips)
}

/// The compiler for a processor, and the linker with its wrapper: uses what is there, or gets it.
///
/// # Errors
/// When this machine can't have one of them.
pub fn tools(settings: &Settings, architecture: Architecture) -> Result<python::Environment> {
    let target = architecture.target();
    toolchain::ensure(settings, target)
        .with_context(|| format!("the compilation target {target} cannot be had here"))?;
    python::environment(&settings.target.join("zig"), &settings.root.join(PACKAGES))
        .context("zig cannot be had here")
}

/// Builds the programs of packages, in one call, as functions are deployed. Returns the folder with them.
///
/// # Errors
/// When they don't build here.
pub fn compile(settings: &Settings, architecture: Architecture, packages: &[&str]) -> Result<PathBuf> {
    let target = architecture.target();
    let tools = tools(settings, architecture)
        .with_context(|| format!("the functions cannot be built here. {REMEDY}"))?;
    let mut cargo = std::process::Command::new(tools.program("cargo-zigbuild"));
    cargo.current_dir(&settings.root).args(["zigbuild", "--quiet", "--profile", PROFILE, "--bins"]);
    cargo.arg("--target").arg(format!("{target}.{}.{}", GLIBC.0, GLIBC.1));
    for package in packages {
        cargo.args(["--package", package]);
    }
    cargo.env("CARGO", &settings.cargo).env("CARGO_ZIGBUILD_PYTHON_PATH", tools.program("python"));
    process::run(&mut cargo)?;
    Ok(settings.target.join(target).join(PROFILE))
}

/// Whether Lambda can start a program. Returns the newest glibc symbol version that it needs.
///
/// # Errors
/// When it is for another processor, or needs a newer glibc; the error names the symbols.
fn check(program: &[u8], architecture: Architecture) -> Result<elf::Version> {
    let found = elf::read(program)?;
    if found.architecture != Some(architecture) {
        bail!("it is not for {}", architecture.name());
    }
    let too_new: Vec<_> = found
        .versions
        .iter()
        .filter(|(_, version)| *version > GLIBC)
        .map(|(library, version)| format!("{library} {version}"))
        .collect();
    if !too_new.is_empty() {
        bail!("it needs {}, and provided.al2023 has glibc {GLIBC}", too_new.join(", "));
    }
    Ok(found.versions.iter().map(|(_, version)| *version).max().unwrap_or(elf::Version(2, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shared library with one imported symbol of that version, as a linker makes it.
    fn program(machine: object::elf::Machine, version: &str) -> Vec<u8> {
        elf::fake(machine, "libc.so.6", version)
    }

    #[test]
    fn a_program_that_needs_a_newer_glibc_is_refused_with_what_it_needs() {
        let error = check(&program(object::elf::EM_AARCH64, "GLIBC_2.36"), Architecture::Arm64).unwrap_err();
        assert_eq!(error.to_string(), "it needs libc.so.6 2.36, and provided.al2023 has glibc 2.34");
        let needed = check(&program(object::elf::EM_AARCH64, "GLIBC_2.34"), Architecture::Arm64).unwrap();
        assert_eq!(needed, GLIBC);
        // By number, not by letter.
        assert!(check(&program(object::elf::EM_AARCH64, "GLIBC_2.4"), Architecture::Arm64).is_ok());
    }

    #[test]
    fn a_program_for_another_processor_is_refused() {
        let error = check(&program(object::elf::EM_X86_64, "GLIBC_2.17"), Architecture::Arm64).unwrap_err();
        assert_eq!(error.to_string(), "it is not for arm64");
        assert!(check(&program(object::elf::EM_X86_64, "GLIBC_2.17"), Architecture::X86_64).is_ok());
        assert!(check(b"#!/bin/sh\n", Architecture::X86_64).is_err());
    }
}
