//! A chart as a sentence, for screen readers.

use crate::layout::Layout;
use crate::spec::{Chart, Role};
use crate::ticks::time::timestamp;

/// With more series than this, the rest are only counted.
const MOST: usize = 4;

/// `p99: latest 340 ms, lowest 12 ms, highest 1.2 s.` for each series, then alarms.
pub(crate) fn summary(chart: &Chart, layout: &Layout) -> String {
    let [from, to] = [layout.from, layout.to].map(|at| timestamp(at).to_zoned(chart.zone.clone()));
    let end = if from.year() != to.year() {
        "%-d %b %Y %H:%M"
    } else if layout.to - layout.from < 86_400 {
        "%H:%M"
    } else {
        "%-d %b %H:%M"
    };
    let mut text = format!("{} to {}.", from.strftime("%-d %b %Y %H:%M"), to.strftime(end));
    if !layout.has_data() {
        text.push_str(" No data in this range.");
        return text;
    }
    let current: Vec<_> = layout.layers.iter().filter(|l| l.role == Role::Current).collect();
    for layer in current.iter().take(MOST) {
        let seen = layer.values.get(layout.grid.visible(layer.values.len())).unwrap_or(&[]);
        let values: Vec<f64> = seen.iter().copied().flatten().collect();
        let Some(latest) = values.last() else {
            text.push_str(&format!(" {}: no data.", layer.name));
            continue;
        };
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let unit = chart.unit;
        text.push_str(&format!(
            " {}: latest {}, lowest {}, highest {}.",
            layer.name,
            unit.format(*latest),
            unit.format(low),
            unit.format(high)
        ));
    }
    match current.len().saturating_sub(MOST) {
        0 => {}
        1 => text.push_str(" One more series."),
        more => text.push_str(&format!(" {more} more series.")),
    }
    let overlapping = |from: i64, to: Option<i64>| from <= layout.to && to.is_none_or(|t| t >= layout.from);
    match chart.alarms.iter().filter(|a| overlapping(a.from, a.to)).count() {
        0 => {}
        1 => text.push_str(" In alarm once."),
        times => text.push_str(&format!(" In alarm {times} times.")),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Unit;

    #[test]
    fn the_range_has_its_year_and_both_if_they_differ() {
        let range = |hours: i64| {
            // 31 December 2025, 22:00 UTC.
            let from = 1_767_218_400;
            let chart = Chart::new("", Unit::Count, from, from + 3600 * hours, 60);
            summary(&chart, &Layout::of(&chart, 0))
        };
        assert_eq!(range(1), "31 Dec 2025 22:00 to 23:00. No data in this range.");
        assert_eq!(range(3), "31 Dec 2025 22:00 to 1 Jan 2026 01:00. No data in this range.");
    }
}
