//! The rules of an incident over its time: one bar for each period in alarm.

use crate::{
    context::Page,
    links,
    pages::alarms::words::{self as alarm_words, moment},
    pages::incidents::data::One,
};
use leptos::prelude::*;
use spillway_dashboard_model::TimeRange;
use spillway_dashboard_model::alarms::{AlarmPeriod, AlarmState, RuleName, Tier};
use std::collections::BTreeMap;

/// Units of a bar from the beginning of the range to its end.
const WIDTH: f64 = 1_000.0;
/// A shorter period would not be seen.
const NARROWEST: f64 = 4.0;

/// A strip of all rules that were in alarm in the range: the root cause, its symptoms, then others.
pub(super) fn strip(one: &One, page: &Page) -> AnyView {
    let periods = match &one.periods {
        Ok(periods) => periods,
        Err(error) => {
            let why = error.to_string();
            return view! { <p class="stale-note">"The periods in alarm cannot be read now: " {why} "."</p> }
                .into_any();
        }
    };
    let mut by_rule: BTreeMap<&RuleName, Vec<&AlarmPeriod>> = BTreeMap::new();
    for period in periods
        .iter()
        .filter(|period| one.now.rules.get(period.rule.as_str()).is_some_and(|rule| rule.notify))
    {
        by_rule.entry(&period.rule).or_default().push(period);
    }
    let place = |rule: &RuleName| {
        let member = one.incident.members.iter().position(|member| member.rule == *rule);
        let is_cause = one.incident.causes().any(|member| member.rule == *rule);
        (!is_cause, member.is_none(), member)
    };
    let mut rows: Vec<_> = by_rule.into_iter().collect();
    rows.sort_by_key(|(rule, _)| place(rule));
    if rows.is_empty() {
        return view! { <p class="quiet">"No rule was in alarm in this range."</p> }.into_any();
    }
    let rows = rows.into_iter().map(|(rule, periods)| {
        let role = match place(rule) {
            (false, ..) => "root cause",
            (true, false, _) => "symptom",
            (true, true, _) => "other",
        };
        row(rule, role, &periods, one, page)
    });
    let rows = rows.collect_view();
    let time = |at| moment(at, page.now, &page.zone);
    view! {
        <ul class="strip">{rows}</ul>
        <p class="strip-axis quiet small"><span>{time(one.range.from())}</span> <span>{time(one.range.to())}</span></p>
    }
    .into_any()
}

fn row(rule: &RuleName, role: &'static str, periods: &[&AlarmPeriod], one: &One, page: &Page) -> AnyView {
    let tier = one.now.rules.get(rule.as_str()).map_or(Tier::Low, |rule| rule.tier);
    let tone = alarm_words::tone(AlarmState::Alarm, tier);
    let time = |at| moment(at, page.now, &page.zone);
    let words: Vec<String> = periods
        .iter()
        .map(|period| match period.until {
            Some(until) => format!("{} to {}", time(period.from), time(until)),
            None => format!("since {}", time(period.from)),
        })
        .collect();
    let bars = periods.iter().map(|period| {
        let (from, width) = span(period, &one.range);
        view! { <rect x=format!("{from:.1}") y="0" width=format!("{width:.1}") height="10" /> }
    });
    let href = links::with_range(&format!("/alarms/{rule}"), &one.range);
    let label = format!("{rule}, {role}, in alarm {}", words.join(", "));
    view! {
        <li data-tone=tone.name() data-key=rule.to_string()>
            <a class="mono" href=href>{rule.to_string()}</a>
            <span class="quiet small">{role}</span>
            <svg class="strip-bar" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label=label>{bars.collect_view()}</svg>
        </li>
    }
    .into_any()
}

/// Where a period begins in the range, and how wide it is.
fn span(period: &AlarmPeriod, range: &TimeRange) -> (f64, f64) {
    let length = (range.seconds().max(1)) as f64;
    let place = |at: jiff::Timestamp| {
        let seconds = (at.as_second() - range.from().as_second()) as f64;
        (seconds / length * WIDTH).clamp(0.0, WIDTH)
    };
    let from = place(period.from).min(WIDTH - NARROWEST);
    let until = period.until.map_or(WIDTH, place);
    (from, (until - from).max(NARROWEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_within_the_range_and_never_too_narrow_to_see() {
        let at = |minute: i64| jiff::Timestamp::from_second(minute * 60).unwrap();
        let range = TimeRange::new(at(100), at(200)).unwrap();
        let bar = |from, until: Option<i64>| {
            span(&AlarmPeriod { rule: RuleName::new("a"), from: at(from), until: until.map(at) }, &range)
        };
        assert_eq!(bar(110, Some(150)), (100.0, 400.0));
        assert_eq!(bar(10, None), (0.0, 1_000.0), "it began before, and lasts");
        assert_eq!(bar(200, Some(200)), (996.0, NARROWEST));
    }
}
