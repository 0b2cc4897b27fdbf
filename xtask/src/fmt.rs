//! `cargo xtask fmt`: formats what `cargo xtask ci` checks the format of.

use crate::{process, settings::Settings};
use anyhow::Result;
use std::process::{Command, ExitCode};

/// Formats all Rust code, and the Terraform code where Terraform is installed.
///
/// # Errors
/// When a formatter cannot be started or refuses the code.
pub fn run(settings: &Settings) -> Result<ExitCode> {
    process::run(settings.cargo().args(["fmt", "--all"]))?;
    if process::find_program(&["terraform"]).is_some() {
        let mut terraform = Command::new("terraform");
        process::run(terraform.current_dir(settings.root.join("terraform")).args(["fmt", "-recursive"]))?;
    }
    Ok(ExitCode::SUCCESS)
}
