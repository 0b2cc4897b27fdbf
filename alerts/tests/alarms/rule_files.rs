//! The rule files: complete, and in step with the schema for editors.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value;
use spillway_alerts::check::unknown_page;
use spillway_alerts::rules::Condition;
use spillway_alerts::{Limits, RuleSet, Tier};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn rules() -> RuleSet {
    RuleSet::load(&folder("rules"), &Limits::built_in().unwrap()).unwrap()
}

fn schema() -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder("rules.schema.json")).unwrap()).unwrap()
}

#[test]
fn the_built_in_rules_are_those_of_the_folder() {
    let built_in = RuleSet::built_in(&Limits::built_in().unwrap()).unwrap();
    let names = |rules: &RuleSet| rules.iter().map(|rule| rule.name.clone()).collect::<BTreeSet<_>>();
    assert_eq!(names(&built_in), names(&rules()));
}

#[test]
fn a_file_is_named_after_its_subsystem() {
    for rule in &rules() {
        assert_eq!(Path::new(&rule.file).file_stem().unwrap(), rule.subsystem.as_str());
    }
}

#[test]
fn high_rules_are_few_and_every_one_has_a_low_twin() {
    let rules = rules();
    let high: Vec<_> = rules.iter().filter(|rule| rule.tier == Tier::High && rule.notify).collect();
    assert!(high.len() * 3 <= rules.len(), "{} of {} rules page an engineer", high.len(), rules.len());
    for rule in high {
        let twin = rules.get(rule.low_twin.as_ref().unwrap().as_str()).unwrap();
        assert_eq!(twin.tier, Tier::Low);
        assert_eq!(twin.subsystem, rule.subsystem, "{}", rule.name);
    }
}

#[test]
fn only_parts_of_composites_do_not_notify() {
    let rules = rules();
    let mut parts = BTreeSet::new();
    for rule in &rules {
        if let Condition::Composite(composite) = &rule.condition {
            parts.extend(composite.text.split('"').skip(1).step_by(2).map(str::to_owned));
        }
    }
    for rule in &rules {
        assert_eq!(rule.notify, !parts.contains(rule.name.as_str()), "{}", rule.name);
    }
}

#[test]
fn every_rule_has_a_runbook_and_every_runbook_a_rule() {
    let wanted: BTreeSet<String> = rules().iter().map(|rule| format!("{}.md", rule.runbook)).collect();
    let there: BTreeSet<String> = std::fs::read_dir(folder("../docs/runbooks"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    assert_eq!(wanted, there);
    let built_in: BTreeSet<String> =
        spillway_alerts::runbooks::names().map(|name| format!("{name}.md")).collect();
    assert_eq!(built_in, there);
}

#[test]
fn links_lead_to_pages_that_the_dashboard_has() {
    let between = |text: &str, start: &str, end: &str| -> BTreeSet<String> {
        let parts = text.split(start).skip(1).filter_map(|rest| rest.split(end).next());
        parts.map(str::to_owned).collect()
    };
    let mut links = 0;
    for rule in &rules() {
        for link in &rule.links {
            assert_eq!(unknown_page(&link.page), None, "{}", rule.name);
        }
        assert!(!rule.links.is_empty(), "{}: it has no link", rule.name);
    }
    for entry in std::fs::read_dir(folder("../docs/runbooks")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for link in between(&text, "](/", ")") {
            assert_eq!(unknown_page(&format!("/{link}")), None, "{}", path.display());
            links += 1;
        }
    }
    assert!(links > 50, "{links} links");
}

#[test]
fn every_runbook_has_the_same_parts_and_names_only_commands_that_exist() {
    let commands = [
        "send",
        "load",
        "get",
        "dlq list",
        "dlq show",
        "dlq replay",
        "dlq discard",
        "dlq reindex",
        "dlq restore",
        "alarms check",
        "alarms backtest",
        "alarms list",
        "schemas check",
        "flow",
        "fault",
    ];
    for entry in std::fs::read_dir(folder("../docs/runbooks")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.display();
        let mut rest = text.as_str();
        for part in ["# ", "## Meaning", "## Impact", "## First look", "## Mitigate", "## Escalate"] {
            let at = rest
                .find(part)
                .unwrap_or_else(|| panic!("{name}: expected `{part}` after the parts before it"));
            rest = &rest[at + part.len()..];
        }
        for command in text.split("`spillway ").skip(1).filter_map(|after| after.split('`').next()) {
            assert!(commands.iter().any(|known| command.starts_with(known)), "{name}: `spillway {command}`");
        }
        for rule in
            rules().iter().filter(|rule| path.ends_with(format!("{}.md", rule.runbook)) && rule.notify)
        {
            assert!(text.contains(&format!("`{}`", rule.name)), "{name} does not name {}", rule.name);
        }
    }
}

#[test]
fn the_schema_requires_what_the_loader_requires() {
    // A rule without any one of the fields that the schema requires is refused, and the error names the field.
    let whole = "name: a\nkind: metric\ntier: low\nsummary: A.\nimpact: B.\nrunbook: c\nmetrics: [{id: m, namespace: AWS/SQS, metric: Age, statistic: Maximum}]\nperiod: 60\ncomparison: GreaterThanThreshold\nthreshold: 1\ndatapoints_to_alarm: 1\nevaluation_periods: 1\nmissing_data: missing";
    let schema = schema();
    let rule = &schema["definitions"]["rule"];
    let required =
        rule["required"].as_array().unwrap().iter().chain(rule["oneOf"][0]["required"].as_array().unwrap());
    let load = |lines: &str| {
        let text = format!("subsystem: s\nrules:\n- {}\n", lines.replace('\n', "\n  "));
        RuleSet::parse(&[("file.yaml", &text)], &Limits::default()).map_err(|error| error.to_string())
    };
    load(whole).unwrap();
    for field in required {
        let field = field.as_str().unwrap();
        let without: Vec<&str> =
            whole.lines().filter(|line| !line.starts_with(&format!("{field}:"))).collect();
        let error = load(&without.join("\n")).unwrap_err();
        assert!(
            error.contains(&format!("`{field}`")) || error.contains("1 to 10 metrics"),
            "{field}: {error}"
        );
    }
}
