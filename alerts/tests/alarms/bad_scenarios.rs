//! Scenario files that cannot be run, and scenarios that fail.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::check;
use spillway_alerts::Limits;
use spillway_alerts::check::parse_scenarios;
use std::path::PathBuf;

fn problem(text: &str) -> String {
    let problems = parse_scenarios("s.yaml", text, &Limits::built_in().unwrap()).unwrap_err();
    problems[0].to_string()
}

#[test]
fn a_scenario_that_cannot_be_read_says_where_and_why() {
    let with = |line: &str| {
        format!("scenarios:\n  - name: one\n    rule: r\n    series: {{ a: \"1x3\" }}\n{line}\n")
    };
    assert_eq!(
        problem(&with("    expect: { 9: OK }")),
        "s.yaml:5: one: a state is expected at 9, but the series end at 3"
    );
    assert_eq!(
        problem(&with("    expect: {}")),
        "s.yaml:5: one: expected at least one state, such as `0: OK`"
    );
    assert!(problem(&with("    expect: { 0: FINE }")).contains("unknown variant `FINE`"));
    assert!(problem(&with("    expects: { 0: OK }")).contains("unknown field `expects`"));
    let text = "scenarios:\n  - name: one\n    rule: r\n    series: { a: \"1 y\" }\n    expect: { 0: OK }\n";
    assert!(problem(text).starts_with("s.yaml:4: one: a: `y`: expected a number"));
    let text = "scenarios:\n  - name: one\n    rule: { threshold: 1, period: 7 }\n    series: { m1: \"1\" }\n    expect: { 0: OK }\n";
    assert!(problem(text).starts_with("s.yaml:3: one: expected 10, 20, 30 or a multiple of 60"));
}

#[test]
fn every_scenario_that_cannot_be_read_is_reported() {
    let text = "scenarios:
  - name: one
    rule: r
    series: { a: \"1\" }
    expect: { 0: FINE }
  - name: two
    rule: r
    series: { a: \"1\" }
    expect: { 5: OK }
  - name: three
    rule: r
    interval: soon
    series: { a: \"1\" }
    expect: { 0: OK }
";
    let problems = parse_scenarios("s.yaml", text, &Limits::built_in().unwrap()).unwrap_err();
    let found: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(found[0].starts_with("s.yaml:5: scenarios[0].expect"), "{found:?}");
    assert_eq!(found[1], "s.yaml:9: two: a state is expected at 5, but the series end at 0");
    assert_eq!(
        found[2],
        "s.yaml:12: scenarios[2].interval: invalid type: string \"soon\", expected a whole number, 0 or more"
    );
    assert_eq!(found.len(), 3, "{found:?}");
    let none = parse_scenarios("s.yaml", "scenarios: []\n", &Limits::default()).unwrap_err();
    assert_eq!(
        none[0].to_string(),
        "s.yaml:1: the list `scenarios` is empty; expected at least one scenario"
    );
}

#[test]
fn a_key_that_appears_twice_is_refused() {
    let with = |series: &str, expect: &str| {
        problem(&format!(
            "scenarios:\n  - name: one\n    rule: {{}}\n    series: {{ {series} }}\n    expect: {{ {expect} }}\n"
        ))
    };
    let found = with("m1: \"0 0\"", "0: ALARM, 0: OK");
    assert!(found.contains("scenarios[0].expect: the key `0` appears twice"), "{found}");
    let found = with("m1: \"0 0\", m1: \"1 1\"", "0: OK");
    assert!(found.contains("scenarios[0].series: the key `m1` appears twice"), "{found}");
}

#[test]
fn values_that_make_up_no_datapoint_of_the_rule_are_refused() {
    let with = |fields: &str| {
        let rule = "datapoints_to_alarm: 3, evaluation_periods: 3, period: 60, missing_data: notBreaching";
        let scenario = format!(
            "scenarios:\n  - name: one\n    rule: {{ {rule} }}\n{fields}    series: {{ m1: \"0 X X X\" }}\n    expect: {{ 0: OK, 3: ALARM }}\n"
        );
        let name = format!("no_datapoint_{}", fields.len());
        check(&name, &[("s.yaml", &scenario)])
    };
    assert!(with("").passed());
    let found = with("    interval: 300\n").to_string();
    let expected =
        "s.yaml:4: one: each value covers 300 s, and a datapoint of the rule 60 s; let `interval` be 60";
    assert!(found.contains(expected), "{found}");
    let found = with("    interval: 10\n").to_string();
    assert!(found.contains("each value covers 10 s, and a datapoint of the rule 60 s"), "{found}");
    let found = with("    start: 2026-01-05T00:00:07Z\n").to_string();
    let expected =
        "s.yaml:4: one: expected a start at a multiple of the interval of 60 s, found 2026-01-05T00:00:07Z";
    assert!(found.contains(expected), "{found}");
}

#[test]
fn a_check_that_checks_nothing_fails() {
    let report = check("nothing", &[]);
    assert!(!report.passed());
    assert!(report.to_string().contains("nothing was checked; expected *.yaml files"), "{report}");
    let report = check("yml", &[("rules.yml", "subsystem: a\nrules: []\n")]);
    assert!(!report.passed());
    assert!(report.to_string().contains("rules.yml:1: only *.yaml is read; rename it to .yaml"), "{report}");
    assert!(!check("no_rules", &[("r.yaml", "subsystem: a\nrules: []\n")]).passed());
    assert!(!check("no_scenarios", &[("s.yaml", "scenarios: []\n")]).passed());
    assert!(!spillway_alerts::check::run(&[]).passed());
}

#[test]
fn a_percentile_with_just_enough_samples_is_evaluated() {
    let with = |samples: u32| {
        let scenario = format!(
            "scenarios:
  - name: as many samples as CloudWatch wants
    rule: {{ metrics: [{{ id: m1, namespace: N, metric: M, statistic: p90 }}], threshold: 5, low_samples: ignore }}
    series: {{ m1: \"9\", m1.samples: \"{samples}\" }}
    expect: {{ 0: ALARM }}
"
        );
        check(&format!("samples_{samples}"), &[("s.yaml", &scenario)]).passed()
    };
    assert!(with(100));
    assert!(!with(99));
}

#[test]
fn a_failing_scenario_shows_the_difference() {
    let scenario = "scenarios:\n  - name: fires at once\n    rule: { datapoints_to_alarm: 2, evaluation_periods: 2 }\n    series: { m1: \"O X X X O\" }\n    expect: { 0: OK, 1: ALARM, 4: OK }\n";
    let report = check("a_failing_scenario", &[("s.yaml", scenario)]);
    assert!(!report.passed());
    let text = report.to_string();
    let expected = "inline: fires at once\n    2 of 2 datapoints of 60 s > 0.5\n  - at 1: expected ALARM\n  + at 1: found    OK\n    the states were 0: OK, 2: ALARM, 4: OK\n";
    assert!(text.contains(expected), "{text}");
    assert!(text.ends_with("1 scenarios: 0 passed, 1 failed; 0 malformed, 0 lints\n"), "{text}");
}

#[test]
fn a_series_or_a_rule_that_does_not_exist_is_a_problem() {
    let scenario = "scenarios:\n  - name: one\n    rule: queue-age-low\n    series: { depth: \"1\" }\n    expect: { 0: OK }\n  - name: two\n    rule: no-such-rule\n    series: { age: \"1\" }\n    expect: { 0: OK }\n";
    let text = check("a_series_that_does_not_exist", &[("s.yaml", scenario)]).to_string();
    assert!(text.contains("s.yaml:2: one: the rule has no metric `depth`; it has age"), "{text}");
    assert!(text.contains("s.yaml:6: two: no rule is called `no-such-rule`"), "{text}");
}

#[test]
fn a_file_that_is_neither_says_what_was_expected() {
    let text = check("neither", &[("x.yaml", "alarms: []\n")]).to_string();
    assert!(text.contains("x.yaml:1: expected a list `rules:` or a list `scenarios:`"), "{text}");
    let report = spillway_alerts::check::run(&[PathBuf::from("/no/such/file.yaml")]);
    assert!(report.to_string().contains("/no/such/file.yaml:1: could not be read"), "{report}");
}
