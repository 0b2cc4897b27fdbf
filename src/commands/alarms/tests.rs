//! The commands without a pipeline; `tests/cli/alarms.rs` has those with one.

use crate::answer::ExitStatus;
use crate::testing::{FakePipeline, run};
use std::path::Path;

async fn spillway(line: &str) -> crate::testing::Output {
    run(line, &FakePipeline::new(|_| {})).await
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

const RULE: &str = "subsystem: queue
rules:
  - name: age-low
    kind: metric
    tier: low
    summary: Old.
    impact: Late.
    runbook: queue-age
    metrics:
      - id: age
        namespace: AWS/SQS
        metric: ApproximateAgeOfOldestMessage
        statistic: Maximum
        dimensions: [{ name: QueueName, resource: queues.primary }]
    period: 60
    comparison: GreaterThanThreshold
    threshold: 300
    datapoints_to_alarm: 2
    evaluation_periods: 3
    missing_data: notBreaching
";

const SCENARIO: &str = "scenarios:
  - name: two of three
    rule: age-low
    series:
      age: \"60x5 400x2 60x5\"
    expect: { 0: OK, 7: ALARM, 10: OK }
";

#[tokio::test]
async fn the_projects_own_rules_pass() {
    let output = spillway("alarms check").await;
    assert_eq!(output.status, ExitStatus::Ok, "{output}");
    assert!(output.out.contains(" 0 failed; 0 malformed, 0 lints"), "{output}");
    let json = spillway("alarms check --json").await.json();
    assert_eq!(json["passed"], true);
    assert!(json["rules"].as_u64().unwrap() > 60, "{json}");
}

#[tokio::test]
async fn a_failing_scenario_shows_what_was_expected_and_what_was_found() {
    let dir = tempfile::tempdir().unwrap();
    let rule = write(dir.path(), "rule.yaml", RULE);
    let good = write(dir.path(), "good.yaml", SCENARIO);
    assert_eq!(spillway(&format!("alarms check {rule} {good}")).await.status, ExitStatus::Ok);
    let wrong = write(dir.path(), "wrong.yaml", &SCENARIO.replace("7: ALARM", "8: ALARM"));
    let output = spillway(&format!("alarms check {rule} {wrong}")).await;
    assert_eq!(output.status, ExitStatus::No, "{output}");
    for part in
        ["wrong.yaml:2: age-low: two of three", "- at 7: expected OK", "+ at 7: found    ALARM", "1 failed"]
    {
        assert!(output.out.contains(part), "{part}\n{output}");
    }
    let json = spillway(&format!("alarms check {rule} {wrong} --json")).await.json();
    assert_eq!(json["outcomes"][0]["differences"][0]["expected"], "OK");
}

#[tokio::test]
async fn a_malformed_rule_is_reported_with_file_line_and_what_was_expected() {
    let dir = tempfile::tempdir().unwrap();
    let bad = RULE.replace("tier: low", "tier: lowish").replace("period: 60", "period: 61");
    let file = write(dir.path(), "bad.yaml", &bad);
    let output = spillway(&format!("alarms check {file}")).await;
    assert_eq!(output.status, ExitStatus::No, "{output}");
    assert!(output.out.contains("bad.yaml:5"), "{output}");
    assert!(output.out.contains("expected"), "{output}");
    // A wrong rule in an argument is a usage error.
    let output = spillway(&format!("alarms list --rules {file}")).await;
    assert_eq!(output.status, ExitStatus::Usage, "{output}");
    assert!(output.err.contains("bad.yaml:5"), "{output}");
}

#[tokio::test]
async fn compiled_rules_are_printed_or_written_and_the_same_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    write(&rules, "queue.yaml", RULE);
    let (rules, file) = (rules.display(), dir.path().join("rules.json"));
    let printed = spillway(&format!("alarms compile {rules}")).await;
    assert_eq!(printed.status, ExitStatus::Ok, "{printed}");
    let output = spillway(&format!("alarms compile {rules} --out {}", file.display())).await;
    assert_eq!(
        (output.status, output.out.as_str()),
        (ExitStatus::Ok, format!("1 rules in {}\n", file.display()).as_str())
    );
    let written = std::fs::read_to_string(&file).unwrap();
    assert_eq!(written, printed.out);
    let read = spillway_alerts::RuleSet::compiled(&written, &spillway_alerts::Limits::default()).unwrap();
    assert_eq!(read.get("age-low").unwrap().describe(), "2 of 3 datapoints of 60 s > 300");
    let json = spillway(&format!("alarms compile {rules} --out {} --json", file.display())).await.json();
    assert_eq!((&json["rules"], &json["format"]), (&1.into(), &1.into()));
}

#[tokio::test]
async fn a_failed_compile_or_write_names_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), "bad.yaml", &RULE.replace("period: 60", "period: 61"));
    let out = dir.path().join("rules.json");
    let output = spillway(&format!("alarms compile {} --out {}", dir.path().display(), out.display())).await;
    assert_eq!(output.status, ExitStatus::Usage, "{output}");
    assert!(output.err.contains(&format!("{file}:15: age-low: expected 10, 20, 30")), "{output}");
    assert!(!out.exists(), "nothing is written");
    let output = spillway(&format!("alarms compile --out {}/no/such/rules.json", dir.path().display())).await;
    assert_eq!(output.status, ExitStatus::Unreachable, "{output}");
    assert!(output.err.contains("could not be written"), "{output}");
    let output = spillway("alarms compile /no/such/folder").await;
    assert_eq!(output.status, ExitStatus::Usage, "{output}");
    assert!(output.err.contains("/no/such/folder could not be read"), "{output}");
}

#[tokio::test]
async fn rules_are_listed_with_their_meaning() {
    let output = spillway("alarms list --tier high").await;
    assert!(output.out.contains("queue-age-high"), "{output}");
    assert!(!output.out.contains("queue-age-low"), "{output}");
    assert!(output.out.contains("3 of 5 datapoints of 60 s > 1800"), "{output}");
    let json = spillway("alarms list --json --all").await.json();
    let alarms = json["alarms"].as_array().unwrap();
    let one = alarms.iter().find(|alarm| alarm["rule"] == "queue-age-high").unwrap();
    assert_eq!((&one["tier"], &one["low_twin"]), (&"high".into(), &"queue-age-low".into()));
    assert!(one["state"].is_null());
    assert!(alarms.iter().any(|alarm| alarm["notify"] == false));
}

#[tokio::test]
async fn active_alarms_are_those_of_a_pipeline() {
    let output = spillway("alarms list --in-alarm").await;
    assert_eq!((output.status, output.out.as_str()), (ExitStatus::Usage, ""), "{output}");
    assert!(output.err.contains("no pipeline was named"), "{output}");
    let output = spillway("alarms list --in-alarm --topology t.json").await;
    assert_eq!(output.status, ExitStatus::Usage, "{output}");
    assert!(output.err.contains("spillway dashboard --topology FILE"), "{output}");
    let both = spillway("alarms list --embedded d --topology t.json").await;
    assert!(both.status == ExitStatus::Usage && both.err.contains("two pipelines"), "{both}");
}

#[tokio::test]
async fn a_backtest_needs_a_pipeline() {
    let output = spillway("alarms backtest --days 3").await;
    assert_eq!(output.status, ExitStatus::Usage);
    assert!(output.err.contains("--embedded DIR"), "{output}");
}
