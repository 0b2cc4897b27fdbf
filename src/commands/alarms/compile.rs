//! `spillway alarms compile`: rule files as the JSON that Terraform reads.

use super::source;
use crate::answer::{CommandError, ExitStatus};
use crate::console::Console;
use clap::Args;
use serde_json::json;
use spillway_alerts::RuleSet;
use spillway_alerts::rules::{FORMAT, compile};
use std::path::{Path, PathBuf};

const LONG_HELP: &str = "\
Terraform reads the file that alarms.rules_file names, and refuses one that was changed by hand or has another format. \
Compile again after each change of a rule and after each update of this program. The same rules give the same file.

With --out and --json: {\"file\", \"format\", \"rules\": how many}. Without --out the output is the file itself.";

/// Options of `alarms compile`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// Folder of rule files [default: the rules built into this program]
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Limits that thresholds are shares of, instead of the defaults
    #[arg(long, value_name = "FILE")]
    limits: Option<PathBuf>,
    /// Where to write; - is the standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
}

/// Runs the command.
pub fn run(options: &Options, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let limits = source::limits(options.limits.as_deref())?;
    let rules = match &options.folder {
        Some(folder) => source::rules(std::slice::from_ref(folder), &limits)?,
        None => RuleSet::built_in(&limits)?,
    };
    let text = compile(&rules, &limits)?;
    if options.out == Path::new("-") {
        console.line(text.trim_end())?;
        return Ok(ExitStatus::Ok);
    }
    let file = options.out.display().to_string();
    std::fs::write(&options.out, text)
        .map_err(|error| CommandError::Unreachable(format!("{file} could not be written: {error}")))?;
    if console.json() {
        console.document(&json!({"file": file, "format": FORMAT, "rules": rules.len()}))?;
    } else {
        console.line(&format!("{} rules in {file}", rules.len()))?;
    }
    Ok(ExitStatus::Ok)
}
