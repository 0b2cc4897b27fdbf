//! Rules that are well formed, and in which a check finds mistakes.

use super::check;
use spillway_alerts::check::LintKind;
use spillway_alerts::{Limits, RuleSet};

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
