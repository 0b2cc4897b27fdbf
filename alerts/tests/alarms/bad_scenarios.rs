//! Scenario files that cannot be run, scenarios that fail, and rules in which a check finds problems.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use spillway_alerts::check::{Check, LintKind, parse_scenarios};
use spillway_alerts::{Limits, RuleSet};
use std::path::PathBuf;

/// Writes files into a folder of the build directory that is this test's own, and checks them.
fn check(test: &str, files: &[(&str, &str)]) -> spillway_alerts::check::Report {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    Check::default().runbooks(folder.clone()).run(&[folder])
}

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

const RULES: &str = "subsystem: test
rules:
  - name: NAME
    kind: metric
    tier: low
    summary: A.
    impact: B.
    runbook: page
    metrics:
      - { id: m1, namespace: NAMESPACE, metric: METRIC, statistic: Sum, dimensions: [DIMENSIONS] }
    period: 60
    comparison: GreaterThanThreshold
    threshold: THRESHOLD
    datapoints_to_alarm: 1
    evaluation_periods: 1
    missing_data: MISSING
";

fn lints(
    test: &str,
    namespace: &str,
    metric: &str,
    dimensions: &str,
    threshold: &str,
    missing: &str,
) -> Vec<(LintKind, String)> {
    let rules = RULES
        .replace("NAMESPACE", namespace)
        .replace("METRIC", metric)
        .replace("DIMENSIONS", dimensions)
        .replace("THRESHOLD", threshold)
        .replace("MISSING", missing)
        .replace("NAME", "a-rule");
    let scenario = "scenarios:\n  - name: fires\n    rule: a-rule\n    series: { m1: \"0 1000000000\" }\n    expect: { 0: OK, 1: ALARM }\n";
    let report = check(test, &[("rules.yaml", &rules), ("s.yaml", scenario), ("page.md", "")]);
    report.lints.into_iter().map(|lint| (lint.kind, lint.message)).collect()
}

#[track_caller]
fn one(lints: &[(LintKind, String)], kind: LintKind, part: &str) {
    assert!(lints.iter().any(|(found, message)| *found == kind && message.contains(part)), "{lints:?}");
}

const QUEUE: &str = "{ name: QueueName, resource: queues.primary }";

#[test]
fn lints_find_rules_that_would_never_fire_or_never_clear() {
    let found = lints("lint_good", "AWS/SQS", "NumberOfMessagesSent", QUEUE, "5", "notBreaching");
    assert_eq!(found, []);
    let found = lints("lint_metric", "AWS/SQS", "MessagesSent", QUEUE, "5", "notBreaching");
    one(&found, LintKind::UnknownMetric, "no metric `MessagesSent` is known in `AWS/SQS`");
    let found = lints("lint_dimension", "AWS/SQS", "NumberOfMessagesSent", "", "5", "notBreaching");
    one(&found, LintKind::UnknownDimension, "has the dimensions [QueueName], and not []");
    let other = "{ name: QueueName, resource: queues.other }";
    let found = lints("lint_resource", "AWS/SQS", "NumberOfMessagesSent", other, "5", "notBreaching");
    one(&found, LintKind::UnknownDimension, "`queues.other` is not a topology key for QueueName");
    let percent = "AccountProvisionedWriteCapacityUtilization";
    let most = format!("DynamoDB, metric: {percent}, statistic: Maximum, dimensions: []");
    let found = lints_of(&most, &USUAL.replace("threshold: 0", "threshold: 100"));
    one(&found, LintKind::Threshold, "values lie between 0 and 100, so `> 100` can never be met");
    let found = lints("lint_always", "AWS/SQS", "NumberOfMessagesSent", QUEUE, "-1", "notBreaching");
    one(&found, LintKind::Threshold, "so `> -1` is always met");
    let found = lints("lint_dynamo", "AWS/DynamoDB", percent, "", "80", "notBreaching");
    one(&found, LintKind::Sticks, "FILL(m, 0)");
    let found = lints("lint_ignore", "AWS/SQS", "NumberOfMessagesSent", QUEUE, "5", "ignore");
    one(&found, LintKind::Sticks, "choose notBreaching");
}

/// A rule of one metric as `m`, with `fields` after it, and what the check reports of it.
fn lints_of(metric: &str, fields: &str) -> Vec<(LintKind, String)> {
    let rules = format!(
        "subsystem: test
rules:
  - name: a-rule
    kind: metric
    tier: low
    summary: A.
    impact: B.
    runbook: page
    metrics:
      - {{ id: m, namespace: AWS/{metric} }}
    {fields}
"
    );
    let report = check(&format!("lints_of_{}", rules.len()), &[("rules.yaml", &rules), ("page.md", "")]);
    assert_eq!(report.problems, []);
    let others = report.lints.into_iter().filter(|lint| lint.kind != LintKind::NoScenario);
    others.map(|lint| (lint.kind, lint.message)).collect()
}

const USUAL: &str = "comparison: GreaterThanThreshold
    threshold: 0
    period: 60
    datapoints_to_alarm: 1
    evaluation_periods: 1
    missing_data: notBreaching";

#[test]
fn lints_find_rules_that_read_a_metric_in_a_way_for_which_it_has_no_answer() {
    let of = |name: &str, resource: &str| format!("dimensions: [{{ name: {name}, resource: {resource} }}]");
    let (consumer, archiver) =
        (of("FunctionName", "functions.consumer"), of("FunctionName", "functions.archiver"));
    let (queue, dlq, table) =
        (of("QueueName", "queues.primary"), of("QueueName", "queues.dlq"), of("TableName", "table"));
    let api = "dimensions: [{ name: ApiName, resource: api }, { name: Stage, resource: api.stage }]";
    let with = |changes: &[(&str, &str)]| {
        changes.iter().fold(USUAL.to_owned(), |fields, (from, to)| {
            assert!(fields.contains(from), "{from}");
            fields.replace(from, to)
        })
    };

    // No lint of what is right.
    let errors = format!("Lambda, metric: Errors, statistic: Sum, {consumer}");
    assert_eq!(lints_of(&errors, USUAL), []);

    // The state when the data stops.
    one(
        &lints_of(&errors, &with(&[("notBreaching", "missing")])),
        LintKind::Sticks,
        "never reported as cleared",
    );
    let few = [("GreaterThan", "LessThan"), ("threshold: 0", "threshold: 5")];
    let invocations = format!("Lambda, metric: Invocations, statistic: Sum, {consumer}");
    one(&lints_of(&invocations, &with(&few)), LintKind::Silence, "use FILL(m, 0), or `breaching`");
    let fewer = [("GreaterThan", "LessThan"), ("threshold: 0", "threshold: 1")];
    let never = "values lie between 1 and inf, so `< 1` can never be met";
    one(&lints_of(&invocations, &with(&fewer)), LintKind::Threshold, never);
    let breaching = [few[0], few[1], ("notBreaching", "breaching")];
    assert_eq!(lints_of(&invocations, &with(&breaching)), []);
    let silence = [fewer[0], fewer[1], ("notBreaching", "breaching")];
    assert_eq!(lints_of(&invocations, &with(&silence)), []);

    // Bounds by statistic.
    let average = format!("ApiGateway, metric: 4XXError, statistic: Average, {api}");
    let never = "values lie between 0 and 1, so `> 5` can never be met";
    one(&lints_of(&average, &with(&[("threshold: 0", "threshold: 5")])), LintKind::Threshold, never);
    assert_eq!(lints_of(&average, &with(&[("threshold: 0", "threshold: 0.05")])), []);

    // What a metric measures, and how often.
    let depth = format!("SQS, metric: ApproximateNumberOfMessagesNotVisible, statistic: Sum, {queue}");
    one(
        &lints_of(&depth, USUAL),
        LintKind::Statistic,
        "is a level, so Sum depends on how often it is sampled",
    );
    let age = format!("SQS, metric: ApproximateAgeOfOldestMessage, statistic: SampleCount, {queue}");
    one(
        &lints_of(&age, USUAL),
        LintKind::Statistic,
        "is a level, so SampleCount depends on how often it is sampled",
    );
    let most = format!("Lambda, metric: Errors, statistic: Maximum, {consumer}");
    let never = "values lie between 0 and 1, so `> 3` can never be met";
    one(&lints_of(&most, &with(&[("threshold: 0", "threshold: 3")])), LintKind::Threshold, never);
    let mean = format!("Lambda, metric: Duration, statistic: Average, {consumer}");
    let beside = "expression: m - AVG(m)\n    comparison: Gr";
    one(
        &lints_of(&mean, &with(&[("comparison: Gr", beside)])),
        LintKind::Statistic,
        "over all datapoints that CloudWatch retrieves",
    );
    let running = "expression: RUNNING_SUM(m)\n    comparison: Gr";
    one(
        &lints_of(&errors, &with(&[("comparison: Gr", running)])),
        LintKind::Statistic,
        "their number is not published",
    );
    let rate = "expression: RATE(m)\n    comparison: Gr";
    assert_eq!(lints_of(&errors, &with(&[("comparison: Gr", rate)])), []);
    let twenty = with(&[("period: 60", "period: 20")]);
    one(&lints_of(&errors, &twenty), LintKind::Period, "`Errors` has a datapoint every 60 s");
    let provisioned = format!("DynamoDB, metric: ProvisionedWriteCapacityUnits, statistic: Maximum, {table}");
    let filled = "expression: \"FILL(m, 0)\"\n    comparison: Gr";
    let found = lints_of(&provisioned, &with(&[("comparison: Gr", filled)]));
    one(&found, LintKind::Period, "has a datapoint every 300 s, so most periods of 60 s have none");

    // The values of dimensions.
    let operation =
        "dimensions: [{ name: TableName, resource: table }, { name: Operation, value: OPERATION }]";
    let throttled = |name: &str| {
        let metric = format!("DynamoDB, metric: ThrottledRequests, statistic: Sum, {operation}");
        lints_of(
            &metric.replace("OPERATION", name),
            &with(&[("comparison: Gr", filled), ("periods: 1", "periods: 2")]),
        )
    };
    assert_eq!(throttled("PutItem"), []);
    one(
        &throttled("PutIten"),
        LintKind::UnknownDimension,
        "nothing is published for the Operation `PutIten`",
    );
    one(&throttled("''"), LintKind::UnknownDimension, "expected `PutItem`");
    let address = "SQS, metric: NumberOfMessagesSent, statistic: Sum, dimensions: [{ name: QueueName, value: 'arn:aws:sqs:q' }]";
    one(
        &lints_of(address, USUAL),
        LintKind::UnknownDimension,
        "`arn:aws:sqs:q` is not a name, as QueueName is",
    );

    let address = "SQS, metric: NumberOfMessagesSent, statistic: Sum, dimensions: [{ name: QueueName, value: 'https://sqs.eu-west-1.amazonaws.com/1/q' }]";
    one(&lints_of(address, USUAL), LintKind::UnknownDimension, "no address, no ARN, and not empty");
    let function = of("QueueName", "functions.consumer");
    one(
        &lints_of(&format!("SQS, metric: NumberOfMessagesSent, statistic: Sum, {function}"), USUAL),
        LintKind::UnknownDimension,
        "`functions.consumer` is not a topology key for QueueName",
    );

    // What never reaches the metric, and what always does.
    let sent = format!("SQS, metric: NumberOfMessagesSent, statistic: Sum, {dlq}");
    one(&lints_of(&sent, USUAL), LintKind::Threshold, "what SQS itself moves to the dead letter queue");
    let archived = format!("Lambda, metric: Invocations, statistic: Sum, {archiver}");
    let none = |needed: &str, of: &str| {
        let none = "expression: \"FILL(m, 0)\"\n    comparison: Gr";
        let changes =
            [("comparison: Gr", none), ("GreaterThan", "LessThan"), ("threshold: 0", "threshold: 1")];
        let counts = [("alarm: 1", needed), ("periods: 1", of)];
        let found = lints_of(&archived, &with(&[&changes[..], &counts[..]].concat()));
        found.into_iter().filter(|(kind, _)| *kind == LintKind::Silence).collect::<Vec<_>>()
    };
    one(
        &none("alarm: 10", "periods: 10"),
        LintKind::Silence,
        "so 2 of 10 periods have an invocation, and 10 without",
    );
    one(
        &none("alarm: 9", "periods: 10"),
        LintKind::Silence,
        "a schedule invokes `functions.archiver` every 300 s",
    );
    assert_eq!(none("alarm: 8", "periods: 10"), []);
}

#[test]
fn lints_find_composites_that_cloudwatch_would_refuse() {
    let rules = |count: usize, name: usize, notify: bool| {
        let names: Vec<String> = (0..count).map(|number| format!("{}-{number}", "a".repeat(name))).collect();
        let one = |name: &String| {
            let rule = RULES
                .replace("subsystem: test\nrules:\n", "")
                .replace("NAMESPACE", "AWS/SQS")
                .replace("METRIC", "NumberOfMessagesSent")
                .replace("DIMENSIONS", QUEUE)
                .replace("THRESHOLD", "5")
                .replace("MISSING", "notBreaching")
                .replace("NAME", name);
            if notify { rule } else { rule.replace("tier: low", "tier: low\n    notify: false") }
        };
        let parts: String = names.iter().map(one).collect();
        let all = names.iter().map(|name| format!("ALARM({name})")).collect::<Vec<_>>().join(" OR ");
        let whole = format!(
            "subsystem: test\nrules:\n{parts}  - name: all\n    kind: composite\n    tier: low\n    summary: A.\n    impact: B.\n    runbook: page\n    alarm_rule: {all}\n"
        );
        let report = check(&format!("composite_{count}_{name}_{notify}"), &[("rules.yaml", &whole)]);
        assert_eq!(report.problems, []);
        let long = report.lints.into_iter().filter(|lint| lint.kind == LintKind::Length);
        long.map(|lint| (lint.kind, lint.message)).collect::<Vec<_>>()
    };
    assert_eq!(rules(99, 10, true), []);
    one(&rules(101, 10, false), LintKind::Length, "it refers to 101 alarms, and CloudWatch allows 100");
    one(&rules(100, 10, true), LintKind::Length, "the subsystem `test` would have 101 low alarms");
    one(&rules(90, 80, false), LintKind::Length, "`alarm_rule` has up to");
}

#[test]
fn lints_find_rules_whose_state_a_late_datapoint_would_keep() {
    let with = |comparison: &str, needed: usize, of: usize| {
        let rules = RULES
            .replace("NAMESPACE", "AWS/SQS")
            .replace("METRIC", "NumberOfMessagesSent")
            .replace("DIMENSIONS", QUEUE)
            .replace("period: 60", "expression: \"FILL(m1, 0)\"\n    period: 60")
            .replace("GreaterThan", comparison)
            .replace("THRESHOLD", "5")
            .replace("MISSING", "notBreaching")
            .replace("alarm: 1", &format!("alarm: {needed}"))
            .replace("periods: 1", &format!("periods: {of}"))
            .replace("NAME", "a-rule");
        let report = check(&format!("lint_late_{comparison}_{needed}_{of}"), &[("rules.yaml", &rules)]);
        let lints = report.lints.into_iter().filter(|lint| lint.kind == LintKind::Sticks);
        lints.map(|lint| lint.message).collect::<Vec<_>>()
    };
    let stays_ok = "while the newest datapoint is late it is filled in with 0, which does not breach, so 3 of 3 may \
                    never be met; let it be 3 of 4";
    assert_eq!(with("GreaterThan", 3, 3), [stays_ok]);
    assert!(with("GreaterThan", 3, 4).is_empty());
    let stays_in_alarm = "while the newest datapoint is late it is filled in with 0, which breaches, so 1 of 1 may \
                          always be met; let it be 2 of 2";
    assert_eq!(with("LessThan", 1, 1), [stays_in_alarm]);
    assert!(with("LessThan", 3, 3).is_empty());
}

#[test]
fn a_rule_without_runbook_or_scenario_and_a_twin_that_comes_too_late_are_found() {
    let low = RULES
        .replace("NAMESPACE", "AWS/SQS")
        .replace("METRIC", "NumberOfMessagesSent")
        .replace("DIMENSIONS", QUEUE)
        .replace("THRESHOLD", "50")
        .replace("MISSING", "notBreaching")
        .replace("NAME", "low");
    let high = low
        .replace("subsystem: test\nrules:\n", "")
        .replace("name: low", "name: high")
        .replace("tier: low", "tier: high\n    low_twin: low")
        .replace("runbook: page", "runbook: other");
    RuleSet::parse(&[("rules.yaml", &format!("{low}{high}"))], &Limits::default()).unwrap();
    let scenario = "scenarios:\n  - name: sudden\n    rule: high\n    series: { m1: \"0 60\" }\n    expect: { 0: OK, 1: ALARM }\n";
    let report =
        check("twin", &[("rules.yaml", &format!("{low}{high}")), ("s.yaml", scenario), ("page.md", "")]);
    let found: Vec<_> = report.lints.iter().map(|lint| (lint.kind, lint.message.clone())).collect();
    one(&found, LintKind::NoRunbook, "there is no docs/runbooks/other.md");
    one(&found, LintKind::NoScenario, "it has no scenario");
    one(&found, LintKind::LowTwin, "in \"sudden\"");
    assert!(report.to_string().contains("rules.yaml:3: low: it has no scenario"), "{report}");
}
