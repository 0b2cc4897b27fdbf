//! Which built-in rules watch the charts of the catalogue.

#![expect(clippy::unwrap_used, reason = "test code")]

use futures::FutureExt as _;
use spillway_alerts::Limits;
use spillway_core::names::Names;
use spillway_dashboard_model::Period;
use spillway_dashboard_model::alarms::{AlarmSource, RuleSet, Watchers};
use spillway_dashboard_model::catalogue::{Stage, of_stage};
use spillway_testkit::ScriptedAlarms;

fn watched(stage: Stage, key: &str, minutes: u32) -> Vec<(String, Option<f64>)> {
    let rules = RuleSet::built_in(&Limits::built_in().unwrap()).unwrap();
    let names = Names::default();
    let alarms = ScriptedAlarms::new(rules, &names);
    let now = alarms.now().now_or_never().unwrap().unwrap();
    let entry = of_stage(stage, &names).into_iter().find(|entry| entry.key == key).unwrap();
    let found = Watchers::of(&now).watching(&entry, Period::minutes(minutes));
    found.into_iter().map(|watch| (watch.rule.to_string(), watch.threshold)).collect()
}

fn expected(rules: &[(&str, Option<f64>)]) -> Vec<(String, Option<f64>)> {
    rules.iter().map(|(rule, threshold)| ((*rule).to_owned(), *threshold)).collect()
}

#[test]
fn a_maximum_has_its_thresholds_for_any_period() {
    let ages = expected(&[("queue-age-low", Some(300.0)), ("queue-age-high", Some(1_800.0))]);
    assert_eq!(watched(Stage::Queue, "age", 1), ages);
    assert_eq!(watched(Stage::Queue, "age", 60), ages);
    assert_eq!(watched(Stage::Dlq, "age", 1), []);
}

#[test]
fn a_sum_has_its_threshold_only_over_the_rules_own_period() {
    assert_eq!(watched(Stage::Consumer, "errors", 1), expected(&[("consumer-errors-low", Some(0.0))]));
    assert_eq!(watched(Stage::Consumer, "errors", 5), expected(&[("consumer-errors-low", None)]));
}

#[test]
fn a_share_matches_by_numerator_and_denominator() {
    let shares = watched(Stage::Table, "error-share", 5);
    let of = |rule: &str| shares.iter().find(|(name, _)| name == rule).and_then(|(_, value)| *value);
    assert_eq!(of("table-throttles-high"), Some(20.0));
    assert_eq!(of("table-system-errors-low"), Some(2.0));
    let api = watched(Stage::Api, "error-share", 5);
    let of = |rule: &str| api.iter().find(|(name, _)| name == rule).map(|(_, value)| *value);
    assert_eq!(of("api-5xx-high"), Some(Some(5.0)));
    assert_eq!(
        of("availability-burn-early-low"),
        Some(None),
        "a share over an hour varies less than over five minutes"
    );
    assert_eq!(of("availability-burn-14x-high"), Some(None), "a composite appears through its parts");
    assert_eq!(watched(Stage::Table, "capacity-use", 5), expected(&[("table-capacity-low", Some(80.0))]));
}
