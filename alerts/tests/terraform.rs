//! What Terraform refuses, it refuses with this crate's words. Each file in `terraform/tests/refused` ends with what it is
//! refused with; Terraform's own test (`terraform/tests/rules.tftest.hcl`) holds its reader against the same lines.

use spillway_alerts::{Limits, RuleSet};
use std::path::Path;

#[test]
fn a_file_that_terraform_refuses_is_refused_here_with_the_same_words() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../terraform/tests/refused");
    let limits = Limits::built_in().unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let (_, expected) = text.split_once("# Refused with:\n").unwrap();
        let expected: Vec<&str> = expected.lines().map(|line| line.strip_prefix("# ").unwrap()).collect();
        let told = RuleSet::parse(&[(&name, &text)], &limits).unwrap_err().to_string();
        let told: Vec<&str> = told.lines().map(without_the_parsers_own).collect();
        assert_eq!(told, expected, "{name}");
        files += 1;
    }
    assert!(files > 70, "{files} files");
}

/// Of a file that is no YAML Terraform knows the line; only the parser here knows more.
fn without_the_parsers_own(problem: &str) -> &str {
    match problem.split_once("not YAML from this line on: ") {
        Some((before, _)) => &problem[..before.len() + "not YAML from this line on".len()],
        None => problem,
    }
}
