//! `cargo xtask lambda`: builds the functions as zips for Lambda.
//!
//! Lambda's `provided.al2023` has glibc 2.34. A function that was built on a newer system may require symbols that this
//! glibc does not have. So the linker is zig's, which knows the symbols of each glibc version and can cross-compile.
//! The result is checked before it is packed.

use crate::{
    metadata::{self, Place},
    process, python,
    settings::{PROFILE, Settings},
    toolchain,
};
use anyhow::{Context, Result};
use std::{fs, path::PathBuf, process::ExitCode};

/// The glibc of `provided.al2023`.
const GLIBC: &str = "2.34";
/// The wrappers of compiler and linker, with their versions.
const LINKER: &str = "xtask/python/lambda.txt";
/// The package whose program checks the functions' programs and packs them.
const PACKER: &str = "xtask-lambda";
/// What the developer can do if the tools are not available.
pub const REMEDY: &str = "The compilation target needs rustup or Debian's apt-get. The linker needs Python \
                          3.10 or later with venv, and the Python package index.";

/// The target of the build.
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
    /// This machine's own processor, for an emulator on it
    Native,
    All,
}

/// How the functions are optimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optimised {
    /// As they are deployed: small, so that they start quickly.
    ForLambda,
    /// For tests on an emulator, which need the same programs much sooner.
    ForTests,
}

impl Optimised {
    /// The profile in `Cargo.toml`.
    fn profile(self) -> &'static str {
        match self {
            Self::ForLambda => "lambda-release",
            Self::ForTests => "lambda-tests",
        }
    }

    /// The folder of the zips. Functions that were built for tests are never where deployments look.
    pub fn zips(self, settings: &Settings) -> PathBuf {
        settings.target.join(match self {
            Self::ForLambda => "lambda",
            Self::ForTests => "lambda-tests",
        })
    }
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
    /// This machine's processor.
    pub const NATIVE: Self = if cfg!(target_arch = "aarch64") { Self::Arm64 } else { Self::X86_64 };

    /// The name of the processor in Lambda and Terraform.
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
pub fn run(settings: &Settings, arguments: &Arguments) -> Result<ExitCode> {
    let architectures: &[_] = match arguments.arch {
        Choice::Arm64 => &[Architecture::Arm64],
        Choice::X86_64 => &[Architecture::X86_64],
        Choice::Native => &[Architecture::NATIVE],
        Choice::All => &[Architecture::Arm64, Architecture::X86_64],
    };
    for architecture in architectures {
        for zip in build(settings, *architecture, Optimised::ForLambda)? {
            println!("{}", zip.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds each function's zip for one processor. Returns their paths.
pub fn build(settings: &Settings, architecture: Architecture, optimised: Optimised) -> Result<Vec<PathBuf>> {
    process::step(&format!("building the functions for {}", architecture.name()));
    let functions = metadata::functions(&metadata::packages(settings)?)?;
    let mut built = PathBuf::new();
    // Functions on the event path are built in one call, because they share nearly all code. Other functions need other
    // features of the same libraries, which the functions on the event path must not get.
    for place in [Place::OnEventPath, Place::BesideEventPath] {
        let together = functions.iter().filter(|function| function.place == place);
        let packages: Vec<&str> = together.map(|function| &*function.package).collect();
        if !packages.is_empty() {
            built = compile(settings, architecture, optimised, &packages)?;
        }
    }

    let folder = optimised.zips(settings);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut packer = settings.cargo();
    packer.args(["run", "--quiet", "--profile", PROFILE, "--package", PACKER, "--"]);
    packer.args(["--arch", architecture.name(), "--glibc", GLIBC, "--out"]).arg(&folder);
    process::run(packer.args(functions.iter().map(|function| built.join(&function.name))))?;
    let zip = |function: &metadata::Function| format!("{}-{}.zip", function.name, architecture.name());
    Ok(functions.iter().map(|function| folder.join(zip(function))).collect())
}

/// Gets the compiler for a processor, and the linker with its wrapper: an installed one, or a new one.
pub fn tools(settings: &Settings, architecture: Architecture) -> Result<python::Environment> {
    let target = architecture.target();
    toolchain::ensure(settings, target)
        .with_context(|| format!("the compilation target {target} is not available here"))?;
    python::environment(&settings.target.join("zig"), &settings.root.join(LINKER))
        .context("zig is not available here")
}

/// Builds the programs of packages in one call, with the compiler and linker for deployed functions. Returns their
/// folder.
pub fn compile(
    settings: &Settings,
    architecture: Architecture,
    optimised: Optimised,
    packages: &[&str],
) -> Result<PathBuf> {
    let target = architecture.target();
    let tools = tools(settings, architecture)
        .with_context(|| format!("the functions cannot be built here. {REMEDY}"))?;
    let mut cargo = std::process::Command::new(tools.program("cargo-zigbuild"));
    cargo.current_dir(&settings.root).args([
        "zigbuild",
        "--quiet",
        "--profile",
        optimised.profile(),
        "--bins",
    ]);
    cargo.arg("--target").arg(format!("{target}.{GLIBC}"));
    for package in packages {
        cargo.args(["--package", package]);
    }
    cargo.env("CARGO", &settings.cargo).env("CARGO_ZIGBUILD_PYTHON_PATH", tools.program("python"));
    process::run(&mut cargo)?;
    Ok(settings.target.join(target).join(optimised.profile()))
}
