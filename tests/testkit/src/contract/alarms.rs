//! The source of alarms. Where rules are evaluated decides when one fires. So the cases read that from the changes, and compare
//! everything else with them.

use futures::future::BoxFuture;
use jiff::SignedDuration;
use spillway_core::Timestamp;
use spillway_dashboard_model::TimeRange;
use spillway_dashboard_model::alarms::{AlarmChange, AlarmPeriod, AlarmSource, AlarmState, RuleName};
use std::any::Any;
use std::sync::Arc;

/// A place where rules are evaluated, and the source that reads it. The hour after `start` ends now.
pub struct EmptyAlarms {
    /// When the hour begins.
    pub start: Timestamp,
    /// Lets an incident happen within the hour.
    pub play: PlayIncident,
    /// The source.
    pub source: Arc<dyn AlarmSource>,
    /// Values that must live as long as the source, such as a temporary folder.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// Messages get old: the rule [`RULE`] goes into alarm in the tenth minute or later, and so does its low twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incident {
    /// It is over before the fiftieth minute.
    Over,
    /// It lasts.
    Lasting,
}

/// The rule that every incident fires.
pub const RULE: &str = "queue-age-high";

/// Lets an incident happen. The source shows it when the future ends.
pub type PlayIncident = Box<dyn Fn(Incident) -> BoxFuture<'static, ()> + Send + Sync>;

suite! { $ alarms of super::EmptyAlarms:
    without_an_incident_nothing_has_changed,
    each_state_is_of_a_rule_and_in_the_order_of_the_rules,
    an_incident_is_a_chain_of_changes_newest_first,
    changes_are_of_one_rule_or_of_all_and_as_many_as_asked_for,
    changes_are_those_of_the_range,
    a_period_in_alarm_reaches_from_one_change_to_the_next,
    an_incident_that_lasts_is_an_active_alarm_and_a_period_without_end,
    a_rule_that_does_not_exist_has_neither_changes_nor_periods,
}

impl EmptyAlarms {
    fn at(&self, minute: i64) -> Timestamp {
        self.start + SignedDuration::from_mins(minute)
    }

    fn range(&self, from: Timestamp, to: Timestamp) -> TimeRange {
        TimeRange::new(from, to).unwrap()
    }

    fn hour(&self) -> TimeRange {
        self.range(self.start, self.at(60))
    }

    async fn changes(&self, rule: Option<&str>, range: TimeRange) -> Vec<AlarmChange> {
        let rule = rule.map(RuleName::new);
        let found = self.source.changes(rule.as_ref(), range, 1000).await.unwrap();
        assert!(!found.has_more, "{} changes", found.changes.len());
        found.changes
    }

    async fn periods(&self, rule: Option<&str>, range: TimeRange) -> Vec<AlarmPeriod> {
        let rule = rule.map(RuleName::new);
        self.source.periods(rule.as_ref(), range).await.unwrap()
    }

    /// When the rule fired and when it cleared.
    async fn incident(&self, incident: Incident) -> (Timestamp, Option<Timestamp>) {
        (self.play)(incident).await;
        let changes = self.changes(Some(RULE), self.hour()).await;
        let at = |wanted: &dyn Fn(&AlarmChange) -> bool| {
            let mut found = changes.iter().filter(|change| wanted(change)).map(|change| change.at);
            let at = found.next();
            assert_eq!(found.next(), None, "once: {changes:?}");
            at
        };
        let fired = at(&|change| change.to == AlarmState::Alarm).expect("it fired");
        (fired, at(&|change| change.from == AlarmState::Alarm))
    }
}

async fn without_an_incident_nothing_has_changed(alarms: &EmptyAlarms) {
    assert_eq!(alarms.changes(None, alarms.hour()).await, []);
    assert_eq!(alarms.periods(None, alarms.hour()).await, []);
    assert!(alarms.source.now().await.unwrap().active().is_empty());
    assert_eq!(alarms.source.digest().await.unwrap(), None);
}

async fn each_state_is_of_a_rule_and_in_the_order_of_the_rules(alarms: &EmptyAlarms) {
    (alarms.play)(Incident::Over).await;
    let now = alarms.source.now().await.unwrap();
    assert!(now.evaluated_at.is_some_and(|at| at >= alarms.at(50) && at <= alarms.at(60)));
    let rules: Vec<_> = now.rules.iter().map(|rule| &rule.name).collect();
    let places = now.statuses.iter().map(|status| rules.iter().position(|rule| **rule == status.rule));
    let places: Option<Vec<_>> = places.collect();
    assert!(places.is_some_and(|places| places.len() > 1 && places.is_sorted_by(|a, b| a < b)));
    let status = now.status(RULE).expect("it was evaluated");
    assert_eq!(status.state, AlarmState::Ok);
}

async fn an_incident_is_a_chain_of_changes_newest_first(alarms: &EmptyAlarms) {
    let (fired, cleared) = alarms.incident(Incident::Over).await;
    assert!(fired >= alarms.at(10) && cleared.is_some_and(|cleared| cleared > fired));
    let changes = alarms.changes(Some(RULE), alarms.hour()).await;
    assert!(changes.is_sorted_by(|newer, older| newer.at > older.at), "{changes:?}");
    for both in changes.windows(2) {
        assert_eq!(both[0].from, both[1].to, "{changes:?}");
    }
    assert!(changes.iter().all(|change| change.from != change.to && !change.reason.is_empty()));
    let since = alarms.source.now().await.unwrap().status(RULE).and_then(|status| status.since);
    assert_eq!(since, Some(changes[0].at), "the last change began the state");
}

async fn changes_are_of_one_rule_or_of_all_and_as_many_as_asked_for(alarms: &EmptyAlarms) {
    alarms.incident(Incident::Over).await;
    let all = alarms.changes(None, alarms.hour()).await;
    assert!(all.is_sorted_by(|newer, older| newer.at >= older.at), "{all:?}");
    let own = alarms.changes(Some(RULE), alarms.hour()).await;
    assert!(own.iter().all(|change| change.rule.as_str() == RULE) && own.len() >= 2);
    assert!(all.len() > own.len(), "the twin fires, too");
    let of_rule: Vec<_> = all.iter().filter(|change| change.rule.as_str() == RULE).cloned().collect();
    assert_eq!(of_rule, own);
    let rule = RuleName::new(RULE);
    for (rule, whole) in [(None, &all), (Some(&rule), &own)] {
        let newest = alarms.source.changes(rule, alarms.hour(), 1).await.unwrap();
        assert_eq!((&newest.changes[..], newest.has_more), (&whole[..1], true));
        let exactly = alarms.source.changes(rule, alarms.hour(), whole.len()).await.unwrap();
        assert_eq!((&exactly.changes, exactly.has_more), (whole, false));
    }
}

async fn changes_are_those_of_the_range(alarms: &EmptyAlarms) {
    let (fired, cleared) = alarms.incident(Incident::Over).await;
    let cleared = cleared.expect("it is over");
    let second = SignedDuration::from_secs(1);
    for (from, to, expected) in [
        (alarms.start, fired - second, vec![]),
        (fired, cleared - second, vec![fired]),
        (fired + second, cleared - second, vec![]),
        (fired + second, alarms.at(60), vec![cleared]),
        (cleared, alarms.at(60), vec![cleared]),
    ] {
        let found = alarms.changes(Some(RULE), alarms.range(from, to)).await;
        let is_of_incident = |change: &&AlarmChange| [change.from, change.to].contains(&AlarmState::Alarm);
        let times: Vec<_> = found.iter().filter(is_of_incident).map(|change| change.at).collect();
        assert_eq!(times, expected, "from {from} to {to}");
    }
}

async fn a_period_in_alarm_reaches_from_one_change_to_the_next(alarms: &EmptyAlarms) {
    let (fired, cleared) = alarms.incident(Incident::Over).await;
    let period = AlarmPeriod { rule: RuleName::new(RULE), from: fired, until: cleared };
    assert_eq!(alarms.periods(Some(RULE), alarms.hour()).await, std::slice::from_ref(&period));
    let all = alarms.periods(None, alarms.hour()).await;
    assert!(all.is_sorted_by_key(|period| period.from) && all.contains(&period) && all.len() > 1, "{all:?}");
    let cleared = cleared.expect("it is over");
    let second = SignedDuration::from_secs(1);
    // One that began before the range may be given from its start.
    let within = alarms.range(fired + second, cleared - second);
    let found = alarms.periods(Some(RULE), within).await;
    let [period] = &found[..] else { panic!("{found:?}") };
    assert!(period.from <= within.from() && period.until == Some(cleared), "{period:?}");
    assert_eq!(alarms.periods(Some(RULE), alarms.range(cleared + second, alarms.at(60))).await, []);
    assert_eq!(alarms.periods(Some(RULE), alarms.range(alarms.start, fired - second)).await, []);
}

async fn an_incident_that_lasts_is_an_active_alarm_and_a_period_without_end(alarms: &EmptyAlarms) {
    let (fired, cleared) = alarms.incident(Incident::Lasting).await;
    assert_eq!(cleared, None);
    let lasting = AlarmPeriod { rule: RuleName::new(RULE), from: fired, until: None };
    let now = alarms.source.now().await.unwrap();
    let status = now.status(RULE).expect("it was evaluated");
    assert_eq!((status.state, status.since), (AlarmState::Alarm, Some(fired)));
    assert_eq!(status.last_alarm.as_ref(), Some(&lasting));
    let active: Vec<_> = now.active().into_iter().map(|(rule, _)| rule.name.as_str()).collect();
    assert_eq!(active.first(), Some(&RULE), "high ones first: {active:?}");
    assert_eq!(alarms.periods(Some(RULE), alarms.hour()).await, [lasting]);
    let second = SignedDuration::from_secs(1);
    let later = alarms.range(fired + second, fired + second + second);
    let found = alarms.periods(Some(RULE), later).await;
    let [period] = &found[..] else { panic!("once: {found:?}") };
    assert!(period.from <= later.from() && period.until.is_none(), "{period:?}");
}

async fn a_rule_that_does_not_exist_has_neither_changes_nor_periods(alarms: &EmptyAlarms) {
    alarms.incident(Incident::Lasting).await;
    assert_eq!(alarms.changes(Some("no-such-rule"), alarms.hour()).await, []);
    assert_eq!(alarms.periods(Some("no-such-rule"), alarms.hour()).await, []);
}
