//! What a chart of the catalogue looks like.

use super::{Comparison, Current, Question};
use spillway_dashboard_charts::{Chart, Kind, LegendItem, Role, Series, Unit, legend};
use spillway_dashboard_model::catalogue::{ChartNumbers, Entry, Good};
use spillway_dashboard_model::metrics::{Gaps, Line, LineValue};
use spillway_metrics::{Statistic, TimeRange, Unit as MetricUnit};

/// The number of newest periods that may have the current value. Older values are not current, even without newer ones.
const CURRENT_PERIODS: usize = 2;
/// The grey of the palette, for a sum of several lines.
const EARLIER_SUM: u8 = 8;

/// The chart of an entry. `earlier` has its numbers in the range that it is compared with.
pub(super) fn chart(
    entry: &Entry,
    numbers: &ChartNumbers,
    earlier: Option<&ChartNumbers>,
    (range, question): (TimeRange, &Question),
) -> Chart {
    let step = i64::from(question.period.seconds());
    let from = range.from().as_second();
    // The last point belongs to the period that begins at the last but one edge, so the chart ends there.
    let to = (range.to().as_second() - step).max(from + step);
    let mut chart = Chart::new(entry.title, unit(entry), from, to, step);
    chart.zone = question.zone.clone();
    for (color, (line, numbers)) in (1..).zip(entry.lines.iter().zip(&numbers.lines)) {
        let mut points = numbers.points.clone();
        if is_running(range, question) && shrinks_unfinished(entry, line) {
            points.pop();
        }
        chart.series.push(Series::new(name(entry, line), color, points));
    }
    if entry.unit == MetricUnit::Count && entry.gaps == Gaps::Zero && entry.good == Good::Low {
        chart.kind = Kind::Bars;
        chart.to = range.to().as_second();
    } else if are_parts(entry) {
        chart.kind = Kind::StackedArea;
    } else if entry.lines.len() == 1 {
        chart.kind = Kind::Area;
    }
    if let (Some(earlier), Some(comparison)) = (earlier, question.comparison) {
        compare(&mut chart, earlier, comparison);
    }
    chart
}

/// Adds an earlier range below the first line, or below the sum where lines are stacked.
fn compare(chart: &mut Chart, earlier: &ChartNumbers, comparison: Comparison) {
    let is_sum = earlier.lines.len() > 1;
    let label = match &mut *chart.series {
        [] => return,
        [only] => {
            only.name = comparison.now.to_owned();
            comparison.label.to_owned()
        }
        _ if is_sum => format!("all, {}", comparison.label),
        [first, ..] => format!("{}, {}", first.name, comparison.label),
    };
    let len = earlier.lines.iter().map(|line| line.points.len()).max().unwrap_or(0);
    let points = (0..len).map(|at| total(earlier.lines.iter().map(|line| &*line.points), at)).collect();
    let color = if is_sum { EARLIER_SUM } else { 1 };
    chart.series.push(Series::new(label, color, points).earlier());
}

/// What is compared with an earlier range: the sum of stacked lines, otherwise only the most important line. More lines
/// would be hard to read.
pub(super) fn compared(entry: &Entry) -> Entry {
    let lines = if are_parts(entry) { entry.lines.len() } else { 1 };
    Entry { lines: entry.lines.iter().take(lines).cloned().collect(), ..entry.clone() }
}

/// Whether the lines are stacked, with their sum as current value. This applies to parts of a number that should be
/// small, such as errors by stage. There a zero in the first line says nothing about the others.
fn are_parts(entry: &Entry) -> bool {
    let metric = |line: &Line| match &line.value {
        LineValue::Statistic(query) => Some((query.metric.clone(), query.statistic)),
        _ => None,
    };
    let is_share = |line: &Line| matches!(line.value, LineValue::Share { .. });
    let (Some(first), rest) = (entry.lines.first(), entry.lines.iter().skip(1)) else { return false };
    let fits = |line: &Line| match (metric(first), metric(line)) {
        (Some((one, how)), Some((other, same))) => one != other && how == same,
        _ => is_share(first) && is_share(line),
    };
    entry.good == Good::Low && entry.lines.len() > 1 && rest.into_iter().all(fits)
}

/// The newest value: of the first line, or the sum of stacked lines. Sums are of the last complete period, so that the window
/// is the same at each refresh. Also its place in the series: the legend has the values of the same period.
pub(super) fn current(
    entry: &Entry,
    chart: &Chart,
    (range, question): (TimeRange, &Question),
) -> Option<(Current, usize)> {
    let line = entry.lines.first()?;
    let shown = if are_parts(entry) { entry.lines.len() } else { 1 };
    let at = |index| total(chart.series.iter().take(shown).map(|series| &*series.points), index);
    let is_sum = matches!(&line.value, LineValue::Statistic(query) if is_sum(query.statistic));
    let has_running = is_sum && is_running(range, question) && !shrinks_unfinished(entry, line);
    let len = chart.series.first()?.points.len().saturating_sub(usize::from(has_running));
    let newest = (len.saturating_sub(CURRENT_PERIODS)..len).rev().find(|index| at(*index).is_some())?;
    let value = at(newest)?;
    let window = is_sum.then(|| question.period_words());
    // With several lines that do not add up, the text names the line.
    let label = (entry.lines.len() > shown).then_some(line.label);
    let note = match (label, window) {
        (Some(label), Some(window)) => Some(format!("{label} in {window}")),
        (None, Some(window)) => Some(format!("in {window}")),
        (label, None) => label.map(str::to_owned),
    };
    let fact = label.map(|label| fact(entry.key, label));
    Some((Current { value: chart.unit.format(value), note, fact }, newest))
}

/// The legend, with the values of one period; without any if that is not known.
pub(super) fn legend_at(chart: &Chart, index: Option<usize>) -> Vec<LegendItem> {
    let mut items = legend(chart);
    for (item, series) in items.iter_mut().zip(&chart.series) {
        if series.role == Role::Current {
            let value = index.and_then(|index| series.points.get(index).copied().flatten());
            item.latest = value.map(|value| chart.unit.format(value));
        }
    }
    items
}

/// The name of a chart's number, by its line.
pub(crate) fn fact(chart: &str, line: &str) -> String {
    format!("chart-{chart}-{}", line.replace(' ', "-"))
}

/// The sum of several rows at one index; `None` if no row has a number there.
fn total<'a>(rows: impl Iterator<Item = &'a [Option<f64>]>, at: usize) -> Option<f64> {
    rows.filter_map(|points| points.get(at).copied().flatten()).reduce(|sum, one| sum + one)
}

/// Whether the last period is still running.
fn is_running(range: TimeRange, question: &Question) -> bool {
    range.to() > question.now
}

/// The sum of a running period is incomplete and would look like a fall. So traffic ends with the last complete period.
/// Errors are shown at once, because a new error matters more than its final count.
fn shrinks_unfinished(entry: &Entry, line: &Line) -> bool {
    let sums = match &line.value {
        LineValue::Statistic(query) => is_sum(query.statistic),
        LineValue::PerSecond(_) | LineValue::CapacityUse { .. } => return true,
        LineValue::Share { .. } => false,
    };
    sums && entry.good != Good::Low
}

fn is_sum(statistic: Statistic) -> bool {
    matches!(statistic, Statistic::Sum | Statistic::SampleCount)
}

fn unit(entry: &Entry) -> Unit {
    let is_fraction = |line: &Line| match &line.value {
        LineValue::Statistic(query) => query.statistic == Statistic::Average,
        LineValue::PerSecond(_) => true,
        _ => false,
    };
    match entry.unit {
        MetricUnit::Count if entry.lines.iter().any(is_fraction) => Unit::Number,
        unit => unit.into(),
    }
}

/// A single line takes the chart's name, because `Sum` alone explains nothing.
fn name(entry: &Entry, line: &Line) -> String {
    if entry.lines.len() == 1 { entry.title.to_owned() } else { line.label.to_owned() }
}

#[cfg(test)]
mod tests;
