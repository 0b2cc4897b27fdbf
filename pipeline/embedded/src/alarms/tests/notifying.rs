//! When notifications are sent and what they say: business hours, the digest, the documents and the log.

use super::support::{Bench, minute, options, start};
use crate::alarms::{LINK_BASE, RuleFiles, WatchOptions};
use spillway_alerts::AlarmState::{Alarm, Ok};
use spillway_alerts::Limits;
use spillway_alerts::Notified;
use std::io::Write;
use std::sync::{Arc, Mutex};

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

#[tokio::test]
async fn a_low_alarm_at_night_waits_for_the_opening_and_a_high_one_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::open(dir.path(), start()).await;
    // Monday 22:00 for an hour; Tuesday 03:00, and it does not end.
    let (evening, night) = (13 * HOUR, 18 * HOUR);
    bench.ages(evening, HOUR, 2_000.0);
    bench.ages(evening + HOUR, 4 * HOUR, 5.0);
    bench.ages(night, DAY - night + 30, 400.0);
    let mut watch = bench.watch(options()).await;
    let before = watch.evaluate(bench.until(DAY - 1)).await.unwrap();
    assert_eq!(before.len(), 2, "the high one fired and cleared: {before:?}");
    let held = bench.changes().await;
    assert!(held.iter().any(|(at, rule, state, outcome)| {
        (*at, rule.as_str(), *state, outcome) == (night + 3, "queue-age-low", Alarm, &Notified::Held(None))
    }));

    let at_opening = watch.evaluate(bench.until(DAY)).await.unwrap();
    assert_eq!(at_opening.len(), 1, "{at_opening:?}");
    let log = &bench.pipeline.local.alarms;
    let digest = log.last_digest().await.unwrap().unwrap();
    assert_eq!(digest.opened_at, minute(DAY));
    assert_eq!((digest.still_in_alarm.len(), digest.cleared.len()), (1, 1), "{digest:?}");
    assert_eq!(digest.cleared[0].from, minute(evening + 3));
    let changes = bench.changes().await;
    let low: Vec<_> = changes.iter().filter(|change| change.1 == "queue-age-low" && change.0 > 1).collect();
    assert!(low.iter().all(|change| change.3 == Notified::InDigest(minute(DAY))), "{low:?}");

    // In business hours again: notified at once.
    bench.ages(DAY + 30, 30, 5.0);
    let messages = watch.evaluate(bench.until(DAY + HOUR)).await.unwrap();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(bench.changes().await.iter().any(|(at, _, state, outcome)| {
        *at == DAY + 33 && *state == Ok && *outcome == Notified::At(minute(DAY + 33))
    }));
}

#[tokio::test]
async fn a_low_alarm_of_the_afternoon_that_is_found_after_hours_is_held_until_the_digest() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::open(dir.path(), start()).await;
    // It fires at 16:53. The pipeline is started again only at 18:00.
    let afternoon = 7 * HOUR + 50;
    bench.ages(0, afternoon, 5.0);
    let mut watch = bench.watch(options()).await;
    watch.evaluate(bench.until(afternoon)).await.unwrap();
    bench.ages(afternoon, DAY - afternoon, 400.0);
    let messages = watch.evaluate(bench.until(9 * HOUR)).await.unwrap();
    assert_eq!(messages, [], "nobody is notified out of hours");
    let told = async || {
        let changes = bench.changes().await;
        changes.into_iter().find(|change| change.0 == afternoon + 3).map(|change| (change.1, change.3))
    };
    let low = "queue-age-low".to_owned();
    assert_eq!(told().await, Some((low.clone(), Notified::Held(None))), "pages say that it is held back");
    assert_eq!(watch.evaluate(bench.until(DAY)).await.unwrap().len(), 1, "the digest");
    assert_eq!(told().await, Some((low, Notified::InDigest(minute(DAY)))));
}

#[tokio::test]
async fn a_rule_that_is_gone_is_in_alarm_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::open(dir.path(), start()).await;
    bench.ages(0, 10, 400.0);
    bench.watch(options()).await.evaluate(bench.until(10)).await.unwrap();
    assert_eq!(bench.ages_now().await, [Alarm, Ok]);
    let text = "subsystem: test\nrules:\n  - {name: other, kind: composite, tier: low, summary: A., impact: B., \
                runbook: queue-age, alarm_rule: 'FALSE'}\n";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.yaml"), text).unwrap();
    let rules = RuleFiles::load(folder.path(), &Limits::default()).unwrap();
    let mut watch = bench.watch(WatchOptions { rules, ..options() }).await;
    let log = &bench.pipeline.local.alarms;
    let statuses = log.statuses().await.unwrap();
    assert!(statuses.iter().all(|status| !status.rule.as_str().starts_with("queue-age")), "{statuses:?}");
    let periods = log.periods(None, minute(0), minute(60)).await.unwrap();
    assert!(periods.iter().all(|period| period.until == Some(minute(10))), "{periods:?}");
    // Back again, it is evaluated from the beginning.
    watch.evaluate(bench.until(11)).await.unwrap();
    bench.ages(11, 10, 400.0);
    bench.watch(options()).await.evaluate(bench.until(20)).await.unwrap();
    assert_eq!(bench.ages_now().await, [Alarm, Ok]);
}

#[tokio::test]
async fn each_opening_that_was_missed_has_its_own_digest_and_a_holiday_has_none() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::open(dir.path(), start()).await;
    for day in 0..4 {
        bench.ages(day * DAY + 18 * HOUR, 30, 400.0);
        bench.ages(day * DAY + 18 * HOUR + 30, 30, 5.0);
    }
    let mut watch = bench.watch(options()).await;
    watch.evaluate(bench.until(4 * DAY)).await.unwrap();
    let digests = bench.pipeline.local.alarms.messages("digest", 10).await.unwrap();
    let openings: Vec<_> = digests.iter().map(|digest| digest["at"].as_str().unwrap().to_owned()).collect();
    // Wednesday is a holiday: Thursday's digest has two nights.
    assert_eq!(openings, ["2026-03-06T09:00:00Z", "2026-03-05T09:00:00Z", "2026-03-03T09:00:00Z"]);
    assert_eq!(digests[1]["digest"]["cleared"].as_array().unwrap().len(), 2, "{}", digests[1]);
}

#[tokio::test]
async fn the_document_has_the_meaning_and_the_links() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::open(dir.path(), start()).await;
    bench.pipeline.local.note(LINK_BASE, "http://127.0.0.1:3000").await.unwrap();
    bench.ages(0, 10, 2_000.0);
    bench.watch(options()).await.evaluate(bench.until(10)).await.unwrap();
    let documents = bench.pipeline.local.alarms.messages("alarm", 10).await.unwrap();
    let document = documents.iter().find(|document| document["rule"] == "queue-age-high").unwrap();
    assert_eq!(document["id"], "queue-age-high/2026-03-02T09:03:00Z/ALARM");
    assert_eq!((&document["tier"], &document["state"]), (&"high".into(), &"ALARM".into()));
    assert_eq!(document["runbook"], "queue-age");
    assert_eq!(
        document["link"],
        "http://127.0.0.1:3000/alarms/queue-age-high?from=2026-03-02T08:03:00Z&to=2026-03-02T09:33:00Z"
    );
    let text = document["text"].as_str().unwrap();
    assert!(text.starts_with("high alarm queue-age-high: The oldest message has waited"), "{text}");
    for field in ["version", "kind", "at", "previous_state", "reason", "summary", "impact"] {
        assert!(!document[field].is_null(), "{field}: {document}");
    }
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Result::Ok(())
    }
}

#[tokio::test]
async fn notifications_are_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::open(dir.path(), start()).await;
    bench.ages(0, 10, 2_000.0);
    bench.ages(10, 10, 5.0);
    let captured = Captured::default();
    let to = captured.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("warn,spillway::alarms=info")
        .with_ansi(false)
        .with_writer(move || to.clone())
        .finish();
    // The test's runtime has one thread, and so has its log.
    let guard = tracing::subscriber::set_default(subscriber);
    bench.watch(options()).await.evaluate(bench.until(20)).await.unwrap();
    drop(guard);
    let text = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2, "both fired and both cleared, as one incident\n{text}");
    assert!(
        lines.iter().any(|line| line.contains("WARN spillway::alarms: high alarm queue-age-high: ")),
        "{text}"
    );
    assert!(
        lines.iter().any(|line| line.contains("INFO spillway::alarms: high alarm queue-age-high is over")),
        "{text}"
    );
}
