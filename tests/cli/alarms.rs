//! `spillway alarms backtest` over the recorded data of a pipeline.

use crate::common::{Output, spillway};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use spillway_core::metric::{Measurement, MetricId, Unit};
use spillway_core::names::Names;
use spillway_embedded::{Options, Pipeline, RealClock};
use std::path::Path;
use std::sync::Arc;

/// An idle pipeline. Its recorded data is what the test writes.
async fn recorded(folder: &Path) -> (Pipeline, Timestamp) {
    let pipeline = Pipeline::open(folder, Options::at(Arc::new(RealClock))).await.expect("a pipeline");
    let now = pipeline.ports.clock.now().as_second();
    let start = Timestamp::from_second(now - now.rem_euclid(60) - 7_200).expect("a time");
    // The oldest message's age: low, then rising over the low threshold and the high one, then low again.
    let ages = [(0, 5.0), (10, 400.0), (20, 2_000.0), (50, 5.0)];
    let queue = Names::default().queue;
    for minute in 0..90 {
        let (_, value) = *ages.iter().rfind(|(from, _)| *from <= minute).expect("an age");
        let metric = MetricId::new("AWS/SQS", "ApproximateAgeOfOldestMessage", &[("QueueName", &*queue)]);
        let at = start + SignedDuration::from_secs(minute * 60 + 30);
        pipeline.recorder.record_at(&Measurement { metric, value, unit: Unit::Seconds }, at);
    }
    pipeline.recorder.finish(pipeline.ports.clock.now());
    (pipeline, start)
}

async fn backtest(folder: &Path, words: &str) -> Output {
    spillway(&format!("alarms backtest --days 1 --zone UTC --embedded {}{words}", folder.display())).await
}

fn rule<'a>(backtest: &'a Value, name: &str) -> &'a Value {
    let rules = backtest["rules"].as_array().expect("rules");
    rules.iter().find(|rule| rule["rule"] == name).unwrap_or_else(|| panic!("no {name} in {backtest:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backtest_counts_the_notifications_of_the_rules() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_pipeline, start) = recorded(folder.path()).await;
    let output = backtest(folder.path(), " --json").await;
    assert_eq!(output.code, Some(0), "{output:?}");
    let all = output.json();
    let minute = |minute: i64| (start + SignedDuration::from_mins(minute)).to_string();
    // The alarm fires when the third of five minutes has breached. It clears three minutes after the last breach, when
    // only two of five minutes breach.
    let low = rule(&all["backtest"], "queue-age-low");
    assert_eq!(low["firings"], json!([{ "from": minute(13), "until": minute(53) }]), "{low}");
    let high = rule(&all["backtest"], "queue-age-high");
    assert_eq!(high["firings"], json!([{ "from": minute(23), "until": minute(53) }]), "{high}");
    assert_eq!((&high["in_alarm_s"], &high["leads_s"]), (&json!(1_800), &json!([600])), "{high}");
    assert_eq!((&all["pages"], &all["unwarned"]), (&json!(1), &json!([])), "{all:#}");
    let hour = usize::try_from(minute(23)[11..13].parse::<u32>().expect("an hour")).expect("a number");
    assert_eq!(all["backtest"]["pages_by_hour"][hour], 1, "{all:#}");

    let strict = backtest(folder.path(), " --pages-per-week 0.5").await;
    assert_eq!(strict.code, Some(1), "{strict:?}");
    assert!(strict.out.contains("1.0 pages a week are over the budget of 0.5"), "{strict:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_of_the_rules_are_compared_over_the_same_history() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let (_pipeline, _) = recorded(&data).await;
    let changed = folder.path().join("rules");
    std::fs::create_dir(&changed).expect("a folder");
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("alerts/rules");
    for entry in std::fs::read_dir(rules).expect("the rules") {
        let path = entry.expect("a rule file").path();
        let text = std::fs::read_to_string(&path).expect("readable");
        let text = text.replace("threshold: 1800\n", "threshold: 3600\n");
        std::fs::write(changed.join(path.file_name().expect("a name")), text).expect("written");
    }
    let words = format!(" --compare {} --pages-per-week 0.5 --json", changed.display());
    let output = backtest(&data, &words).await;
    // The other rules are evaluated too, and send no pages.
    assert_eq!(output.code, Some(0), "{output:?}");
    let all = output.json();
    assert_eq!((&all["pages"], &all["other"]["pages"]), (&json!(1), &json!(0)), "{all:#}");
    let differences = all["comparison"]["rules"].as_array().expect("differences");
    assert_eq!(differences.len(), 1, "{all:#}");
    let one = &differences[0];
    assert_eq!(one["rule"], "queue-age-high");
    assert_eq!((&one["firings_before"], &one["firings_after"]), (&json!(1), &json!(0)));
    assert_eq!((&one["minutes_before"], &one["minutes_after"]), (&json!(30), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_alarm_is_an_answer_only_if_the_alarms_were_evaluated() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().display();
    drop(Pipeline::open(folder.path(), Options::at(Arc::new(RealClock))).await.expect("a pipeline"));
    let unknown = spillway(&format!("alarms list --in-alarm --embedded {data}")).await;
    assert_eq!((unknown.code, unknown.out.as_str()), (Some(5), ""), "{unknown:?}");
    assert!(unknown.err.contains("have not been evaluated yet"), "{unknown:?}");
    let all = spillway(&format!("alarms list -o tsv --embedded {data}")).await;
    let mut states = all.out.lines().skip(1).map(|line| line.split('\t').nth(2));
    assert!(states.all(|state| state == Some("INSUFFICIENT_DATA")), "{all:?}");
}
