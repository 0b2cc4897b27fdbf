//! States and changes: minute by minute, all at once, and over a restart.

use super::support::{Bench, minute, options, start};
use spillway_alerts::AlarmState::{Alarm, Ok};
use spillway_alerts::{NotNotified, Notified};
use spillway_core::Timestamp;

/// Old from minute 10 until minute 30, and then not.
async fn rising(folder: &std::path::Path) -> Bench {
    let bench = Bench::open(folder, start()).await;
    bench.ages(0, 10, 5.0);
    bench.ages(10, 20, 400.0);
    bench.ages(30, 15, 5.0);
    bench
}

#[tokio::test]
async fn an_alarm_fires_and_clears_and_every_change_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let bench = rising(dir.path()).await;
    let mut watch = bench.watch(options()).await;
    let mut messages = Vec::new();
    for at in 1..=45 {
        messages.extend(watch.evaluate(bench.until(at)).await.unwrap());
    }
    assert_eq!(messages.len(), 2, "fired and cleared: {messages:?}");
    let changes = bench.changes().await;
    let seen: Vec<_> = changes.iter().map(|(at, rule, state, _)| (*at, rule.as_str(), *state)).collect();
    // Three of five datapoints, and the third minute of them has ended at minute 13.
    let expected = [
        (1, "queue-age-low", Ok),
        (1, "queue-age-high", Ok),
        (13, "queue-age-low", Alarm),
        (33, "queue-age-low", Ok),
    ];
    for one in &expected {
        assert!(seen.contains(one), "{one:?} in {seen:?}");
    }
    assert_eq!(seen.len(), expected.len(), "{seen:?}");
    assert_eq!(changes[0].3, Notified::Never(NotNotified::NoNews));
    assert_eq!(changes[2].3, Notified::At(minute(13)));

    let log = &bench.pipeline.local.alarms;
    assert_eq!(log.evaluated_until().await.unwrap(), Some(minute(45)));
    let periods = log.periods(None, minute(20), minute(21)).await.unwrap();
    assert_eq!(periods.len(), 1, "{periods:?}");
    assert_eq!((periods[0].from, periods[0].until), (minute(13), Some(minute(33))));
    assert_eq!(log.periods(None, minute(34), minute(40)).await.unwrap(), []);
    assert_eq!(log.last_periods().await.unwrap(), periods);
    let last = log.last_changes().await.unwrap();
    let last = last.iter().find(|change| change.rule.as_str() == "queue-age-low").unwrap();
    assert_eq!((last.at, last.to), (minute(33), Ok));
    assert!(last.reason.contains("are over 300"), "{}", last.reason);
}

#[tokio::test]
async fn time_that_was_not_evaluated_is_caught_up() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let bench = rising(one.path()).await;
    let mut watch = bench.watch(options()).await;
    watch.evaluate(bench.until(45)).await.unwrap();
    let at_once = bench.changes().await;
    let bench = rising(other.path()).await;
    let mut watch = bench.watch(options()).await;
    for at in 1..=45 {
        watch.evaluate(bench.until(at)).await.unwrap();
    }
    let sorted = |mut changes: Vec<(i64, String, spillway_alerts::AlarmState, Notified)>| {
        changes.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        changes
    };
    assert_eq!(sorted(at_once), sorted(bench.changes().await));
}

#[tokio::test]
async fn a_restart_continues_from_the_states_and_notifies_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let bench = rising(dir.path()).await;
    let mut watch = bench.watch(options()).await;
    let messages = watch.evaluate(bench.until(20)).await.unwrap();
    assert_eq!(messages.len(), 1);
    assert_eq!(bench.ages_now().await, [Alarm, Ok]);
    drop((watch, bench));

    let bench = Bench::open(dir.path(), minute(20)).await;
    let mut watch = bench.watch(options()).await;
    assert_eq!(bench.ages_now().await, [Alarm, Ok]);
    assert_eq!(
        watch.evaluate(bench.until(22)).await.unwrap(),
        [],
        "it is still in alarm, and the notification was sent"
    );
    // Not running for twenty minutes, in which the alarm ended: the next evaluation detects that.
    let messages = watch.evaluate(bench.until(42)).await.unwrap();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!(bench.ages_now().await, [Ok, Ok]);
    let changes = bench.changes().await;
    assert_eq!(changes.last().map(|change| (change.0, change.2)), Some((33, Ok)));
    assert_eq!(changes.len(), 4, "{changes:?}");
}

#[tokio::test]
async fn an_idle_pipeline_raises_no_alarm() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::open(dir.path(), start()).await;
    let mut watch = bench.watch(options()).await;
    assert_eq!(watch.evaluate(bench.until(3 * 24 * 60)).await.unwrap(), []);
    let changes =
        bench.pipeline.local.alarms.changes(None, Timestamp::MIN, Timestamp::MAX, 1_000).await.unwrap();
    assert!(changes.iter().all(|change| change.to == Ok), "{changes:?}");
}

#[tokio::test]
async fn simulated_history_is_not_notified() {
    let dir = tempfile::tempdir().unwrap();
    let bench = rising(dir.path()).await;
    let silent = super::super::WatchOptions { silent: true, has_webhook: true, ..options() };
    bench.watch(silent).await.evaluate(bench.until(45)).await.unwrap();
    let changes = bench.changes().await;
    assert_eq!(changes[2].3, Notified::Never(NotNotified::Simulated));
    let log = &bench.pipeline.local.alarms;
    assert_eq!(log.messages("alarm", 10).await.unwrap(), Vec::<serde_json::Value>::new());
}
