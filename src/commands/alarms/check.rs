//! `spillway alarms check`: scenarios and lints.

use super::source;
use crate::answer::ExitStatus;
use crate::console::{Console, GREEN, RED, paint};
use crate::text::clean;
use clap::Args;
use serde::Serialize;
use spillway_alerts::check::{Check, Report, built_in};
use std::path::PathBuf;

const LONG_HELP: &str = "\
Without FILE, the rules and scenarios built into this program are checked. With rule files, these are \
checked. With scenario files alone, they run against the built-in rules. docs/alarms.md has both formats.

The exit code is 1 if a scenario fails, a file is malformed or a rule is questionable.

With --json: {\"passed\", \"rules\", \"problems\": [{\"file\", \"line\", \"rule\", \"message\"}], \"outcomes\": [{\"scenario\", \
\"place\", \"rule\", \"condition\", \"differences\", \"found\"}], \"lints\": [{\"kind\", \"rule\", \"place\", \"message\"}]}.";

/// Options of `alarms check`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// Rule and scenario files, or folders of them
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Folder that must contain each rule's runbook, as NAME.md
    #[arg(long, value_name = "DIR", requires = "files")]
    runbooks: Option<PathBuf>,
    /// Limits that thresholds are shares of, instead of the defaults
    #[arg(long, value_name = "FILE", requires = "files")]
    limits: Option<PathBuf>,
}

/// The JSON document that `--json` prints.
#[derive(Serialize)]
struct Document<'r> {
    passed: bool,
    #[serde(flatten)]
    report: &'r Report,
}

/// Runs the command.
pub fn run(options: &Options, console: &mut Console) -> anyhow::Result<ExitStatus> {
    for path in options.files.iter().chain(&options.runbooks) {
        source::readable(path)?;
    }
    let report = if options.files.is_empty() {
        built_in()
    } else {
        let mut check = Check::default().limits(source::limits(options.limits.as_deref())?);
        if let Some(folder) = &options.runbooks {
            check = check.runbooks(folder);
        }
        check.run(&options.files)
    };
    let passed = report.passed();
    if console.json() {
        console.document(&Document { passed, report: &report })?;
    } else {
        print(&report, console)?;
    }
    Ok(if passed { ExitStatus::Ok } else { ExitStatus::No })
}

/// Prints the report in its own format, with colours for the expected and the actual result.
fn print(report: &Report, console: &mut Console) -> anyhow::Result<()> {
    let text = report.to_string();
    let mut lines: Vec<&str> = text.lines().collect();
    let last = lines.pop().unwrap_or_default();
    for line in lines {
        let line = clean(line);
        let shown = match line.get(..4) {
            Some("  - ") => paint(GREEN, &line),
            Some("  + ") => paint(RED, &line),
            _ => line,
        };
        console.line(&shown)?;
    }
    console.line(&paint(if report.passed() { GREEN } else { RED }, last))
}
