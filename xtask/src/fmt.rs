//! `cargo xtask fmt`: formats all code whose format `cargo xtask ci` checks.

use crate::{process, settings::Settings};
use anyhow::Result;
use std::process::{Command, ExitCode};

/// Formats all Rust code, and the Terraform code if Terraform is installed.
pub fn run(settings: &Settings) -> Result<ExitCode> {
    process::run(settings.cargo().args(["fmt", "--all"]))?;
    if process::find_program(&["terraform"]).is_some() {
        let mut terraform = Command::new("terraform");
        process::run(terraform.current_dir(settings.root.join("terraform")).args(["fmt", "-recursive"]))?;
    }
    Ok(ExitCode::SUCCESS)
}
