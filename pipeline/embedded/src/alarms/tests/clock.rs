//! Alarms on a machine whose clock is set.

use super::super::deliver::step;
use super::support::{Bench, age, options, start};
use super::webhook::Receiver;
use crate::alarms::{Watch, WatchOptions};
use crate::jump;
use spillway_alerts::AlarmState::{Alarm, Ok as Fine};
use spillway_core::Timestamp;
use std::time::Duration;

const DAY_S: i64 = 86_400;

/// Lets minutes pass in which the oldest message has that age, and evaluates each. Returns the number of messages.
async fn minutes(bench: &Bench, watch: &mut Watch, minutes: u32, age_s: f64) -> usize {
    let mut messages = 0;
    for _ in 0..minutes {
        bench.record_at(bench.pipeline.ports.clock.now(), age(), age_s);
        bench.write();
        bench.clock.advance(Duration::from_secs(60));
        messages += watch.evaluate(bench.pipeline.ports.clock.now()).await.unwrap().len();
    }
    messages
}

async fn set(bench: &Bench, by_s: i64) {
    bench.machine.set_by(by_s);
    assert_eq!(jump::follow(&bench.pipeline).await.unwrap().unwrap().by.as_secs(), by_s);
}

#[tokio::test]
async fn alarms_are_evaluated_after_the_clock_was_set_forward_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::open(dir.path(), start()).await;
    let mut watch = bench.watch(options()).await;
    assert_eq!(minutes(&bench, &mut watch, 10, 0.0).await, 0);
    set(&bench, 21 * DAY_S).await;
    assert_eq!(minutes(&bench, &mut watch, 6, 0.0).await, 0, "the skipped days are no news");
    assert_eq!(minutes(&bench, &mut watch, 6, 2_000.0).await, 1, "both tiers fire, as one incident");
    assert_eq!(bench.ages_now().await, [Alarm, Alarm]);
    set(&bench, -21 * DAY_S).await;
    assert!(minutes(&bench, &mut watch, 30, 0.0).await > 0, "they clear");
    assert_eq!(bench.ages_now().await, [Fine, Fine]);
    let now = bench.pipeline.ports.clock.now();
    let log = &bench.pipeline.local.alarms;
    let changes = log.changes(None, Timestamp::MIN, Timestamp::MAX, 1_000).await.unwrap();
    assert!(changes.iter().all(|change| change.at <= now), "{changes:?}");
    let periods = log.periods(None, Timestamp::MIN, Timestamp::MAX).await.unwrap();
    assert!(periods.iter().all(|period| period.until.is_some()), "{periods:?}");
}

#[tokio::test]
async fn alarms_fire_at_once_after_the_clock_was_set_back_by_two_hours() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::open(dir.path(), start()).await;
    let mut watch = bench.watch(options()).await;
    assert_eq!(minutes(&bench, &mut watch, 10, 0.0).await, 0);
    set(&bench, -2 * 3_600).await;
    assert_eq!(minutes(&bench, &mut watch, 6, 2_000.0).await, 1, "the high one; it is before business hours");
}

#[tokio::test]
async fn a_message_for_the_webhook_is_neither_given_up_nor_delayed() {
    for by_s in [21 * DAY_S, -21 * DAY_S] {
        let dir = tempfile::tempdir().unwrap();
        let bench = Bench::open(dir.path(), start()).await;
        let mut watch = bench.watch(WatchOptions { has_webhook: true, ..options() }).await;
        let messages = minutes(&bench, &mut watch, 6, 2_000.0).await;
        let receiver = Receiver::answering(&[]).await;
        set(&bench, by_s).await;
        for _ in 0..4 {
            let clock = &*bench.pipeline.ports.clock;
            step(&bench.pipeline.local.alarms, &receiver.webhook(), clock).await.unwrap();
        }
        assert_eq!(receiver.ids().len(), messages, "{by_s}");
    }
}

#[tokio::test]
async fn a_clock_that_was_set_back_while_no_pipeline_ran_delays_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let later = start() + jiff::SignedDuration::from_hours(48);
    let before = Bench::open(dir.path(), later).await;
    let mut watch = before.watch(WatchOptions { has_webhook: true, ..options() }).await;
    let messages = minutes(&before, &mut watch, 6, 2_000.0).await;
    drop((watch, before));
    let bench = Bench::open(dir.path(), start()).await;
    bench.watch(options()).await;
    let receiver = Receiver::answering(&[]).await;
    for _ in 0..4 {
        step(&bench.pipeline.local.alarms, &receiver.webhook(), &*bench.clock).await.unwrap();
    }
    assert_eq!(receiver.ids().len(), messages);
}
