//! One alarm: everything that its page shows, read in one go.

use super::{
    changes,
    detail_view::draw,
    numbers::{self, Seen},
    unreadable,
};
use crate::{
    components::load,
    context::{Page, use_page},
    pages::NotFound,
};
use jiff::Timestamp;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use percent_encoding::percent_decode_str;
use spillway_core::names::Names;
use spillway_dashboard_model::alarms::{
    AlarmChanges, AlarmPeriod, AlarmSource, AlarmStatus, AlarmsNow, Rule, RuleName, Tier, Watchers,
};
use spillway_dashboard_model::catalogue::{Entry, catalogue};
use spillway_dashboard_model::flow::{FlowSnapshot, FlowSource};
use spillway_dashboard_model::{MetricReader, Period, ReadError, TimeRange};
use std::sync::Arc;

/// Before a high alarm's beginning, how far back its low twin is looked for.
const TWIN_WITHIN: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// Where everything comes from.
pub(super) struct Sources {
    pub alarms: Arc<dyn AlarmSource>,
    pub metrics: Arc<dyn MetricReader>,
    pub flow: Arc<dyn FlowSource>,
    pub names: Arc<Names>,
}

/// Everything on the page of an alarm. What could not be read takes away its own part only.
pub(super) struct Detail {
    pub now: AlarmsNow,
    pub rule: Rule,
    pub status: AlarmStatus,
    /// What it sees, or its parts do, with why not.
    pub seen: Vec<(Rule, Result<Seen, ReadError>)>,
    /// The charts of the metrics page that show the same.
    pub entries: Vec<Entry>,
    /// The rule that watches the same in the other tier, and how it is.
    pub twin: Option<(Rule, AlarmStatus)>,
    /// By how many seconds the low one of the two fired before the high one the last time.
    pub lead_s: Option<i64>,
    pub changes: Result<AlarmChanges, ReadError>,
    /// Whether anything is lost.
    pub flow: Result<FlowSnapshot, ReadError>,
}

impl Detail {
    async fn read(name: &str, page: &Page, from: &Sources) -> Result<Option<Self>, ReadError> {
        let now = from.alarms.now().await?;
        let Some(rule) = now.rules.get(name).cloned() else { return Ok(None) };
        let status = now.status(name).cloned().unwrap_or_else(|| AlarmStatus::unevaluated(&rule.name));
        let range = TimeRange::new(page.range.from, page.range.to)
            .unwrap_or_else(|_| TimeRange::last(jiff::SignedDuration::ZERO, page.range.to));
        let periods = from.alarms.periods(Some(&rule.name), range);
        let changes = from.alarms.changes(Some(&rule.name), range, changes::limit(page));
        let (periods, changes, flow) = futures::join!(periods, changes, from.flow.snapshot());
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
            let read = numbers::read(&*from.metrics, &now, (&part, condition), (&periods, twin), page).await;
            seen.push((part, read));
        }
        let watchers = Watchers::of_rule(&now, &rule);
        let entries = catalogue(&from.names).into_iter();
        let entries = entries.filter(|entry| !watchers.watching(entry, Period::MINUTE).is_empty()).collect();
        let lead_s = match &twin {
            Some((twin, _)) => lead(&*from.alarms, &rule, &twin.name, status.last_alarm.as_ref()).await,
            None => None,
        };
        Ok(Some(Self { now, rule, status, seen, entries, twin, lead_s, changes, flow }))
    }
}

/// By how much the low rule of a pair fired before the high one, the last time that the high one did. Asked for only from
/// the high one's side, where it says how long there was to act.
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

/// Seconds from the beginning of the low stretch that was there when the high one began.
fn lead_of(high: Timestamp, low: &[AlarmPeriod]) -> Option<i64> {
    let began =
        low.iter().filter(|period| period.from <= high && period.until.is_none_or(|until| until >= high));
    began.map(|period| high.as_second() - period.from.as_second()).max()
}

/// The page of one alarm, at `/alarms/NAME`: where a link in a message leads.
#[component]
pub fn AlarmPage() -> impl IntoView {
    let page = use_page();
    let name = use_params_map().get_untracked().get("name").unwrap_or_default();
    let name = percent_decode_str(&name).decode_utf8_lossy().into_owned();
    let sources = Sources {
        alarms: expect_context(),
        metrics: expect_context(),
        flow: expect_context(),
        names: expect_context(),
    };
    load(async move { Detail::read(&name, &page, &sources).await }, |detail| match &*detail {
        Ok(Some(detail)) => draw(detail),
        Ok(None) => view! { <NotFound /> }.into_any(),
        Err(error) => unreadable(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lead_is_from_the_low_stretch_that_led_to_the_high_one() {
        let minute = |minute: i64| Timestamp::from_second(60 * minute).unwrap();
        let period = |from, until: Option<i64>| AlarmPeriod {
            rule: RuleName::new("low"),
            from: minute(from),
            until: until.map(minute),
        };
        assert_eq!(lead_of(minute(60), &[period(5, Some(10)), period(35, None)]), Some(25 * 60));
        assert_eq!(lead_of(minute(60), &[period(35, Some(90))]), Some(25 * 60));
        assert_eq!(lead_of(minute(60), &[period(5, Some(10))]), None, "that was over");
    }
}
