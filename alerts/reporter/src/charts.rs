//! A chart for each alarm of the digest: what the rule saw, its threshold, and the time in alarm.

use crate::Function;
use crate::watch::Watch;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use spillway_alerts::hours::{Digest, DigestEntry};
use spillway_alerts::{Rule, RuleName};
use spillway_dashboard_charts::{AlarmPeriod, Chart, Series, Size, Theme, Threshold, Tier, render_png};
use spillway_dashboard_model::alarms::{read_numbers, unit};
use spillway_dashboard_model::{Period, TimeRange};
use std::collections::BTreeMap;

/// Charts in a digest; each is a call of CloudWatch and half a second of drawing. The rest is on the dashboard.
const MAX_CHARTS: usize = 12;
/// What is shown before the alarm began.
const BEFORE: SignedDuration = SignedDuration::from_hours(1);
/// An alarm that has lasted for weeks is shown over its last days.
const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Pixels for a unit of length, so that text is sharp on a phone.
const SCALE: u32 = 2;

/// The rules that get a chart, with its range of time. Rules still in alarm come first.
pub(crate) fn wanted<'w>(watch: &'w Watch, digest: &Digest) -> Vec<(&'w Rule, TimeRange)> {
    let mut first: BTreeMap<&RuleName, Timestamp> = BTreeMap::new();
    let mut order: Vec<&RuleName> = Vec::new();
    for entry in digest.still_in_alarm.iter().chain(&digest.cleared) {
        let known = first.entry(&entry.rule).or_insert_with(|| {
            order.push(&entry.rule);
            entry.from
        });
        *known = entry.from.min(*known);
    }
    let rules = order.into_iter().filter_map(|name| Some((watch.rules.get(name.as_str())?, first[name])));
    let drawn = rules.filter(|(rule, _)| Watch::has_numbers(rule)).take(MAX_CHARTS);
    drawn.filter_map(|(rule, from)| Some((rule, range(from, digest.opened_at)?))).collect()
}

/// From a while before `from` until the opening.
pub(crate) fn range(from: Timestamp, opened_at: Timestamp) -> Option<TimeRange> {
    let from = (from - BEFORE).max(opened_at - LONGEST);
    TimeRange::new(from, opened_at).ok()
}

/// Draws one, or returns the reason why it can't.
pub(crate) async fn png(
    function: &Function,
    rule: &Rule,
    range: TimeRange,
    digest: &Digest,
    zone: &TimeZone,
) -> Result<Vec<u8>, String> {
    let condition = rule.metric().ok_or("it is a composite of other alarms")?;
    // As the rule sees it, unless these would be more points than fit on a chart.
    let own = Period::minutes(condition.period / 60);
    let period = own.max(Period::for_range(&range, function.telemetry.now()));
    let numbers =
        read_numbers(&*function.metrics, condition, &function.watch.resources, (range, period)).await;
    let series = numbers.map_err(|error| error.to_string())?.series;

    let mut chart = Chart::new(
        rule.name.as_str(),
        unit(condition).into(),
        range.from().as_second(),
        range.to().as_second(),
        i64::from(period.seconds()),
    );
    chart.start = series.start.as_second();
    chart.series = vec![Series::new(rule.summary.as_str(), 1, series.points)];
    chart.thresholds = vec![Threshold {
        value: condition.threshold,
        label: format!("low: {}", chart.unit.format(condition.threshold)),
        tier: Tier::Low,
    }];
    chart.alarms = periods(rule, digest);
    chart.zone = zone.clone();
    chart.size = Size { width: 640, height: 240 };
    render_png(&chart, Theme::Light, SCALE).map_err(|error| error.to_string())
}

fn periods(rule: &Rule, digest: &Digest) -> Vec<AlarmPeriod> {
    let of_rule = |entry: &&DigestEntry| entry.rule == rule.name;
    let entries = digest.still_in_alarm.iter().chain(&digest.cleared).filter(of_rule);
    let period = |entry: &DigestEntry| AlarmPeriod {
        from: entry.from.as_second(),
        to: entry.until.map(|until| until.as_second()),
        tier: Tier::Low,
    };
    entries.map(period).collect()
}
