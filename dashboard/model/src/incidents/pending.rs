//! Alarms of an incident that are about to fire.

use super::Incident;
use crate::alarms::{AlarmState, AlarmsNow, Rule, read_numbers};
use crate::{MetricReader, Period, TimeRange};
use jiff::{SignedDuration, Timestamp};

/// At most so many rules are looked at: each is a read.
const MOST: usize = 6;
/// A rule over more datapoints than this changes too slowly to be pending.
const LONGEST_S: i64 = 6 * 3_600;

/// A rule that is not in alarm, and some of whose datapoints breach.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    /// The rule.
    pub rule: Rule,
    /// Of its last datapoints, how many breach.
    pub breaching: usize,
    /// How many it needs.
    pub needed: usize,
}

/// The rules that are about to fire in an incident: those of its cause, and the high twins of its active alarms. One whose
/// numbers can't be read is left out.
pub async fn pending(
    reader: &dyn MetricReader,
    now: &AlarmsNow,
    incident: &Incident,
    at: Timestamp,
) -> Vec<Pending> {
    if !incident.is_active() {
        return Vec::new();
    }
    let is_active = |name: &str| {
        let mut active = incident.members.iter().filter(|member| member.until.is_none());
        active.any(|member| member.rule.as_str() == name)
    };
    let concerns = |rule: &&Rule| {
        let quiet = now.status(rule.name.as_str()).is_none_or(|status| status.state != AlarmState::Alarm);
        let twin_fires = rule.low_twin.as_ref().is_some_and(|twin| is_active(twin.as_str()));
        rule.notify && quiet && (twin_fires || rule.family == incident.cause)
    };
    let rules = now.rules.iter().filter(concerns).filter(|rule| rule.metric().is_some());
    let read = rules.take(MOST).map(|rule| one(reader, now, rule, at));
    futures::future::join_all(read).await.into_iter().flatten().collect()
}

async fn one(reader: &dyn MetricReader, now: &AlarmsNow, rule: &Rule, at: Timestamp) -> Option<Pending> {
    let condition = rule.metric()?;
    let length = i64::from(condition.period) * (condition.evaluation_periods as i64 + 1);
    if length > LONGEST_S || condition.period < 60 {
        return None;
    }
    let range = TimeRange::last(SignedDuration::from_secs(length), at);
    let period = Period::minutes(condition.period / 60);
    let numbers = read_numbers(reader, condition, &now.resources, (range, period)).await.ok()?;
    let breaches = |value: &&f64| condition.comparison.breaches(**value, condition.threshold);
    let newest = numbers.series.points.iter().rev().flatten().take(condition.evaluation_periods);
    let breaching = newest.filter(breaches).count();
    let needed = condition.datapoints_to_alarm;
    (breaching > 0).then(|| Pending { rule: rule.clone(), breaching: breaching.min(needed), needed })
}
