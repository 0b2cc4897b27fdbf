//! All scenario files pass, against the rules as they are in the repository.

use spillway_alerts::check::{Check, built_in, mutants, parse_scenarios, survivors};
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
        let own = mutants(rule).len();
        assert!(own > 0, "{}: nothing to change", rule.name);
        tried += own;
        let survivors = survivors(rule, &rules, &scenarios);
        unnoticed.extend(survivors.into_iter().map(|mutant| format!("{}: {}", rule.name, mutant.mutation)));
    }
    assert!(unnoticed.is_empty(), "{} of {tried} mutants:\n{}", unnoticed.len(), unnoticed.join("\n"));
    assert!(tried > 400, "{tried} mutants");
}

#[test]
fn what_is_built_in_is_what_is_in_the_folders() {
    let folders = Check::default()
        .runbooks(folder("../docs/runbooks"))
        .run(&[folder("rules"), folder("tests/scenarios")]);
    let built_in = built_in();
    assert!(built_in.passed(), "\n{built_in}");
    let places = |report: &spillway_alerts::check::Report| {
        let lines = report.outcomes.iter().map(|outcome| {
            let file = outcome.place.rsplit('/').next().map(str::to_owned);
            (file, outcome.scenario.clone(), outcome.found.clone())
        });
        lines.collect::<Vec<_>>()
    };
    assert_eq!(places(&built_in), places(&folders));
    assert_eq!(built_in.rules, folders.rules);
}

#[test]
fn the_examples_of_the_documentation_work() {
    let text = std::fs::read_to_string(folder("../docs/alarms.md")).unwrap();
    let examples: Vec<&str> =
        text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [rule, scenario] = examples[..] else { panic!("expected a rule and a scenario in docs/alarms.md") };
    let low = rule
        .split_once("rules:\n")
        .unwrap()
        .1
        .replace("queue-age-high", "queue-age-low")
        .replace("tier: high", "tier: low")
        .replace("    low_twin: queue-age-low\n", "");
    let limits = Limits::built_in().unwrap();
    let rules = RuleSet::parse(&[("rule", &format!("{rule}\n{low}"))], &limits).unwrap();
    assert_eq!(rules.len(), 2);
    let own = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("documentation");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("scenario.yaml"), scenario).unwrap();
    let report = Check::default().run(&[own]);
    assert!(report.passed() && report.outcomes.len() == 1, "{report}");
}
