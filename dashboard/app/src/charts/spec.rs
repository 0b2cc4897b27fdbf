//! What a chart of the catalogue looks like.

use super::{Comparison, Question};
use spillway_charts::{Chart, Kind, Series, Unit};
use spillway_core::metric;
use spillway_telemetry::catalogue::{ChartNumbers, Entry, Good};
use spillway_telemetry::metrics::{Gaps, Line, LineValue};
use spillway_telemetry::{Series as Numbers, Statistic, TimeRange};

/// A number this many periods old is not called current any more.
const CURRENT_PERIODS: usize = 3;

/// The chart of an entry. `earlier` are the numbers of its first line in the range that it is compared with.
pub(super) fn chart(
    entry: &Entry,
    numbers: &ChartNumbers,
    earlier: Option<&Numbers>,
    (range, question): (TimeRange, &Question),
) -> Chart {
    let step = i64::from(question.period.seconds());
    let from = range.from().as_second();
    // The last point belongs to the period that begins at the last but one edge: the chart ends with it.
    let to = (range.to().as_second() - step).max(from + step);
    let mut chart = Chart::new(entry.title, unit(entry), from, to, step);
    chart.zone = question.zone.clone();
    let is_running = range.to() > question.now;
    for (color, (line, numbers)) in (1..).zip(entry.lines.iter().zip(&numbers.lines)) {
        let mut points = numbers.points.clone();
        if is_running && shrinks_unfinished(entry, line) {
            points.pop();
        }
        chart.series.push(Series::new(name(entry, line), color, points));
    }
    if entry.unit == metric::Unit::Count && entry.gaps == Gaps::Zero && entry.good == Good::Low {
        chart.kind = Kind::Bars;
        chart.to = range.to().as_second();
    } else if let [only] = &mut *chart.series {
        only.color = 1;
        chart.kind = Kind::Area;
    }
    if let (Some(earlier), Some(comparison)) = (earlier, question.comparison) {
        compare(&mut chart, earlier, comparison);
    }
    chart
}

/// Lays an earlier range under the first line.
fn compare(chart: &mut Chart, earlier: &Numbers, comparison: Comparison) {
    let is_alone = chart.series.len() == 1;
    let Some(first) = chart.series.first_mut() else { return };
    let label = if is_alone {
        first.name = comparison.now.to_owned();
        comparison.label.to_owned()
    } else {
        format!("{}, {}", first.name, comparison.label)
    };
    let color = first.color;
    chart.series.push(Series::new(label, color, earlier.points.clone()).earlier());
}

/// The newest value of the first line in words.
pub(super) fn current(entry: &Entry, chart: &Chart, question: &Question) -> Option<String> {
    let (line, series) = (entry.lines.first()?, chart.series.first()?);
    let value = *series.points.iter().rev().take(CURRENT_PERIODS).flatten().next()?;
    let text = chart.unit.format(value);
    Some(match &line.value {
        LineValue::Statistic(query) => match query.statistic {
            Statistic::Sum | Statistic::SampleCount => format!("{text} in {}", question.period_words()),
            Statistic::Percentile(_) => format!("{} {text}", query.statistic),
            _ => text,
        },
        _ => text,
    })
}

/// A sum over a period that is not over is less than it will be, and would look like a fall. Traffic is therefore shown up
/// to the last whole period; errors are shown at once, as one that has just happened matters more than how many there will be.
fn shrinks_unfinished(entry: &Entry, line: &Line) -> bool {
    let is_sum = match &line.value {
        LineValue::Statistic(query) => matches!(query.statistic, Statistic::Sum | Statistic::SampleCount),
        LineValue::PerSecond(_) | LineValue::CapacityUse { .. } => return true,
        LineValue::Share { .. } => false,
    };
    is_sum && entry.good != Good::Low
}

fn unit(entry: &Entry) -> Unit {
    let is_fraction = |line: &Line| match &line.value {
        LineValue::Statistic(query) => query.statistic == Statistic::Average,
        LineValue::PerSecond(_) => true,
        _ => false,
    };
    match entry.unit {
        metric::Unit::Count if entry.lines.iter().any(is_fraction) => Unit::Number,
        metric::Unit::Count => Unit::Count,
        metric::Unit::Milliseconds => Unit::Milliseconds,
        metric::Unit::Seconds => Unit::Seconds,
        metric::Unit::Bytes => Unit::Bytes,
        metric::Unit::Percent => Unit::Percent,
        metric::Unit::None => Unit::Number,
    }
}

/// A line that is alone needs no name but the chart's: `Sum` helps nobody.
fn name(entry: &Entry, line: &Line) -> String {
    if entry.lines.len() == 1 { entry.title.to_owned() } else { line.label.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Page;
    use spillway_core::names::Names;
    use spillway_telemetry::catalogue::{Stage, catalogue, of_stage};

    fn question(compare: bool) -> Question {
        let page = Page::of("/metrics", "range=1h", "", "2026-03-10T12:00:30Z".parse().unwrap());
        Question::of(&page, compare)
    }

    fn entry(stage: Stage, key: &str) -> Entry {
        of_stage(stage, &Names::default()).into_iter().find(|entry| entry.key == key).unwrap()
    }

    fn drawn(entry: &Entry, points: &[f64], compare: bool) -> (Chart, Option<String>) {
        let question = question(compare);
        let range = question.range.aligned(question.period);
        let mut line = Numbers::empty(range, question.period);
        let len = line.points.len();
        for (point, value) in line.points[len - points.len()..].iter_mut().zip(points) {
            *point = Some(*value);
        }
        let numbers = ChartNumbers { lines: vec![line.clone(); entry.lines.len()] };
        let chart = chart(entry, &numbers, compare.then_some(&line), (range, &question));
        let current = current(entry, &chart, &question);
        (chart, current)
    }

    #[test]
    fn traffic_is_shown_up_to_the_last_whole_period() {
        let (chart, current) = drawn(&entry(Stage::Api, "requests"), &[120.0, 3.0], false);
        assert_eq!(
            chart.series[0].points.last(),
            Some(&Some(120.0)),
            "the half minute would look like a fall"
        );
        assert_eq!(current.as_deref(), Some("120 in 1\u{a0}min"));
        assert_eq!(chart.kind, Kind::Area);
    }

    #[test]
    fn an_error_is_shown_at_once() {
        let (chart, current) = drawn(&entry(Stage::Api, "server-errors"), &[0.0, 3.0], false);
        assert_eq!(chart.series[0].points.last(), Some(&Some(3.0)));
        assert_eq!(current.as_deref(), Some("3 in 1\u{a0}min"));
        assert_eq!(chart.kind, Kind::Bars);
    }

    #[test]
    fn a_percentile_says_which() {
        let (chart, current) = drawn(&entry(Stage::Api, "latency"), &[41.0], false);
        assert_eq!(current.as_deref(), Some("p99 41\u{a0}ms"));
        let names: Vec<_> = chart.series.iter().map(|series| series.name.as_str()).collect();
        assert_eq!(names, ["p99", "p90", "p50", "max"]);
    }

    #[test]
    fn an_old_number_is_not_current() {
        let question = question(false);
        let range = question.range.aligned(question.period);
        let entry = entry(Stage::Queue, "age");
        let mut line = Numbers::empty(range, question.period);
        line.points[0] = Some(5.0);
        let chart = chart(&entry, &ChartNumbers { lines: vec![line] }, None, (range, &question));
        assert_eq!(super::current(&entry, &chart, &question), None);
    }

    #[test]
    fn yesterday_is_a_dashed_line_of_the_same_colour() {
        let (chart, _) = drawn(&entry(Stage::Api, "latency"), &[41.0], true);
        let yesterday = chart.series.last().unwrap();
        assert_eq!((yesterday.name.as_str(), yesterday.color), ("p99, yesterday", 1));
        assert_eq!(yesterday.role, spillway_charts::Role::Earlier);
    }

    #[test]
    fn every_chart_of_the_catalogue_can_be_drawn() {
        for entry in catalogue(&Names::default()) {
            let (chart, _) = drawn(&entry, &[1.0, 2.0], true);
            assert_eq!(chart.series.len(), entry.lines.len() + 1, "{}", entry.key);
            assert!(spillway_charts::render_svg(&chart).svg.contains("<path"), "{}", entry.key);
        }
    }
}
