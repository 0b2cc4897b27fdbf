//! Malformed rules: file, line, and what was expected.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use spillway_alerts::rules::LoadError;
use spillway_alerts::{Limits, RuleSet};

const GOOD: &str = "subsystem: queue
rules:
  # A comment.
  - name: age-low
    kind: metric
    tier: low
    summary: Old.
    impact: Late.
    runbook: age
    metrics:
      - id: age
        namespace: AWS/SQS
        metric: ApproximateAgeOfOldestMessage
        statistic: Maximum
        dimensions:
          - { name: QueueName, resource: queues.primary }
    period: 60
    comparison: GreaterThanThreshold
    threshold: 300
    datapoints_to_alarm: 3
    evaluation_periods: 5
    missing_data: notBreaching

  - name: both
    kind: composite
    tier: low
    summary: Both.
    impact: Late.
    runbook: age
    alarm_rule: ALARM(\"age-low\")
";

fn problems(text: &str) -> String {
    match RuleSet::parse(&[("queue.yaml", text)], &Limits::built_in().unwrap()) {
        Err(LoadError::Invalid { problems }) => {
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        }
        Err(other) => other.to_string(),
        Ok(_) => "nothing".to_owned(),
    }
}

#[track_caller]
fn check(from: &str, to: &str, expected: &str) {
    assert!(GOOD.contains(from), "{from}");
    let found = problems(&GOOD.replacen(from, to, 1));
    assert!(found.contains(expected), "expected: {expected}\n   found: {found}");
}

#[test]
fn a_good_file_has_no_problem() {
    assert_eq!(problems(GOOD), "nothing");
}

#[test]
fn yaml_and_type_errors_are_reported() {
    check(
        "tier: low",
        "tier: medium",
        "queue.yaml:6: rules[0].tier: unknown variant `medium`, expected `high` or `low`",
    );
    check(
        "threshold: 300",
        "threshold: many",
        "queue.yaml:19: rules[0].threshold: invalid type: string \"many\", expected a number",
    );
    check(
        "    threshold: 300\n",
        "    treshold: 300\n",
        "unknown field `treshold`, expected one of `name`, `kind`",
    );
    check(
        "statistic: Maximum",
        "statistic: max",
        "expected Average, Sum, Minimum, Maximum, SampleCount or a percentile such as p99",
    );
    check("    summary: Old.\n", "", "missing field `summary`");
    check("rules:", "rules: [", "queue.yaml:");
    check(
        "missing_data: notBreaching",
        "missing_data: not_breaching",
        "queue.yaml:22: rules[0].missing_data: unknown variant",
    );
    check("subsystem: queue\n", "", "missing field `subsystem`");
}

#[test]
fn invalid_values_are_refused() {
    check("name: age-low", "name: Age Low", "queue.yaml:4: Age Low: expected a name of lower-case letters");
    check("runbook: age", "runbook: docs/age.md", "queue.yaml:9: age-low: `docs/age.md` is not a page");
    check("summary: Old.", "summary: ''", "queue.yaml:7: age-low: expected one sentence in `summary`");
    check("    period: 60\n", "", "queue.yaml:4: age-low: expected the field `period`");
    check("period: 60", "period: 90", "queue.yaml:17: age-low: expected 10, 20, 30 or a multiple of 60");
    check(
        "datapoints_to_alarm: 3",
        "datapoints_to_alarm: 6",
        "queue.yaml:20: age-low: expected M of N with 1 <= M <= N, found 6 of 5",
    );
    check("datapoints_to_alarm: 3", "datapoints_to_alarm: 0", "queue.yaml:20: age-low: expected M of N");
    check(
        "evaluation_periods: 5",
        "evaluation_periods: 2000",
        "queue.yaml:21: age-low: 2000 periods of 60 s are more than the 86400 s",
    );
    check("threshold: 300", "threshold: .inf", "queue.yaml:19: age-low: expected a finite number");
    check(
        "threshold: 300",
        "threshold: 0.8\n    limit: no.such",
        "queue.yaml:20: age-low: no limit is called `no.such`; known are account.",
    );
    check(
        "period: 60",
        "expression: AVG(age)\n    period: 60",
        "queue.yaml:17: age-low: column 1: an alarm needs a time series",
    );
    check(
        "period: 60",
        "expression: age + x\n    period: 60",
        "queue.yaml:17: age-low: column 7: no metric has the id `x`",
    );
    check("id: age", "id: Age", "queue.yaml:11: age-low: metric id `Age`: expected a lower-case letter");
    check(
        "resource: queues.primary",
        "resource: a, value: b",
        "queue.yaml:11: age-low: dimension `QueueName`: expected either",
    );
    check(
        "missing_data: notBreaching",
        "missing_data: notBreaching\n    low_samples: ignore",
        "queue.yaml:23: age-low: `low_samples` is for percentiles",
    );
    check(
        "missing_data: notBreaching",
        "missing_data: notBreaching\n    alarm_rule: 'TRUE'",
        "queue.yaml:23: age-low: only a rule of `kind: composite`",
    );
    check("tier: low", "tier: high", "queue.yaml:6: age-low: expected `low_twin`");
    check(
        "tier: low",
        "tier: low\n    low_twin: both",
        "queue.yaml:7: age-low: only a high rule has a low twin",
    );
    check(
        "runbook: age",
        "runbook: age\n    links: [{ title: T, page: metrics }]",
        "queue.yaml:10: age-low: expected a path on the dashboard",
    );
}

#[test]
fn rules_that_do_not_fit_together_are_refused() {
    check(
        "name: both",
        "name: age-low",
        "queue.yaml:24: age-low: the name is taken by the rule at queue.yaml:4",
    );
    check(
        "ALARM(\"age-low\")",
        "ALARM(\"age-lo\")",
        "queue.yaml:24: both: alarm_rule: no rule is called `age-lo`",
    );
    check("ALARM(\"age-low\")", "ALARM(\"both\")", "queue.yaml:24: both: alarm_rule: refers to itself");
    check(
        "ALARM(\"age-low\")",
        "ALARM(\"age-low\") &",
        "queue.yaml:30: both: column 18: expected AND, OR or the end",
    );
    check(
        "alarm_rule: ALARM(\"age-low\")",
        "period: 60",
        "queue.yaml:30: both: a composite rule reads other alarms",
    );
    check(
        "tier: low",
        "tier: high\n    low_twin: no-such-rule",
        "age-low: low_twin: no rule is called `no-such-rule`",
    );
}

#[test]
fn every_problem_is_reported_in_the_order_of_the_files() {
    let text = GOOD.replacen("period: 60", "period: 61", 1).replacen("name: age-low", "name: Age", 1);
    let found = problems(&text);
    let lines: Vec<&str> = found.lines().collect();
    assert_eq!(lines.len(), 2, "{found}");
    assert!(lines[0].starts_with("queue.yaml:4:") && lines[1].starts_with("queue.yaml:17:"), "{found}");
}

#[test]
fn a_rule_that_cannot_be_read_hides_no_other() {
    let text = GOOD.replacen("kind: metric", "kind: metrik", 1).replacen(
        "ALARM(\"age-low\")",
        "ALARM(\"age-low\"",
        1,
    );
    let third = "
  - name: third
    kind: metric
    tier: lowest
    summary: S.
    impact: I.
    runbook: x

  - name: Fourth
    kind: metric
    tier: low
    summary: S.
    impact: I.
    runbook: x
    metrics: []
    period: 61
    comparison: GreaterThanThreshold
    threshold: 5
    datapoints_to_alarm: 9
    evaluation_periods: 1
    missing_data: notBreaching
";
    let found = problems(&format!("{text}{third}"));
    let expected = "\
queue.yaml:5: rules[0].kind: unknown variant `metrik`, expected one of `metric`, `budget`, `composite`
queue.yaml:30: both: column 16: expected `)`
queue.yaml:34: rules[2].tier: unknown variant `lowest`, expected `high` or `low`
queue.yaml:39: Fourth: expected a name of lower-case letters, digits and single hyphens, such as `queue-age-high`
queue.yaml:45: Fourth: expected 1 to 10 metrics, found 0
queue.yaml:46: Fourth: expected 10, 20, 30 or a multiple of 60 up to 86400 seconds, found 61
queue.yaml:49: Fourth: expected M of N with 1 <= M <= N, found 9 of 1";
    assert_eq!(found, expected);
}

#[test]
fn a_field_of_the_file_after_its_rules_is_read_too() {
    let (first, rules) = GOOD.split_once('\n').unwrap();
    let last = format!("{rules}{first}\n");
    assert_eq!(problems(&last), "nothing");
    let found = problems(&last.replacen("kind: composite", "kind: both", 1));
    assert_eq!(found.lines().count(), 1, "{found}");
    assert!(found.starts_with("queue.yaml:24: rules[1].kind: unknown variant `both`"), "{found}");
}

#[test]
fn a_file_without_rules_is_refused() {
    assert_eq!(
        problems("subsystem: queue\nrules: []\n"),
        "queue.yaml:1: the list `rules` is empty; expected at least one rule"
    );
}

#[test]
fn what_cloudwatch_would_refuse_as_too_long_is_refused() {
    let terms = |count: usize| format!("expression: {}\n    period: 60", vec!["age"; count].join("+"));
    check(
        "period: 60",
        &terms(257),
        "column 1025: expected an expression of at most 1024 characters, found 1027",
    );
    assert_eq!(problems(&GOOD.replacen("period: 60", &terms(256), 1)), "nothing");
    // These would take minutes, or more stack than there is.
    check("period: 60", &terms(200_000), "at most 1024 characters, found 799999");
    let alarms = |count: usize| format!("alarm_rule: {}", vec!["ALARM(\"age-low\")"; count].join(" OR "));
    check(
        "alarm_rule: ALARM(\"age-low\")",
        &alarms(513),
        "column 10241: expected a rule of at most 10240 characters, found 10256",
    );
    assert_eq!(problems(&GOOD.replacen("alarm_rule: ALARM(\"age-low\")", &alarms(512), 1)), "nothing");
    let name = format!("name: {}", "a".repeat(231));
    check("name: both", &name, "expected a name of at most 230 characters, found 231; CloudWatch allows 255");
    assert_eq!(problems(&GOOD.replacen("name: both", &name[..236], 1)), "nothing");
}

#[test]
fn deeply_nested_conditions_are_read_at_once() {
    // Each level once doubled the work.
    let nested = (0..60).fold("age".to_owned(), |inner, _| format!("IF({inner},1,1)"));
    let text = GOOD.replacen("period: 60", &format!("expression: {nested}\n    period: 60"), 1);
    assert_eq!(problems(&text), "nothing");
}

#[test]
fn a_folder_without_rules_says_so() {
    let error = RuleSet::load(std::path::Path::new("/no/such/folder"), &Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "/no/such/folder could not be read");
}

#[test]
fn hostile_input_is_refused_without_a_panic() {
    for text in [
        "",
        "\0",
        "rules",
        "[[[[",
        "subsystem: a\nrules: 1",
        &"- ".repeat(5_000),
        &"[".repeat(5_000),
        "&a [*a, *a]",
    ] {
        assert_ne!(problems(text), "nothing", "{text:.20}");
    }
}
