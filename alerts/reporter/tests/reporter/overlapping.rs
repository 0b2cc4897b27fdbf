//! Low alarms that fire within hours beside another one: Tuesday, 3 March 2026, half past eleven in Berlin.

use crate::support::{Fake, ask, at, change, status};
use spillway_alerts::AlarmState::{Alarm, InsufficientData, Ok as Healthy};
use spillway_alerts_reporter::{Answer, DigestOutcome, RunError};

const NOW: &str = "2026-03-03T10:30:00Z";
const CATCH_UP: &str = r#"{"task":"catch-up"}"#;

fn caught_up(digest: Option<DigestOutcome>, alarms: usize) -> Answer {
    Answer::CaughtUp { digest, alarms, is_suppressed: false }
}

/// The state after the morning's digest was sent, or was empty.
fn after_the_opening() -> Fake {
    let fake = Fake::default();
    fake.with(|world| world.claims.insert(at("2026-03-03T08:00:00Z").to_string(), true));
    fake
}

#[tokio::test]
async fn the_second_alarm_of_a_subsystem_is_sent_and_the_first_is_not() {
    let fake = after_the_opening();
    fake.with(|world| {
        world.changes = vec![
            // On since the night before; a second one fires, clears and fires again.
            change("queue-depth-low", "2026-03-03T10:05:00Z", InsufficientData, Alarm),
            change("queue-depth-low", "2026-03-03T10:10:00Z", Alarm, Healthy),
            change("queue-depth-low", "2026-03-03T10:20:00Z", Healthy, Alarm),
            // The first of its subsystem, and then a second.
            change("ingest-errors-low", "2026-03-03T10:21:00Z", Healthy, Alarm),
            change("consumer-errors-low", "2026-03-03T10:22:00Z", Healthy, Alarm),
            // In order: a rule that notifies itself; one alone in its subsystem; one that clears before the next
            // fires.
            change("queue-age-high", "2026-03-03T10:23:00Z", Healthy, Alarm),
            change("dlq-depth-low", "2026-03-03T10:24:00Z", Healthy, Alarm),
            change("api-4xx-low", "2026-03-03T10:24:00Z", Healthy, Alarm),
            change("api-4xx-low", "2026-03-03T10:25:00Z", Alarm, Healthy),
            change("api-5xx-low", "2026-03-03T10:26:00Z", Healthy, Alarm),
        ];
        world.now = vec![
            status("queue-age-low", "2026-03-02T20:00:00Z", Alarm),
            status("queue-depth-low", "2026-03-03T10:20:00Z", Alarm),
            status("ingest-errors-low", "2026-03-03T10:21:00Z", Alarm),
            status("consumer-errors-low", "2026-03-03T10:22:00Z", Alarm),
            status("dlq-depth-low", "2026-03-03T10:24:00Z", Alarm),
            status("api-4xx-low", "2026-03-03T10:25:00Z", Healthy),
            status("api-5xx-low", "2026-03-03T10:26:00Z", Alarm),
        ];
    });
    let function = fake.function(NOW, true);
    assert_eq!(ask(&function, CATCH_UP).await.unwrap(), caught_up(Some(DigestOutcome::Already), 3));
    let (subject, text) = fake.with(|world| world.mails.pop()).unwrap();
    assert_eq!(subject, "shop: 3 more low alarms");
    let expected = [
        "\nqueue-depth-low: Tue 03 Mar 11:05 (queue-depth-low because)\n",
        "\nqueue-depth-low: Tue 03 Mar 11:20 (queue-depth-low because)\n",
        "\nconsumer-errors-low: Tue 03 Mar 11:22 (consumer-errors-low because)\n  ",
        "  Alarm: https://spillway.example.com/alarms/consumer-errors-low\n",
        "  Runbook: https://spillway.example.com/runbooks/consumer-errors\n",
    ];
    for line in expected {
        assert!(text.contains(line), "expected {line:?} in\n{text}");
    }
    for other in ["queue-age", "ingest-errors", "dlq-depth", "api-"] {
        assert!(!text.contains(other), "{other} in\n{text}");
    }
    assert_eq!(
        ask(&function, CATCH_UP).await.unwrap(),
        caught_up(Some(DigestOutcome::Already), 0),
        "each is sent once"
    );
    assert!(fake.with(|world| world.mails.is_empty()));
}

#[tokio::test]
async fn unsent_alarms_are_sent_by_the_next_run() {
    let fake = after_the_opening();
    fake.with(|world| {
        world.changes = vec![change("queue-depth-low", "2026-03-03T10:20:00Z", Healthy, Alarm)];
        world.now = vec![status("queue-age-low", "2026-03-02T20:00:00Z", Alarm)];
    });
    let function = fake.function(NOW, true);
    for broken in ["topic", "cloudwatch", "table"] {
        fake.with(|world| world.broken.insert(broken));
        let error = ask(&function, CATCH_UP).await.unwrap_err();
        assert!(matches!(error, RunError::Digest(_)), "{error:?}");
        fake.with(|world| world.broken.clear());
    }
    let later = fake.function("2026-03-03T10:50:00Z", true);
    assert_eq!(ask(&later, CATCH_UP).await.unwrap(), caught_up(Some(DigestOutcome::Already), 1));
    let (subject, _) = fake.with(|world| world.mails.pop()).unwrap();
    assert_eq!(subject, "shop: queue-depth-low too");
}

#[tokio::test]
async fn a_digest_that_could_not_be_sent_is_sent_later_that_day() {
    let fake = Fake::default();
    fake.with(|world| world.changes = vec![change("queue-age-low", "2026-03-02T20:00:00Z", Healthy, Alarm)]);
    let function = fake.function(NOW, true);
    assert_eq!(ask(&function, CATCH_UP).await.unwrap(), caught_up(Some(DigestOutcome::Sent), 0));
    assert_eq!(ask(&function, CATCH_UP).await.unwrap(), caught_up(Some(DigestOutcome::Already), 0));
    assert_eq!(fake.with(|world| world.mails.len()), 1);
}

#[tokio::test]
async fn nothing_is_sent_out_of_hours_and_everything_is_without_hours() {
    let fake = Fake::default();
    fake.with(|world| {
        world.changes = vec![change("queue-depth-low", "2026-03-03T20:20:00Z", Healthy, Alarm)];
        world.now = vec![status("queue-age-low", "2026-03-02T20:00:00Z", Alarm)];
    });
    let night = "2026-03-03T20:30:00Z";
    assert_eq!(ask(&fake.function(night, true), CATCH_UP).await.unwrap(), caught_up(None, 0));
    assert_eq!(ask(&fake.function(night, false), CATCH_UP).await.unwrap(), caught_up(None, 1));
}

#[tokio::test]
async fn alarms_from_before_business_hours_are_left_to_the_digest() {
    let fake = after_the_opening();
    fake.with(|world| {
        world.changes = vec![change("queue-depth-low", "2026-03-03T07:50:00Z", Healthy, Alarm)];
        world.now = vec![status("queue-age-low", "2026-03-02T20:00:00Z", Alarm)];
    });
    let function = fake.function("2026-03-03T08:05:00Z", true);
    assert_eq!(ask(&function, CATCH_UP).await.unwrap(), caught_up(Some(DigestOutcome::Already), 0));
}

#[tokio::test]
async fn low_alarms_that_stay_suppressed_after_the_opening_are_reported_once_a_day() {
    let fake = after_the_opening();
    fake.with(|world| world.now = vec![status("out-of-hours", "2026-03-02T16:00:00Z", Alarm)]);
    let reported = async |now: &str| {
        let answer = ask(&fake.function(now, true), CATCH_UP).await.unwrap();
        let Answer::CaughtUp { is_suppressed, .. } = answer else { panic!("{answer:?}") };
        (is_suppressed, fake.with(|world| world.mails.pop()))
    };
    assert_eq!(
        reported("2026-03-03T08:30:00Z").await,
        (false, None),
        "the schedule tries again for half an hour"
    );
    let (is_suppressed, mail) = reported("2026-03-03T08:40:00Z").await;
    let (subject, text) = mail.unwrap();
    assert!(is_suppressed && subject == "shop: low alarms are silent although business hours have begun");
    assert!(text.contains("set-alarm-state --alarm-name shop-out-of-hours --state-value OK"), "{text}");
    assert_eq!(reported("2026-03-03T08:45:00Z").await, (false, None));
    fake.with(|world| world.now = vec![status("out-of-hours", "2026-03-03T08:00:00Z", Healthy)]);
    assert_eq!(reported("2026-03-03T09:00:00Z").await, (false, None));
}
