//! The measurements of a rule: its chart, and the newest datapoints, which decide its state.

use crate::charts::{Of, draw_once, draw_threshold, tier};
use crate::context::Page;
use crate::pages::alarms::words;
use jiff::SignedDuration;
use spillway_dashboard_charts::{AlarmPeriod, Chart, Drawn, Kind, Series, Size};
use spillway_dashboard_model::alarms::{self, AlarmsNow, MetricCondition, Rule, Subject, read_numbers};
use spillway_dashboard_model::{Freshness, MetricReader, Period, ReadError, TimeRange};
use spillway_metrics::api;
use std::sync::Arc;

/// Maximum number of points: more make a page slow to send. Longer ranges get longer periods.
const MAX_POINTS: i64 = 2_000;
/// Maximum number of datapoints that are shown one by one. With more, the page shows only their count.
const MAX_SHOWN: usize = 15;
/// The size of a chart beside the runbook on a wide page.
const WIDE: Size = Size { width: 700, height: 230 };

/// The measurements of a rule or of a part of one.
#[derive(Clone, Debug)]
pub struct Seen {
    pub rule: Rule,
    /// Its chart for a wide page and for a phone.
    pub drawn: (Arc<Drawn>, Arc<Drawn>),
    /// The value of its newest datapoint.
    pub newest: Option<f64>,
    /// The newest datapoints that the rule evaluates, oldest first; `None` if they are too many to show.
    pub datapoints: Option<Vec<Option<f64>>>,
    /// Whether the chart's points are longer than the rule's datapoints.
    pub is_coarse: bool,
    /// How new it is.
    pub freshness: Freshness,
}

/// Reads the measurements of a rule in the page's range. `periods` are the periods in alarm of the rule that notifies.
/// `twin` is the rule that watches the same with another threshold.
pub async fn read(
    reader: &dyn MetricReader,
    now: &AlarmsNow,
    (rule, condition): (&Rule, &MetricCondition),
    (periods, twin): (&[alarms::AlarmPeriod], Option<&Rule>),
    page: &Page,
) -> Result<Seen, ReadError> {
    let range = page.time_range();
    let own = Period::minutes(condition.period / 60);
    let period = own.max(fitting(&range, page));
    let looked_at = condition.evaluation_periods;
    let newest = TimeRange::last(
        SignedDuration::from_secs(i64::from(own.seconds()) * (looked_at.min(MAX_SHOWN) as i64 + 1)),
        page.now,
    );
    let (over_range, newest) = futures::join!(
        read_numbers(reader, condition, &now.resources, (range, period)),
        read_numbers(reader, condition, &now.resources, (newest, own)),
    );
    let (over_range, newest) = (over_range?, newest?);
    // The newest period is still running or has just ended.
    let over: Vec<Option<f64>> = ended(&newest.series, page);
    let mut chart = chart(rule, condition, &over_range.series, page);
    let is_coarse = period > own;
    if !is_coarse || !Subject::of(condition).adds_up() {
        draw_threshold(&mut chart, (rule.tier, None), condition.threshold);
        if let Some((twin, other)) = twin.and_then(|twin| Some((twin, twin.metric()?)))
            && other.queries == condition.queries
            && other.expression == condition.expression
            && other.period == condition.period
        {
            draw_threshold(&mut chart, (twin.tier, None), other.threshold);
        }
    }
    chart.alarms.extend(periods.iter().map(|period| AlarmPeriod {
        from: period.from.as_second(),
        to: period.until.map(|until| until.as_second()),
        tier: tier(rule.tier),
    }));
    let draw = |size| draw_once(Of::Rule(rule.name.clone()), &Chart { size, ..chart.clone() });
    Ok(Seen {
        drawn: (draw(WIDE), draw(Size::PHONE)),
        newest: over.iter().rev().flatten().next().copied(),
        datapoints: (looked_at <= MAX_SHOWN).then(|| over[over.len().saturating_sub(looked_at)..].to_vec()),
        is_coarse,
        freshness: over_range.freshness,
        rule: rule.clone(),
    })
}

/// The shortest period that gives a range few enough points and still has data.
fn fitting(range: &TimeRange, page: &Page) -> Period {
    let kept = Period::for_range(&TimeRange::last(SignedDuration::from_mins(1), range.from()), page.now);
    let few = [1, 5, 15, 60, 180, 360, 720, 1_440].map(Period::minutes);
    let fits = |period: &&Period| range.seconds() <= i64::from(period.seconds()) * MAX_POINTS;
    few.iter().find(fits).copied().unwrap_or(Period::minutes(1_440)).max(kept)
}

/// The values of periods that have ended.
fn ended(series: &spillway_dashboard_model::Series, page: &Page) -> Vec<Option<f64>> {
    let (start, step) = (series.start.as_second(), i64::from(series.period.seconds()));
    let over = usize::try_from((page.now.as_second() - start) / step).unwrap_or(0);
    series.points.iter().take(over).copied().collect()
}

fn chart(
    rule: &Rule,
    condition: &MetricCondition,
    series: &spillway_dashboard_model::Series,
    page: &Page,
) -> Chart {
    let step = i64::from(series.period.seconds());
    let from = series.start.as_second();
    // The end of the last period, not of the page's range: while the numbers stay the same, so does the drawing.
    let to = from + step * (series.points.len() as i64).max(1);
    let mut chart = Chart::new(name(condition), words::chart_unit(condition), from, to, step);
    chart.zone = page.zone.clone();
    chart.kind = Kind::Area;
    chart.series = vec![Series::new(rule.name.to_string(), 1, series.points.clone())];
    chart
}

/// A rule's number in words.
pub fn name(condition: &MetricCondition) -> String {
    let stat =
        |query: &alarms::Query| format!("{}, {}", spaced(&query.stat.metric.name), query.stat.statistic);
    match Subject::of(condition) {
        Subject::Metric(query) => stat(query),
        Subject::Share(counted) => {
            let counted: Vec<_> = counted.iter().map(|query| spaced(&query.stat.metric.name)).collect();
            format!("{} in percent", counted.first().cloned().unwrap_or_else(|| "Share".to_owned()))
        }
        Subject::TimeLeft(query) => {
            format!("Time until {} is 0", spaced(&query.stat.metric.name).to_lowercase())
        }
        Subject::Other => "1 is yes, 0 is no".to_owned(),
    }
}

/// A metric's name with spaces: `Approximate age of oldest message`.
fn spaced(name: &str) -> String {
    let in_words = [(api::SERVER_ERRORS, "Server errors"), (api::CLIENT_ERRORS, "Client errors")];
    if let Some((_, words)) = in_words.iter().find(|(metric, _)| metric.name() == name) {
        return (*words).to_owned();
    }
    let mut text = String::with_capacity(name.len() + 8);
    let mut before = ' ';
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && before.is_ascii_lowercase() {
            text.push(' ');
            text.push(letter.to_ascii_lowercase());
        } else {
            text.push(letter);
        }
        before = letter;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_dashboard_model::alarms::{Limits, RuleSet};

    #[test]
    fn a_number_is_named_by_its_metric() {
        let rules = RuleSet::built_in(&Limits::built_in().unwrap()).unwrap();
        let of = |rule: &str| name(rules.get(rule).unwrap().metric().unwrap());
        assert_eq!(of("queue-age-high"), "Approximate age of oldest message, Maximum");
        assert_eq!(of("api-5xx-low"), "Server errors in percent");
        assert_eq!(of("api-latency-low"), "Latency, p90");
        assert_eq!(of("queue-depth-low"), "Time until approximate number of messages visible is 0");
    }

    #[test]
    fn long_ranges_get_longer_periods() {
        let fits = |query: &str| {
            let page = Page::of("/alarms/x", query, "", "2026-03-10T12:00:00Z".parse().unwrap());
            fitting(&TimeRange::new(page.range.from, page.range.to).unwrap(), &page).seconds()
        };
        assert_eq!(fits("range=24h"), 60);
        assert_eq!(fits("range=7d"), 900);
        assert_eq!(
            fits("from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z"),
            3_600,
            "no minutes are kept that long"
        );
    }
}
