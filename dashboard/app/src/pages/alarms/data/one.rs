//! Reads the data of one alarm's page.

use super::{
    most_changes,
    numbers::{self, Seen},
};
use crate::{context::Page, ports::Ports};
use jiff::Timestamp;
use spillway_dashboard_model::alarms::{
    AlarmChanges, AlarmPeriod, AlarmSource, AlarmStatus, AlarmsNow, Rule, RuleName, Tier, Watchers,
};
use spillway_dashboard_model::catalogue::{Entry, catalogue};
use spillway_dashboard_model::flow::FlowSnapshot;
use spillway_dashboard_model::{Period, ReadError, TimeRange};

/// How far before the start of a high alarm its low twin may have started.
const TWIN_WITHIN: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// The data of an alarm's page. If a part cannot be read, only that part is missing.
pub struct One {
    pub now: AlarmsNow,
    pub rule: Rule,
    pub status: AlarmStatus,
    /// Its measurements or those of its parts, or the error.
    pub seen: Vec<(Rule, Result<Seen, ReadError>)>,
    /// The charts of the metrics page with the same metrics.
    pub entries: Vec<Entry>,
    /// Its twin in the other tier, with the twin's status.
    pub twin: Option<(Rule, AlarmStatus)>,
    /// Seconds between the last firing of the low twin and that of the high one.
    pub lead_s: Option<i64>,
    /// Its changes in the page's range.
    pub changes: Result<AlarmChanges, ReadError>,
    /// Whether anything is lost.
    pub flow: Result<FlowSnapshot, ReadError>,
}

impl One {
    /// Reads the page of the alarm called `name`; `None` if there is no such rule.
    ///
    /// # Errors
    /// The alarms cannot be read.
    pub async fn read(name: &str, page: &Page, ports: &Ports) -> Result<Option<Self>, ReadError> {
        let now = ports.alarms.now().await?;
        let Some(rule) = now.rules.get(name).cloned() else { return Ok(None) };
        let status = now.status(name).cloned().unwrap_or_else(|| AlarmStatus::unevaluated(&rule.name));
        let range = page.time_range();
        let periods = ports.alarms.periods(Some(&rule.name), range);
        let changes = ports.alarms.changes(Some(&rule.name), range, most_changes(page));
        let (periods, changes, flow) = futures::join!(periods, changes, ports.flow.snapshot());
        let periods = periods.unwrap_or_default();
        let twin = now.twin(name).cloned().map(|twin| {
            let status = now
                .status(twin.name.as_str())
                .cloned()
                .unwrap_or_else(|| AlarmStatus::unevaluated(&twin.name));
            (twin, status)
        });
        let mut parts: Vec<Rule> =
            rule.parts().into_iter().filter_map(|part| now.rules.get(part).cloned()).collect();
        if rule.metric().is_some() {
            parts.push(rule.clone());
        }
        let mut seen = Vec::with_capacity(parts.len());
        for part in parts {
            let Some(condition) = part.metric() else { continue };
            let twin = twin.as_ref().map(|(twin, _)| twin);
            let read = numbers::read(&*ports.metrics, &now, (&part, condition), (&periods, twin), page).await;
            seen.push((part, read));
        }
        let watchers = Watchers::of_rule(&now, &rule);
        let entries = catalogue(&ports.pipeline.names).into_iter();
        let entries = entries.filter(|entry| !watchers.watching(entry, Period::MINUTE).is_empty()).collect();
        let lead_s = match &twin {
            Some((twin, _)) => lead(&*ports.alarms, &rule, &twin.name, status.last_alarm.as_ref()).await,
            None => None,
        };
        Ok(Some(Self { now, rule, status, seen, entries, twin, lead_s, changes, flow }))
    }
}

impl One {
    /// How many of its newest datapoints are over the threshold, and how many it needs to fire.
    pub fn over(&self) -> (usize, usize) {
        let of = |(rule, seen): &(Rule, Result<Seen, ReadError>)| {
            let (condition, points) = (rule.metric()?, seen.as_ref().ok()?.datapoints.as_ref()?);
            let breaches = |value: &f64| condition.comparison.breaches(*value, condition.threshold);
            Some((
                points.iter().flatten().filter(|value| breaches(value)).count(),
                condition.datapoints_to_alarm,
            ))
        };
        self.seen.iter().filter_map(of).max().unwrap_or((0, 0))
    }
}

/// How long before the last firing of the high rule its low twin fired. Read only for high rules, where it is the time
/// that was left to act.
async fn lead(
    alarms: &dyn AlarmSource,
    rule: &Rule,
    low: &RuleName,
    last: Option<&AlarmPeriod>,
) -> Option<i64> {
    let high = last.filter(|_| rule.tier == Tier::High)?.from;
    let before = TimeRange::new(
        high.checked_sub(TWIN_WITHIN).ok()?,
        high.checked_add(jiff::SignedDuration::from_secs(1)).ok()?,
    );
    let periods = alarms.periods(Some(low), before.ok()?).await.ok()?;
    lead_of(high, &periods)
}

/// Seconds from the start of the low period to the start of the high period within it.
fn lead_of(high: Timestamp, low: &[AlarmPeriod]) -> Option<i64> {
    let began =
        low.iter().filter(|period| period.from <= high && period.until.is_none_or(|until| until >= high));
    began.map(|period| high.as_second() - period.from.as_second()).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lead_is_measured_from_the_low_period_that_contains_the_start() {
        let minute = |minute: i64| Timestamp::from_second(60 * minute).unwrap();
        let period = |from, until: Option<i64>| AlarmPeriod {
            rule: RuleName::new("low"),
            from: minute(from),
            until: until.map(minute),
        };
        assert_eq!(lead_of(minute(60), &[period(5, Some(10)), period(35, None)]), Some(25 * 60));
        assert_eq!(lead_of(minute(60), &[period(35, Some(90))]), Some(25 * 60));
        assert_eq!(lead_of(minute(60), &[period(5, Some(10))]), None, "that period had ended");
    }
}
