//! What the compiler writes, and what its readers refuse.

use super::*;

fn built_in() -> (RuleSet, Limits) {
    let limits = Limits::built_in().unwrap();
    (RuleSet::built_in(&limits).unwrap(), limits)
}

/// The place of a rule in its file is not part of its meaning.
fn unplaced(rules: &RuleSet) -> Vec<Rule> {
    let place = |rule: &Rule| Rule { file: String::new(), line: 0, ..rule.clone() };
    rules.iter().map(place).collect()
}

#[test]
fn the_committed_rules_are_those_of_the_rule_files() {
    let (rules, limits) = built_in();
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/rules.json");
    let committed = std::fs::read_to_string(committed).unwrap_or_default();
    assert!(
        committed == compile(&rules, &limits).unwrap(),
        "alerts/rules.json is stale: run `cargo run -- alarms compile --out alerts/rules.json`"
    );
}

#[test]
fn compiled_rules_say_what_the_rule_files_say() {
    let (rules, limits) = built_in();
    let read = RuleSet::compiled(&compile(&rules, &limits).unwrap(), &Limits::default()).unwrap();
    assert_eq!(unplaced(&read), unplaced(&rules));
}

#[test]
fn thresholds_are_shares_of_the_deployments_limits() {
    let (rules, limits) = built_in();
    let text = compile(&rules, &limits).unwrap();
    let mut deployment = Limits::default();
    deployment.set("functions.consumer.timeout_ms", 60_000.0);
    let read = RuleSet::compiled(&text, &deployment).unwrap();
    let threshold = |rules: &RuleSet, name: &str| rules.get(name).unwrap().metric().unwrap().threshold;
    assert_eq!(threshold(&read, "consumer-duration-low"), 48_000.0);
    assert_eq!(threshold(&rules, "consumer-duration-low"), 24_000.0);
}

#[test]
fn a_text_that_the_compiler_did_not_write_is_refused() {
    let (rules, limits) = built_in();
    let text = compile(&rules, &limits).unwrap();
    let refused = |text: &str| RuleSet::compiled(text, &Limits::default()).unwrap_err().to_string();
    for (from, to) in [("\"threshold\":1800.0", "\"threshold\":9000.0"), ("},\n{", "}, \n{")] {
        assert!(text.contains(from), "{from}");
        assert!(refused(&text.replacen(from, to, 1)).contains("changed by hand"), "{from}");
    }
    let other = text.replacen("\"format\": 1", "\"format\": 2", 1);
    assert_eq!(
        refused(&other),
        "the compiled rules have format 2, expected 1; run `spillway alarms compile` of this version"
    );
    for text in ["", "subsystem: queue", "{}", "{\"format\": 1}"] {
        assert!(refused(text).contains("run `spillway alarms compile` again"), "{text}");
    }
}

#[test]
fn this_crate_and_terraform_accept_and_refuse_the_same_files() {
    let read = |name: &str| {
        let path = format!("{}/../terraform/tests/compiled/{name}.json", env!("CARGO_MANIFEST_DIR"));
        RuleSet::compiled(&std::fs::read_to_string(path).unwrap(), &Limits::default())
    };
    assert_eq!(read("own").unwrap().len(), 1);
    assert!(matches!(read("other_format"), Err(CompiledError::Format { found: 2 })));
    assert!(matches!(read("changed"), Err(CompiledError::Changed)));
}

#[test]
fn every_name_in_a_composite_is_between_parentheses_and_quotation_marks() {
    // Terraform puts the deployment's name before each, without knowing the language.
    let (rules, _) = built_in();
    for rule in rules.iter().map(CompiledRule::of) {
        let Some(text) = rule.alarm_rule else { continue };
        for name in AlarmRule::parse(&text).unwrap().names() {
            assert!(text.contains(&format!("(\"{name}\")")), "{text}");
        }
    }
}

#[test]
fn only_high_rules_and_budgets_notify_by_themselves() {
    let (rules, _) = built_in();
    for rule in rules.iter().map(CompiledRule::of) {
        let acts = rule.notify && (rule.tier == Tier::High || rule.kind == Kind::Budget);
        assert_eq!(rule.actions, if acts { vec![rule.tier] } else { vec![] }, "{}", rule.name);
    }
}
