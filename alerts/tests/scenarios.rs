//! All scenario files pass, against the rules as they are in the repository.

use spillway_alerts::check::{Check, mutants, parse_scenarios, survivors};
use spillway_alerts::{Limits, RuleSet};
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn every_scenario_passes_and_no_lint_is_left() {
    let report = Check::default()
        .runbooks(folder("../docs/runbooks"))
        .run(&[folder("rules"), folder("tests/scenarios")]);
    assert!(report.passed(), "\n{report}");
    assert!(report.outcomes.len() > 60, "the scenario files were found\n{report}");
}

#[test]
fn every_scenario_notices_when_its_rule_is_changed() {
    let limits = Limits::built_in().unwrap();
    let rules = RuleSet::load(&folder("rules"), &limits).unwrap();
    let mut scenarios = Vec::new();
    for entry in std::fs::read_dir(folder("tests/scenarios")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        scenarios.extend(parse_scenarios(&path.display().to_string(), &text, &limits).unwrap());
    }
    let mut tried = 0;
    let mut unnoticed = Vec::new();
    for rule in &rules {
        tried += mutants(rule).len();
        let survivors = survivors(rule, &rules, &scenarios);
        unnoticed.extend(survivors.into_iter().map(|mutant| format!("{}: {}", rule.name, mutant.mutation)));
    }
    assert!(unnoticed.is_empty(), "{} of {tried} mutants:\n{}", unnoticed.len(), unnoticed.join("\n"));
    assert!(tried > 400, "{tried} mutants");
}
