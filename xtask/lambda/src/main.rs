//! Checks that Lambda can start the functions' programs, and packs each into the zip that Lambda accepts.

#![expect(clippy::print_stderr, reason = "a command line tool writes to its standard streams")]

mod archive;
mod elf;

use anyhow::{Context as _, Result, bail};
use clap::{Parser as _, ValueEnum};
use elf::Version;
use std::fs;
use std::path::{Path, PathBuf};

/// Check that Lambda can start programs, and pack each into OUT/NAME-ARCH.zip.
#[derive(clap::Parser)]
struct Arguments {
    /// Processor that the programs must be built for
    #[arg(long, value_name = "ARCH", value_enum)]
    arch: Architecture,
    /// Version of glibc that Lambda has
    #[arg(long, value_name = "VERSION")]
    glibc: Version,
    /// Folder for the zips
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The programs
    #[arg(required = true, value_name = "PROGRAM")]
    programs: Vec<PathBuf>,
}

/// A processor, as Lambda calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Architecture {
    /// AWS Graviton
    Arm64,
    /// Intel and AMD
    #[value(name = "x86_64")]
    X86_64,
}

impl Architecture {
    fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        }
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    arguments.programs.iter().try_for_each(|program| pack(&arguments, program))
}

fn pack(Arguments { arch, glibc, out, .. }: &Arguments, file: &Path) -> Result<()> {
    let name = file.file_name().context("a program has a name")?.to_string_lossy();
    let program = fs::read(file).with_context(|| format!("{name} was not built"))?;
    let needed =
        check(&program, *arch, *glibc).with_context(|| format!("{name} would not start in Lambda"))?;
    let zip = out.join(format!("{name}-{}.zip", arch.name()));
    let bytes = archive::of_bootstrap(&program)?;
    fs::write(&zip, &bytes).with_context(|| format!("cannot write {}", zip.display()))?;
    let mib = |bytes: &[u8]| bytes.len() as f64 / 1024.0 / 1024.0;
    eprintln!(
        "{name:<9} {:<7} program {:>5.2} MiB, zip {:>5.2} MiB, needs glibc {needed}",
        arch.name(),
        mib(&program),
        mib(&bytes)
    );
    Ok(())
}

/// Whether Lambda can start a program. Returns the newest glibc symbol version that it needs.
fn check(program: &[u8], architecture: Architecture, glibc: Version) -> Result<Version> {
    let found = elf::read(program)?;
    if found.architecture != Some(architecture) {
        bail!("it is not for {}", architecture.name());
    }
    let too_new: Vec<_> = found
        .versions
        .iter()
        .filter(|(_, version)| *version > glibc)
        .map(|(library, version)| format!("{library} {version}"))
        .collect();
    if !too_new.is_empty() {
        bail!("it needs {}, and provided.al2023 has glibc {glibc}", too_new.join(", "));
    }
    Ok(found.versions.iter().map(|(_, version)| *version).max().unwrap_or(Version(2, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLIBC: Version = Version(2, 34);

    /// A shared library with one imported symbol of that version, as a linker makes it.
    fn program(machine: object::elf::Machine, version: &str) -> Vec<u8> {
        elf::fake(machine, "libc.so.6", version)
    }

    #[test]
    fn a_program_that_needs_a_newer_glibc_is_refused_with_what_it_needs() {
        let error =
            check(&program(object::elf::EM_AARCH64, "GLIBC_2.36"), Architecture::Arm64, GLIBC).unwrap_err();
        assert_eq!(error.to_string(), "it needs libc.so.6 2.36, and provided.al2023 has glibc 2.34");
        let needed =
            check(&program(object::elf::EM_AARCH64, "GLIBC_2.34"), Architecture::Arm64, GLIBC).unwrap();
        assert_eq!(needed, GLIBC);
        // Versions compare as numbers, not as text.
        assert!(check(&program(object::elf::EM_AARCH64, "GLIBC_2.4"), Architecture::Arm64, GLIBC).is_ok());
    }

    #[test]
    fn a_program_for_another_processor_is_refused() {
        let error =
            check(&program(object::elf::EM_X86_64, "GLIBC_2.17"), Architecture::Arm64, GLIBC).unwrap_err();
        assert_eq!(error.to_string(), "it is not for arm64");
        assert!(check(&program(object::elf::EM_X86_64, "GLIBC_2.17"), Architecture::X86_64, GLIBC).is_ok());
        assert!(check(b"#!/bin/sh\n", Architecture::X86_64, GLIBC).is_err());
    }
}
