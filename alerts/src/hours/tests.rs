//! A simulated year in three time zones: nothing is notified out of hours, and every firing is reported.

use super::{BusinessHours, HoursConfig, HoursError, Message, Notifier, NotifierState};
use crate::rules::{Limits, RuleName, RuleSet};
use crate::state::{AlarmState, StateChange};
use jiff::civil::{date, time};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeMap;

const ZONES: [&str; 3] = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"];

fn config(zone: &str) -> HoursConfig {
    HoursConfig {
        zone: zone.to_owned(),
        days: ["monday", "tuesday", "wednesday", "thursday", "friday"].map(str::to_owned).to_vec(),
        open: time(9, 0, 0, 0),
        close: time(17, 0, 0, 0),
        holidays: vec![date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6), date(2026, 12, 25)],
    }
}

fn hours(zone: &str) -> BusinessHours {
    BusinessHours::new(&config(zone)).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn opening_time_follows_daylight_saving_in_both_directions() {
    let berlin = hours("Europe/Berlin");
    // Friday, 27 March 2026; clocks go forward on the 29th and back on 25 October.
    assert_eq!(berlin.next_opening(at("2026-03-27T12:00:00Z")), Some(at("2026-03-30T07:00:00Z")));
    assert_eq!(berlin.last_closing(at("2026-03-28T00:00:00Z")), Some(at("2026-03-27T16:00:00Z")));
    assert_eq!(berlin.next_opening(at("2026-10-23T12:00:00Z")), Some(at("2026-10-26T08:00:00Z")));
    let lord_howe = hours("Australia/Lord_Howe");
    // Half an hour of daylight saving, ending on 5 April 2026 and beginning on 4 October.
    assert_eq!(lord_howe.next_opening(at("2026-04-02T12:00:00Z")), Some(at("2026-04-06T22:30:00Z")));
    assert_eq!(lord_howe.next_opening(at("2026-10-04T00:00:00Z")), Some(at("2026-10-04T22:00:00Z")));
}

#[test]
fn business_hours_exclude_weekends_and_holidays() {
    let berlin = hours("Europe/Berlin");
    assert!(berlin.is_open(at("2026-01-05T08:00:00Z")));
    assert!(!berlin.is_open(at("2026-01-05T07:59:59Z")));
    assert!(!berlin.is_open(at("2026-01-05T16:00:00Z")), "the end does not belong to it");
    assert!(!berlin.is_open(at("2026-01-10T10:00:00Z")), "Saturday");
    assert!(!berlin.is_open(at("2026-04-06T10:00:00Z")), "holiday");
    assert_eq!(berlin.next_opening(at("2026-04-02T16:00:00Z")), Some(at("2026-04-07T07:00:00Z")));
    assert_eq!(berlin.last_opening(at("2026-04-07T06:59:00Z")), Some(at("2026-04-02T07:00:00Z")));
}

#[test]
fn a_local_time_that_is_skipped_is_taken_an_hour_later() {
    let sunday =
        HoursConfig { days: vec!["sunday".to_owned()], open: time(2, 30, 0, 0), ..config("Europe/Berlin") };
    let hours = BusinessHours::new(&sunday).unwrap();
    assert_eq!(hours.next_opening(at("2026-03-28T12:00:00Z")), Some(at("2026-03-29T01:30:00Z")));
}

#[test]
fn wrong_hours_say_what_was_expected() {
    let refused = |config: HoursConfig| BusinessHours::new(&config).unwrap_err();
    let good = || config("Europe/Berlin");
    assert_eq!(refused(config("Europe/Atlantis")), HoursError::Zone("Europe/Atlantis".to_owned()));
    assert_eq!(
        refused(HoursConfig { days: vec!["Mon".to_owned()], ..good() }),
        HoursError::Day("Mon".to_owned())
    );
    assert_eq!(refused(HoursConfig { days: Vec::new(), ..good() }), HoursError::NoDays);
    let (open, close) = (time(9, 0, 0, 0), time(9, 0, 0, 0));
    assert_eq!(refused(HoursConfig { close, ..good() }), HoursError::Order { open, close });
}

fn rules() -> RuleSet {
    let rule = |name: &str, tier: &str, twin: &str| {
        format!(
            "  - {{name: {name}, kind: composite, tier: {tier}, {twin}summary: A., impact: B., runbook: about-{name}, alarm_rule: 'FALSE'}}\n"
        )
    };
    let text = format!(
        "subsystem: test\nrules:\n{}{}{}",
        rule("one", "low", ""),
        rule("two", "low", ""),
        rule("urgent", "high", "low_twin: one, ")
    );
    RuleSet::parse(&[("rules.yaml", &text)], &Limits::default()).unwrap()
}

fn change(rule: &str, at: Timestamp, to: AlarmState) -> StateChange {
    let from = if to == AlarmState::Alarm { AlarmState::Ok } else { AlarmState::Alarm };
    StateChange { rule: RuleName::new(rule), at, from, to, reason: "a reason".to_owned() }
}

#[test]
fn high_alarms_notify_at_night_and_low_ones_in_the_morning() {
    let mut notifier = Notifier::new(&rules(), hours("Europe/Berlin"), NotifierState::default());
    let night = at("2026-01-06T02:00:00Z");
    let fired = [change("one", night, AlarmState::Alarm), change("urgent", night, AlarmState::Alarm)];
    let messages = notifier.notify(night, &fired);
    assert!(
        matches!(&messages[..], [Message::Change { change, .. }] if change.rule.as_str() == "urgent"),
        "{messages:?}"
    );

    // After a restart it continues from its saved state.
    let saved = notifier.state().clone();
    let mut notifier = Notifier::new(&rules(), hours("Europe/Berlin"), saved);
    let cleared = at("2026-01-06T03:00:00Z");
    assert_eq!(notifier.notify(cleared, &[change("one", cleared, AlarmState::Ok)]), []);
    let two = at("2026-01-06T05:00:00Z");
    assert_eq!(notifier.notify(two, &[change("two", two, AlarmState::Alarm)]), []);

    let morning = at("2026-01-06T08:00:00Z");
    let messages = notifier.notify(morning, &[]);
    let [Message::Digest { digest }] = &messages[..] else { panic!("expected a digest: {messages:?}") };
    assert_eq!(digest.closed_at, Some(at("2026-01-05T16:00:00Z")));
    let text = digest.text(hours("Europe/Berlin").zone());
    let expected = "Low-priority alarms since Mon 05 Jan 17:00: 1 in alarm now, 1 fired and cleared.\n\nIn alarm now\n  \
                    two: Tue 06 Jan 06:00 (a reason)\n\nFired and cleared\n  one: Tue 06 Jan 03:00 to Tue 06 Jan 04:00 (a reason)\n";
    assert_eq!(text, expected);
    assert_eq!(notifier.notify(at("2026-01-06T08:01:00Z"), &[]), [], "reported once");
}

#[test]
fn a_rule_that_is_gone_is_in_no_digest() {
    let night = at("2026-01-06T02:00:00Z");
    let mut notifier = Notifier::new(&rules(), hours("Europe/Berlin"), NotifierState::default());
    let fired = [change("one", night, AlarmState::Alarm), change("two", night, AlarmState::Alarm)];
    assert_eq!(notifier.notify(night, &fired), []);
    let saved = notifier.state().clone();
    let text = "subsystem: test\nrules:\n  - {name: two, kind: composite, tier: low, summary: A., impact: B., runbook: c, \
                alarm_rule: 'FALSE'}\n";
    let left = RuleSet::parse(&[("rules.yaml", text)], &Limits::default()).unwrap();
    let mut notifier = Notifier::new(&left, hours("Europe/Berlin"), saved);
    let messages = notifier.notify(at("2026-01-06T08:00:00Z"), &[]);
    let [Message::Digest { digest }] = &messages[..] else { panic!("expected a digest: {messages:?}") };
    let text = digest.text(hours("Europe/Berlin").zone());
    assert!(text.contains("two") && !text.contains("one:"), "{text}");
}

#[test]
fn a_low_alarm_of_yesterday_that_is_found_at_night_waits_for_the_morning() {
    let mut notifier = Notifier::new(&rules(), hours("Europe/Berlin"), NotifierState::default());
    let in_hours = at("2026-01-05T15:59:00Z");
    assert_eq!(notifier.notify(at("2026-01-05T15:58:00Z"), &[]), []);
    let late = [change("one", in_hours, AlarmState::Alarm), change("urgent", in_hours, AlarmState::Alarm)];
    let messages = notifier.notify(at("2026-01-06T02:00:00Z"), &late);
    assert!(
        matches!(&messages[..], [Message::Change { change, .. }] if change.rule.as_str() == "urgent"),
        "{messages:?}"
    );
    let messages = notifier.notify(at("2026-01-06T08:00:00Z"), &[]);
    let [Message::Digest { digest }] = &messages[..] else { panic!("expected a digest: {messages:?}") };
    assert!(digest.text(hours("Europe/Berlin").zone()).contains("one"));
}

/// Random alarms over a year: each entry is a pause and a duration in minutes.
fn alarms() -> impl Strategy<Value = Vec<(u32, u32)>> {
    prop::collection::vec((1_u32..4_000, 1_u32..3_000), 150)
}

fn changes_of(rule: &str, start: Timestamp, alarms: &[(u32, u32)]) -> Vec<StateChange> {
    let mut at = start;
    let mut changes = Vec::new();
    for (pause, duration) in alarms {
        at += SignedDuration::from_mins(i64::from(*pause));
        changes.push(change(rule, at, AlarmState::Alarm));
        at += SignedDuration::from_mins(i64::from(*duration));
        changes.push(change(rule, at, AlarmState::Ok));
    }
    changes
}

/// What must have been notified, computed without the notifier: periods in ALARM by rule.
fn periods(changes: &[StateChange]) -> Vec<(RuleName, Timestamp, Timestamp)> {
    let mut open = BTreeMap::new();
    let mut found = Vec::new();
    for change in changes {
        if change.to == AlarmState::Alarm {
            open.insert(change.rule.clone(), change.at);
        } else if let Some(from) = open.remove(&change.rule) {
            found.push((change.rule.clone(), from, change.at));
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, ..ProptestConfig::default() })]

    #[test]
    fn every_firing_of_a_year_is_notified_or_in_a_digest(one in alarms(), two in alarms()) {
        for zone in ZONES {
            year(zone, &one, &two)?;
        }
    }
}

fn year(zone: &str, one: &[(u32, u32)], two: &[(u32, u32)]) -> Result<(), TestCaseError> {
    let hours = hours(zone);
    let start = at("2025-12-31T23:00:00Z");
    let end = at("2027-01-01T00:00:00Z");
    let mut changes = changes_of("one", start, one);
    changes.extend(changes_of("two", start, two));
    changes.sort_by_key(|change| change.at);
    changes.retain(|change| change.at <= end);

    let mut notifier = Notifier::new(&rules(), hours.clone(), NotifierState::default());
    let mut now = start;
    let mut next = 0;
    let mut messages: Vec<(Timestamp, Message)> = Vec::new();
    while now <= end {
        let due = changes[next..].partition_point(|change| change.at <= now);
        messages.extend(
            notifier.notify(now, &changes[next..next + due]).into_iter().map(|message| (now, message)),
        );
        next += due;
        now += SignedDuration::from_mins(1);
    }

    for (when, message) in &messages {
        prop_assert!(hours.is_open(*when), "{zone}: {message:?} at {when}");
    }
    let digest_at = |opening: Timestamp| {
        messages.iter().find_map(|(when, message)| match message {
            Message::Digest { digest } if *when == opening => Some(digest),
            _ => None,
        })
    };
    let mut openings = 0;
    let mut opening = hours.next_opening(start);
    while let Some(open) = opening.filter(|open| *open <= end) {
        openings += 1;
        let closed = hours.last_closing(open).unwrap();
        for (rule, from, until) in periods(&changes) {
            // In ALARM just before business hours begin. A change at that very minute is notified as a
            // change.
            if from < open && until >= open {
                let known = digest_at(open)
                    .is_some_and(|digest| digest.still_in_alarm.iter().any(|entry| entry.rule == rule));
                prop_assert!(known, "{zone}: {rule} in alarm at {open} was not reported");
            }
            // Cleared while closed, whenever it fired.
            if until >= closed && until < open && until > start {
                let known = digest_at(open).is_some_and(|digest| {
                    digest
                        .cleared
                        .iter()
                        .any(|entry| entry.rule == rule && entry.until == Some(until) && entry.from == from)
                });
                prop_assert!(
                    known,
                    "{zone}: {rule} from {from} to {until} is missing from the digest of {open}"
                );
            }
        }
        opening = hours.next_opening(open);
    }
    // 261 weekdays in 2026, of which four are holidays.
    prop_assert!((256..=258).contains(&openings), "{zone}: {openings} openings");
    // In business hours, every change is notified at once.
    for change in changes.iter().filter(|change| hours.is_open(change.at)) {
        let known = messages.iter().any(|(when, message)| {
            *when == change.at
                && matches!(message, Message::Change { change: messages, .. } if messages == change)
        });
        prop_assert!(known, "{zone}: {change:?} was not notified at once");
    }
    Ok(())
}
