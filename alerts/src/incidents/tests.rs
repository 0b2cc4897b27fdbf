//! What is one incident, and what of it is news.

use super::{
    Act, ActError, Families, Incident, MuteKind, News, Notice, NoticeOutcome, Response, Tracker, TrackerState,
};
use crate::rules::{Limits, RuleName, RuleSet, Tier};
use crate::state::{AlarmState, StateChange};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const DAY: &str = "2026-03-02T09:00:00Z";

fn at(minute: i64) -> Timestamp {
    DAY.parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}

/// `RULE` fires at a minute, `-RULE` clears.
fn change((minute, text): (i64, &str)) -> StateChange {
    let (rule, to) = match text.strip_prefix('-') {
        Some(rule) => (rule, AlarmState::Ok),
        None => (text, AlarmState::Alarm),
    };
    let from = if to == AlarmState::Ok { AlarmState::Alarm } else { AlarmState::Ok };
    StateChange { rule: RuleName::new(rule), at: at(minute), from, to, reason: "why".to_owned() }
}

fn rules() -> RuleSet {
    RuleSet::built_in(&Limits::built_in().unwrap()).unwrap()
}

fn tracker() -> Tracker {
    Tracker::new(Families::of(&rules()), TrackerState::default())
}

/// The news of some changes: minute, news and tier.
fn news(tracker: &mut Tracker, changes: &[(i64, &str)]) -> Vec<(i64, News, Tier)> {
    let changes: Vec<StateChange> = changes.iter().copied().map(change).collect();
    let minute = |time: Timestamp| (time.as_second() - at(0).as_second()) / 60;
    tracker.take(&changes).into_iter().map(|of| (minute(of.change.at), of.news, of.tier)).collect()
}

fn ids(tracker: &Tracker) -> Vec<(&str, &str)> {
    tracker.incidents().iter().map(|incident| (incident.id.as_str(), &*incident.cause)).collect()
}

#[test]
fn a_store_outage_is_one_incident_from_its_first_alarm_to_its_last() {
    let mut tracker = tracker();
    let found = news(
        &mut tracker,
        &[
            (1, "records-retried-low"),
            (1, "table-system-errors-low"),
            (2, "receive-count-low"),
            (11, "table-system-errors-high"),
            (19, "records-retried-high"),
            (171, "dead-letters-arriving-low"),
            (175, "records-rejected-low"),
            (187, "dead-letters-arriving-high"),
            (200, "-table-system-errors-high"),
            (200, "-table-system-errors-low"),
            (201, "-records-retried-high"),
            (202, "-dead-letters-arriving-high"),
            (203, "-records-retried-low"),
            (204, "-receive-count-low"),
            (300, "-records-rejected-low"),
            (310, "-dead-letters-arriving-low"),
        ],
    );
    use News::{Escalated, Opened, Over};
    use Tier::{High, Low};
    assert_eq!(found, [(1, Opened, Low), (11, Escalated, High), (310, Over, High)]);
    assert_eq!(ids(&tracker), [("20260302-0901", "table-system-errors")]);
    let incident = &tracker.incidents()[0];
    assert_eq!((incident.causes().count(), incident.symptoms().count()), (2, 6));
    assert_eq!((incident.began, incident.ended), (at(1), Some(at(310))));
}

#[test]
fn another_fault_at_the_same_time_is_another_incident() {
    let mut tracker = tracker();
    let found = news(
        &mut tracker,
        &[
            (1, "table-system-errors-low"),
            (1, "records-rejected-low"),
            (5, "records-rejected-high"),
            (11, "table-system-errors-high"),
            (12, "dead-letters-arriving-high"),
        ],
    );
    let high: Vec<_> = found.iter().filter(|(_, _, tier)| *tier == Tier::High).map(|(at, ..)| *at).collect();
    assert_eq!(high, [5, 11], "the schema broke at once; an outage rejects only after hours");
    assert_eq!(ids(&tracker).len(), 2);
    assert!(ids(&tracker)[0].0 != ids(&tracker)[1].0, "{:?}", ids(&tracker));
}

#[test]
fn a_cause_that_is_found_later_notifies_again_and_a_symptom_does_not() {
    let mut tracker = tracker();
    assert_eq!(news(&mut tracker, &[(1, "queue-age-low")]), [(1, News::Opened, Tier::Low)]);
    assert_eq!(news(&mut tracker, &[(2, "queue-age-high")]), [(2, News::Escalated, Tier::High)]);
    assert_eq!(news(&mut tracker, &[(3, "queue-depth-low")]), [], "a symptom");
    assert_eq!(news(&mut tracker, &[(4, "queue-stalled-low")]), [(4, News::NewCause, Tier::Low)]);
    assert_eq!(news(&mut tracker, &[(5, "queue-stalled-high")]), [(5, News::NewCause, Tier::High)]);
    assert_eq!(ids(&tracker), [("20260302-0901", "queue-stalled")], "the id stays");
}

#[test]
fn a_common_cause_joins_two_incidents() {
    let mut tracker = tracker();
    let found = news(&mut tracker, &[(1, "archiver-stalled-low"), (2, "consumer-throttles-low")]);
    assert_eq!(found.len(), 2);
    assert_eq!(news(&mut tracker, &[(3, "account-concurrency-low")]), [(3, News::NewCause, Tier::Low)]);
    let (first, second) = (&tracker.incidents()[0], &tracker.incidents()[1]);
    assert_eq!((&*first.cause, first.members.len()), ("account-concurrency", 3));
    assert_eq!((second.ended, &second.merged_into), (Some(at(3)), &Some(first.id.clone())));
    let over =
        [(9, "-archiver-stalled-low"), (9, "-consumer-throttles-low"), (9, "-account-concurrency-low")];
    assert_eq!(news(&mut tracker, &over), [(9, News::Over, Tier::Low)], "once");
}

#[test]
fn what_fires_again_within_half_an_hour_is_the_same_incident_and_news() {
    let mut tracker = tracker();
    let changes = [(1, "table-throttles-high"), (5, "-table-throttles-high"), (34, "table-throttles-high")];
    let found = news(&mut tracker, &changes);
    let kinds: Vec<_> = found.iter().map(|(_, news, _)| *news).collect();
    assert_eq!(kinds, [News::Opened, News::Over, News::Again]);
    assert_eq!(tracker.incidents().len(), 1);
    assert_eq!((tracker.incidents()[0].began, tracker.incidents()[0].active_since), (at(1), at(34)));
    let later = [(40, "-table-throttles-high"), (70, "table-throttles-high")];
    assert_eq!(news(&mut tracker, &later).last(), Some(&(70, News::Opened, Tier::High)));
}

#[test]
fn a_high_alarm_after_the_end_notifies_also_if_it_is_a_symptom() {
    let mut tracker = tracker();
    news(&mut tracker, &[(1, "table-throttles-low"), (5, "-table-throttles-low")]);
    assert_eq!(news(&mut tracker, &[(6, "receive-count-low")]), [], "an aftermath");
    assert_eq!(news(&mut tracker, &[(7, "receive-count-high")]), [(7, News::Escalated, Tier::High)]);
}

#[test]
fn a_cause_that_fires_again_while_symptoms_last_notifies_again() {
    let mut tracker = tracker();
    news(
        &mut tracker,
        &[(1, "table-throttles-high"), (2, "records-retried-high"), (5, "-table-throttles-high")],
    );
    assert_eq!(news(&mut tracker, &[(9, "table-throttles-high")]), [(9, News::Again, Tier::High)]);
}

#[test]
fn after_the_clock_was_set_back_no_id_is_given_twice_and_nothing_is_in_the_future() {
    let mut tracker = tracker();
    news(&mut tracker, &[(10, "table-throttles-high"), (20, "-table-throttles-high")]);
    tracker.forget(at(90));
    news(&mut tracker, &[(90, "records-rejected-high")]);
    tracker.clock_was_set(at(5));
    assert_eq!(tracker.incidents()[0].began, at(5));
    news(&mut tracker, &[(10, "table-throttles-high")]);
    assert_eq!(ids(&tracker)[1].0, "20260302-0910-2");
}

#[test]
fn a_further_high_symptom_is_news_only_after_hours_without_a_high_alarm() {
    let after = |minutes: i64| {
        let mut tracker = tracker();
        let first = [(1, "records-retried-low"), (2, "records-retried-high"), (30, "-records-retried-high")];
        news(&mut tracker, &first);
        news(&mut tracker, &[(30 + minutes, "receive-count-high")])
    };
    assert_eq!(after(75), []);
    assert_eq!(after(4 * 60), [(270, News::Escalated, Tier::High)]);
}

#[test]
fn a_rule_that_is_gone_holds_no_incident() {
    let mut tracker = tracker();
    news(&mut tracker, &[(1, "table-throttles-high")]);
    let state = tracker.state().clone();
    let mut tracker = Tracker::new(Families::of(&RuleSet::empty()), state);
    let changed = tracker.take_changed();
    assert!(!changed[0].is_active(), "{changed:?}");
}

#[test]
fn each_cause_that_a_rule_names_is_a_family_and_none_is_its_own() {
    let rules = rules();
    assert_eq!(Families::unknown(&rules), BTreeSet::new());
    let families = Families::of(&rules);
    for rule in &rules {
        assert!(!families.explains(&rule.family, &rule.family), "{}", rule.family);
        for cause in rule.symptom_of.keys() {
            assert!(
                !families.explains(&rule.family, cause),
                "{} and {cause} explain each other",
                rule.family
            );
        }
        let twin = rule.low_twin.as_ref().and_then(|twin| rules.get(twin.as_str()));
        assert!(
            twin.is_none_or(|twin| twin.family == rule.family),
            "{}: a twin is of the same family",
            rule.name
        );
    }
    assert!(families.explains("table-system-errors", "dead-letters-arriving"), "through any number of steps");
}

/// An incident with a low alarm from minute 1 on, and its responses.
fn one(changes: &[(i64, &str)]) -> Incident {
    let mut tracker = tracker();
    news(&mut tracker, changes);
    tracker.incidents()[0].clone()
}

#[test]
fn a_mute_is_about_what_was_known_and_planned_work_about_everything() {
    let low = one(&[(1, "table-throttles-low")]);
    let mut response = Response::default();
    let hour = Some(SignedDuration::from_hours(1));
    response.apply(&Act::Mute(MuteKind::ForATime, hour, String::new()), "ada", at(2)).unwrap();
    assert!(response.silences(&low, News::Over, at(3)));
    assert!(!response.silences(&low, News::Escalated, at(3)), "it was low when it was muted");
    assert!(!response.silences(&low, News::NewCause, at(3)));
    assert!(!response.silences(&low, News::Over, at(62)), "it is over");
    let high = one(&[(1, "table-throttles-high")]);
    assert!(response.silences(&high, News::Escalated, at(3)), "it was high already");
    response.apply(&Act::Mute(MuteKind::PlannedWork, hour, "new disk".to_owned()), "ada", at(2)).unwrap();
    for news in [News::Escalated, News::NewCause, News::Again] {
        assert!(response.silences(&low, news, at(3)), "{news:?}");
    }
}

#[test]
fn a_mute_until_it_clears_ends_with_the_incident_and_none_lasts_for_ever() {
    let mut response = Response::default();
    response.apply(&Act::Mute(MuteKind::UntilItClears, None, String::new()), "ada", at(2)).unwrap();
    let active = one(&[(1, "table-throttles-low")]);
    assert!(response.mute_at(&active, at(60)).is_some());
    assert!(response.mute_at(&active, at(8 * 24 * 60)).is_none(), "a week at most");
    let again = [(1, "table-throttles-low"), (5, "-table-throttles-low"), (9, "table-throttles-low")];
    assert!(response.mute_at(&one(&again), at(60)).is_none());
    assert!(!response.silences(&one(&again), News::Again, at(9)));
    for (kind, span) in [
        (MuteKind::ForATime, None),
        (MuteKind::ForATime, Some(SignedDuration::from_hours(24 * 7 + 1))),
        (MuteKind::PlannedWork, Some(SignedDuration::ZERO)),
    ] {
        let refused = response.apply(&Act::Mute(kind, span, "why".to_owned()), "ada", at(2));
        assert_eq!(refused, Err(ActError::MuteTime), "{kind:?} {span:?}");
    }
    let hour = Some(SignedDuration::from_hours(1));
    let refused = response.apply(&Act::Mute(MuteKind::PlannedWork, hour, " ".to_owned()), "ada", at(2));
    assert_eq!(refused, Err(ActError::NoReason));
}

#[test]
fn an_acknowledgement_counts_until_the_incident_clears() {
    let mut response = Response::default();
    response.apply(&Act::Acknowledge, "ada", at(2)).unwrap();
    let holder = |changes: &[(i64, &str)]| response.holder(&one(changes)).map(|ack| ack.by.clone());
    assert_eq!(holder(&[(1, "table-throttles-low")]), Some("ada".to_owned()));
    assert_eq!(holder(&[(1, "table-throttles-low"), (5, "-table-throttles-low")]), None);
    let again = [(1, "table-throttles-low"), (5, "-table-throttles-low"), (9, "table-throttles-low")];
    assert_eq!(holder(&again), None, "it came back: somebody must take it again");
}

#[test]
fn notes_and_undo() {
    let mut response = Response::default();
    assert_eq!(response.apply(&Act::Note("  ".to_owned()), "ada", at(1)), Err(ActError::Empty));
    assert_eq!(response.apply(&Act::Note("x".repeat(1_001)), "ada", at(1)), Err(ActError::TooLong));
    for text in ["one", "two"] {
        response.apply(&Act::Note(text.to_owned()), "ada", at(1)).unwrap();
    }
    let first = response.notes[0].at;
    assert_ne!(first, response.notes[1].at, "a time identifies a note");
    assert_eq!(response.apply(&Act::RemoveNote(first), "ben", at(2)), Ok("one".to_owned()));
    for act in [Act::RemoveNote(first), Act::Release, Act::Unmute] {
        assert_eq!(response.apply(&act, "ben", at(2)), Err(ActError::Nothing), "{act:?}");
    }
}

#[test]
fn an_expired_mute_notifies_once_unless_somebody_has_the_incident() {
    let muted = |by_hand: bool, taken: bool| {
        let mut tracker = tracker();
        news(&mut tracker, &[(1, "table-throttles-high")]);
        let id = tracker.incidents()[0].id.clone();
        let mut response = Response::default();
        let hour = Some(SignedDuration::from_hours(1));
        response.apply(&Act::Mute(MuteKind::ForATime, hour, String::new()), "ada", at(2)).unwrap();
        if taken {
            response.apply(&Act::Acknowledge, "ada", at(2)).unwrap();
        }
        let mut responses = BTreeMap::from([(id.clone(), response)]);
        assert_eq!(tracker.unmuted(at(3), &responses), []);
        if by_hand {
            responses.get_mut(&id).unwrap().apply(&Act::Unmute, "ada", at(4)).unwrap();
        }
        let found = tracker.unmuted(at(63), &responses);
        assert_eq!(tracker.unmuted(at(64), &responses), [], "once");
        found.into_iter().map(|of| (of.news, of.tier)).collect::<Vec<_>>()
    };
    assert_eq!(muted(false, false), [(News::MuteOver, Tier::High)]);
    assert_eq!((muted(true, false), muted(false, true)), (vec![], vec![]));
}

#[test]
fn only_what_was_sent_counts_as_an_alert() {
    let mut incident = one(&[(1, "table-throttles-high")]);
    let notice = |news, outcome| Notice {
        at: at(1),
        news,
        tier: Tier::High,
        rule: RuleName::new("table-throttles-high"),
        outcome,
    };
    incident.notices = vec![
        notice(News::Opened, NoticeOutcome::Sent),
        notice(News::Over, NoticeOutcome::Sent),
        notice(News::Again, NoticeOutcome::Muted),
    ];
    assert_eq!(incident.high_alerts(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Each entry is a rule, which fires if it is quiet and clears otherwise, and the minutes since the entry before.
    #[test]
    fn whatever_happens_each_alarm_is_in_one_incident_and_no_high_alarm_is_unheard(
        entries in prop::collection::vec((0_usize..200, 0_i64..50), 1..120)
    ) {
        let rules = rules();
        let names: Vec<RuleName> = rules.iter().filter(|rule| rule.notify).map(|rule| rule.name.clone()).collect();
        let mut tracker = tracker();
        let (mut active, mut minute) = (BTreeSet::new(), 0);
        for (rule, gap) in entries {
            minute += gap;
            let rule = &names[rule % names.len()];
            let fires = active.insert(rule.clone());
            if !fires {
                active.remove(rule);
            }
            let text = if fires { rule.to_string() } else { format!("-{rule}") };
            let news = tracker.take(&[change((minute, &text))]);
            prop_assert!(news.len() <= 1, "{news:?}");
            for rule in &active {
                let holds = |incident: &&Incident| {
                    incident.is_active() && incident.members.iter().any(|one| one.rule == *rule && one.until.is_none())
                };
                let holding: Vec<_> = tracker.incidents().iter().filter(holds).collect();
                prop_assert_eq!(holding.len(), 1, "{}: {:?}", rule, holding);
                let is_high = rules.get(rule.as_str()).is_some_and(|rule| rule.tier == Tier::High);
                prop_assert!(!is_high || holding[0].high_notified.is_some(), "{} is unheard: {:?}", rule, holding);
            }
            let lasting = tracker.incidents().iter().filter(|incident| incident.is_active());
            for incident in lasting {
                prop_assert!(incident.has_active(None), "{:?} is active without an alarm", incident);
            }
            tracker.forget(at(minute));
        }
    }
}
