//! The data about the machine and the work tree that the tasks need, read once.

use crate::process;
use anyhow::{Context, Result};
use std::{ffi::OsString, fs, path::PathBuf, process::Command};

/// The profile of everything that the tasks build for this machine: the demo, lints, tests, and the tasks' own programs.
/// With one profile, cargo builds macros, build scripts and shared libraries once for all of them.
pub const PROFILE: &str = "demo";

/// Environment variables through which AWS's tools find credentials.
const AWS_CREDENTIALS: [&str; 6] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_SHARED_CREDENTIALS_FILE",
];

/// The asset tag of the computer's board. In AWS it is the instance's id.
const BOARD: &str = "/sys/devices/virtual/dmi/id/board_asset_tag";

/// Folders and other settings.
pub struct Settings {
    /// The workspace's root folder.
    pub root: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
    /// The cargo that started this program, so that the chosen toolchain stays the same.
    pub cargo: OsString,
    /// Whether this program runs in a continuous integration service: it then installs missing tools where it may.
    pub ci: bool,
    /// A folder with an unpacked Terraform provider mirror (`SPILLWAY_TERRAFORM_PLUGINS`).
    pub terraform_plugins: Option<PathBuf>,
    /// The home folder, where Terraform may have a mirror.
    pub home: Option<PathBuf>,
    /// Whether AWS's tools would find credentials.
    pub aws_credentials: bool,
}

impl Settings {
    /// Reads the environment and asks cargo for the target folder.
    #[expect(clippy::disallowed_methods, reason = "the one place where the tasks read the environment")]
    pub fn read() -> Result<Self> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        // Read at run time: checkouts that share a target folder also share this program.
        let package = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package.parent().context("xtask is not in a workspace")?.to_path_buf();
        let metadata = process::output(
            Command::new(&cargo)
                .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
                .current_dir(&root),
        )?;
        let metadata: serde_json::Value =
            serde_json::from_str(&metadata).context("cannot read what cargo metadata printed")?;
        let target =
            metadata["target_directory"].as_str().context("cargo metadata names no target folder")?.into();
        let ci =
            std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0");
        let terraform_plugins = std::env::var_os("SPILLWAY_TERRAFORM_PLUGINS").map(PathBuf::from);
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let aws_credentials = AWS_CREDENTIALS.iter().any(|name| std::env::var_os(name).is_some())
            || home.as_ref().is_some_and(|home| {
                ["credentials", "config"].iter().any(|file| home.join(".aws").join(file).is_file())
            })
            // A virtual machine in AWS, which may have a role with credentials.
            || fs::read_to_string(BOARD).is_ok_and(|tag| tag.starts_with("i-"));
        Ok(Self { root, target, cargo, ci, terraform_plugins, home, aws_credentials })
    }

    /// A cargo call in the workspace's root.
    pub fn cargo(&self) -> Command {
        let mut command = Command::new(&self.cargo);
        command.current_dir(&self.root);
        // Cargo has set these for xtask. Build scripts (ring's is one) look at them, and would run again after each
        // change between `cargo xtask` and `cargo`.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&*name);
            }
        }
        command
    }

    /// The folder in which cargo puts programs of [`PROFILE`].
    pub fn programs(&self) -> PathBuf {
        self.target.join(PROFILE)
    }

    /// A program that cargo has built with [`PROFILE`].
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs().join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// The folder to which the browser's part is built and from which the server reads it.
    pub fn site(&self) -> PathBuf {
        self.target.join("site")
    }
}
