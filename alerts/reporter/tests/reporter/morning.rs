//! The digest: Tuesday, 3 March 2026, nine o'clock in Berlin; business hours ended on Monday at five.

use crate::support::{Fake, ask, change, status};
use spillway_alerts::AlarmState::{Alarm, InsufficientData, Ok as Healthy};
use spillway_alerts_reporter::ports::PortError;
use spillway_alerts_reporter::{Answer, DigestError, DigestOutcome, RunError};

const OPENING: &str = "2026-03-03T08:00:20Z";
const DIGEST: &str = r#"{"task":"digest"}"#;

fn sent(sent: DigestOutcome) -> Answer {
    Answer::DigestOutcome { digest: sent }
}

#[tokio::test]
async fn what_fired_and_cleared_overnight_is_reported_with_what_is_still_wrong() {
    let fake = Fake::default();
    fake.with(|world| {
        world.changes = vec![
            change("queue-age-low", "2026-03-02T20:00:00Z", Healthy, Alarm),
            change("queue-age-low", "2026-03-02T21:30:00Z", Alarm, Healthy),
            // In alarm since before closing.
            change("queue-depth-low", "2026-03-03T01:00:00Z", Alarm, InsufficientData),
            change("ingest-errors-low", "2026-03-03T05:00:00Z", Healthy, Alarm),
            // In order: notified at once, at night; a part of a composite; a subsystem; another deployment;
            // after the opening.
            change("queue-age-high", "2026-03-02T20:10:00Z", Healthy, Alarm),
            change("availability-burn-14x-long", "2026-03-02T20:10:00Z", Healthy, Alarm),
            change("low-queue", "2026-03-02T20:00:00Z", Healthy, Alarm),
            change("api-4xx-low", "2026-03-03T08:00:05Z", Healthy, Alarm),
        ];
        world.changes.push(spillway_alerts_reporter::ports::Change {
            alarm: "other-queue-age-low".into(),
            ..change("x", "2026-03-02T23:00:00Z", Healthy, Alarm)
        });
        world.before = vec![change("queue-depth-low", "2026-03-02T10:00:00Z", Healthy, Alarm)];
        world.now = vec![
            status("ingest-errors-low", "2026-03-03T05:00:00Z", Alarm),
            status("duplicates-low", "2026-02-27T12:00:00Z", Alarm),
            status("api-4xx-low", "2026-03-03T08:00:05Z", Alarm),
        ];
    });
    let function = fake.function(OPENING, true);
    assert_eq!(ask(&function, DIGEST).await.unwrap(), sent(DigestOutcome::Sent));

    let (subject, text) = fake.with(|world| world.mails.pop()).unwrap();
    assert_eq!(subject, "shop: 2 low alarms now, 2 fired and cleared while closed");
    let expected = [
        "Low-priority alarms since Mon 02 Mar 17:00: 2 in alarm now, 2 fired and cleared.",
        "\nIn alarm now\n  ingest-errors-low: Tue 03 Mar 06:00 (ingest-errors-low because)\n",
        "  duplicates-low: Mon 02 Mar 17:00 (it was in alarm before; CloudWatch no longer has the time)\n",
        "  queue-depth-low: Mon 02 Mar 11:00 to Tue 03 Mar 02:00 (queue-depth-low because)\n",
        "  queue-age-low: Mon 02 Mar 21:00 to Mon 02 Mar 22:30 (queue-age-low because)\n",
        "\nqueue-age-low\n  The oldest message has waited for more than five minutes. Events are stored late; no event is lost.\n",
        "  Alarm: https://spillway.example.com/alarms/queue-age-low?from=2026-03-02T19%3A00%3A00Z&to=2026-03-03T08%3A00%3A00Z\n",
        "  Runbook: https://spillway.example.com/runbooks/queue-age\n",
        "  Chart: https://pictures.example.com/2026-03-03T08:00:00Z/queue-age-low.png\n",
    ];
    for line in expected {
        assert!(text.contains(line), "expected {line:?} in\n{text}");
    }
    for other in ["queue-age-high", "14x", "low-queue", "other-", "api-4xx"] {
        assert!(!text.contains(other), "{other} in\n{text}");
    }
    let png = fake.with(|world| world.pictures["2026-03-03T08:00:00Z/queue-age-low.png"].clone());
    assert!(png.starts_with(b"\x89PNG"));
}

#[tokio::test]
async fn the_digest_of_an_opening_is_sent_once() {
    let fake = Fake::default();
    fake.with(|world| world.changes = vec![change("queue-age-low", "2026-03-02T20:00:00Z", Healthy, Alarm)]);
    let function = fake.function(OPENING, true);
    assert_eq!(ask(&function, DIGEST).await.unwrap(), sent(DigestOutcome::Sent));
    assert_eq!(ask(&function, DIGEST).await.unwrap(), sent(DigestOutcome::Already));
    assert_eq!(
        ask(&fake.function("2026-03-03T08:07:00Z", true), DIGEST).await.unwrap(),
        sent(DigestOutcome::Already)
    );
    assert_eq!(fake.with(|world| world.mails.len()), 1);
    assert_eq!(
        ask(&fake.function("2026-03-04T08:00:00Z", true), DIGEST).await.unwrap(),
        sent(DigestOutcome::Nothing)
    );
}

#[tokio::test]
async fn a_night_without_alarms_is_not_reported() {
    let fake = Fake::default();
    fake.with(|world| {
        world.changes = vec![change("queue-age-low", "2026-03-02T20:00:00Z", InsufficientData, Healthy)]
    });
    assert_eq!(ask(&fake.function(OPENING, true), DIGEST).await.unwrap(), sent(DigestOutcome::Nothing));
    assert!(fake.with(|world| world.mails.is_empty()));
}

#[tokio::test]
async fn what_could_not_be_sent_is_tried_again() {
    let fake = Fake::default();
    fake.with(|world| world.changes = vec![change("queue-age-low", "2026-03-02T20:00:00Z", Healthy, Alarm)]);
    let function = fake.function(OPENING, true);
    for broken in ["topic", "cloudwatch", "table"] {
        fake.with(|world| world.broken.insert(broken));
        let error = ask(&function, DIGEST).await.unwrap_err();
        assert!(error.to_string().ends_with(&format!(": {broken} does not answer")), "{error}");
        let RunError::Digest(DigestError::Port { source, .. }) = error else { panic!("{error:?}") };
        assert_eq!(source, PortError(format!("{broken} does not answer")));
        fake.with(|world| world.broken.clear());
    }
    assert_eq!(ask(&function, DIGEST).await.unwrap(), sent(DigestOutcome::Sent));
}

#[tokio::test]
async fn a_digest_is_sent_without_charts_if_they_fail() {
    for broken in ["bucket", "metrics"] {
        let fake = Fake::default();
        fake.with(|world| {
            world.changes = vec![change("queue-age-low", "2026-03-02T20:00:00Z", Healthy, Alarm)];
            world.broken.insert(broken);
        });
        assert_eq!(ask(&fake.function(OPENING, true), DIGEST).await.unwrap(), sent(DigestOutcome::Sent));
        let (_, text) = fake.with(|world| world.mails.pop()).unwrap();
        assert!(text.contains("queue-age-low") && !text.contains("Chart:"), "{text}");
    }
}

#[tokio::test]
async fn no_digest_is_sent_at_night_on_a_holiday_or_without_hours() {
    let fake = Fake::default();
    for (now, hours) in
        [("2026-03-03T06:00:00Z", true), ("2026-04-03T08:00:00Z", true), ("2026-03-03T08:00:00Z", false)]
    {
        assert_eq!(
            ask(&fake.function(now, hours), DIGEST).await.unwrap(),
            sent(DigestOutcome::NotOpen),
            "{now}"
        );
    }
    assert!(fake.with(|world| world.claims.is_empty()));
}

#[tokio::test]
async fn a_long_weekend_is_reported_as_a_whole() {
    let fake = Fake::default();
    // Good Friday is a holiday, so Tuesday's opening is the first but Monday's; hours ended on Thursday.
    fake.with(|world| {
        world.changes = vec![
            change("queue-age-low", "2026-04-03T10:00:00Z", Healthy, Alarm),
            change("queue-age-low", "2026-04-05T10:00:00Z", Alarm, Healthy),
        ];
    });
    assert_eq!(
        ask(&fake.function("2026-04-06T07:00:10Z", true), DIGEST).await.unwrap(),
        sent(DigestOutcome::Sent)
    );
    let (_, text) = fake.with(|world| world.mails.pop()).unwrap();
    assert!(text.contains("since Thu 02 Apr 17:00"), "{text}");
    assert_eq!(fake.with(|world| world.claims.clone()), [("2026-04-06T07:00:00Z".to_owned(), true)].into());
}

#[tokio::test]
async fn a_night_of_flapping_is_reported_in_a_readable_mail() {
    let fake = Fake::default();
    fake.with(|world| {
        for minute in 0..300 {
            let hour = 17 + minute / 60;
            let time = |second| format!("2026-03-02T{hour:02}:{:02}:{second:02}Z", minute % 60);
            world.changes.push(change("queue-age-low", &time(0), Healthy, Alarm));
            world.changes.push(change("queue-age-low", &time(30), Alarm, Healthy));
        }
    });
    assert_eq!(ask(&fake.function(OPENING, true), DIGEST).await.unwrap(), sent(DigestOutcome::Sent));
    let (subject, text) = fake.with(|world| world.mails.pop()).unwrap();
    assert!(subject.contains("300 fired and cleared"), "{subject}");
    assert!(text.len() < 32 * 1024 && text.contains("  and 200 more\n"), "{} bytes", text.len());
}

#[tokio::test]
async fn an_unknown_payload_is_refused_with_the_expected_ones() {
    let fake = Fake::default();
    let error = ask(&fake.function(OPENING, true), r#"{"task":"tea"}"#).await.unwrap_err();
    assert!(
        error.to_string().contains(r#"{"task": "digest"}, "catch-up", "budget" and "time-to-loss""#),
        "{error}"
    );
}
