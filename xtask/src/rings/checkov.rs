//! Checks the Terraform modules with checkov's rules. checkov only reads files: it connects to no network or account.

use crate::{
    process,
    python::{self, Environment},
    ring::{Counts, Outcome},
    settings::Settings,
};
use anyhow::{Context, Result};
use serde_json::Value;
use std::{fs, path::Path, process::Command};

/// checkov and its dependencies, pinned.
const PACKAGES: &str = "xtask/python/checkov.txt";
/// Lists the files that checkov's own parser cannot read, because checkov skips them silently.
const UNREADABLE: &str = "
import pathlib, sys, hcl2
for file in sorted(pathlib.Path(sys.argv[1]).rglob('*.tf')):
    try:
        hcl2.loads(file.read_text())
    except Exception:
        print(file)
";
/// Beginnings of lines that checkov's rules apply to.
const CHECKED: [&str; 4] = ["resource ", "data ", "module ", "provider "];

/// Checks every resource. A skipped check has its reason next to it in the module (`checkov:skip=`), and is not
/// counted.
pub fn checkov(settings: &Settings) -> Result<Outcome> {
    let environment =
        match python::environment(&settings.target.join("checkov"), &settings.root.join(PACKAGES)) {
            Ok(environment) => environment,
            Err(error) => {
                return Ok(Outcome::Skipped {
                    reason: format!("checkov cannot be installed: {error:#}"),
                    remedy: python::REMEDY.into(),
                });
            }
        };
    process::step("checkov");
    let folder = settings.root.join("terraform");
    let unread = unread(&environment, &folder)?;
    for file in &unread {
        process::say(&format!("    checkov cannot read {file}, which has resources in it"));
    }
    let mut check = Command::new(environment.program("python"));
    // Started through its interpreter: the script's first line has a path that is wrong after the folder was moved.
    check.arg(environment.program("checkov"));
    check.args(["--framework", "terraform", "--skip-download", "--compact", "--quiet", "--soft-fail"]);
    check.args(["--output", "json", "--directory"]).arg(&folder);
    let report = process::output(&mut check)?;
    let report = serde_json::from_str(&report).context("checkov did not print JSON")?;
    for line in failures(&report) {
        process::say(&format!("    {line}"));
    }
    let counts = counts(&report)?;
    Ok(Outcome::Ran(Counts { failed: counts.failed + unread.len(), ..counts }))
}

/// Files that checkov cannot read although its rules apply to their content.
fn unread(environment: &Environment, folder: &Path) -> Result<Vec<String>> {
    let mut python = Command::new(environment.program("python"));
    let unreadable = process::output(python.args(["-c", UNREADABLE]).arg(folder))?;
    let mut unread = Vec::new();
    for file in unreadable.lines() {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
        if text.lines().any(|line| CHECKED.iter().any(|begin| line.starts_with(begin))) {
            unread.push(file.to_owned());
        }
    }
    Ok(unread)
}

/// The number of checks by result.
fn counts(report: &Value) -> Result<Counts> {
    let number = |name: &str| {
        let number = report["summary"][name].as_u64().and_then(|number| usize::try_from(number).ok());
        number.with_context(|| format!("checkov's report has no {name}"))
    };
    Ok(Counts { passed: number("passed")?, failed: number("failed")?, skipped: 0 })
}

/// Each failed check, with its location.
fn failures(report: &Value) -> Vec<String> {
    let failed = report["results"]["failed_checks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let line = |check: &Value| {
        format!(
            "{}:{} {}: {} {}",
            text(&check["file_path"]),
            check["file_line_range"][0],
            text(&check["resource"]),
            text(&check["check_id"]),
            text(&check["check_name"])
        )
    };
    failed.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_failed_check_is_counted_and_named() {
        let check = json!({
            "check_id": "CKV_AWS_1", "check_name": "a rule", "resource": "aws_sqs_queue.q",
            "file_path": "/main.tf", "file_line_range": [3, 9],
        });
        let report = json!({
            "summary": { "passed": 12, "failed": 1, "skipped": 4 },
            "results": { "failed_checks": [check] },
        });
        assert_eq!(counts(&report).unwrap(), Counts { passed: 12, failed: 1, skipped: 0 });
        assert_eq!(failures(&report), ["/main.tf:3 aws_sqs_queue.q: CKV_AWS_1 a rule"]);
        assert!(counts(&json!([])).is_err(), "a report in another format is an error");
    }
}
