use crate::settings::Settings;
use crate::test::Arguments;
use anyhow::Result;
use std::process::ExitCode;


pub fn run(_: &Settings, _: &Arguments) -> Result<ExitCode> { Ok(ExitCode::SUCCESS) }
