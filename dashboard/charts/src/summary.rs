//! A chart as a sentence, for screen readers.

use crate::layout::Layout;
use crate::spec::{Chart, Role};
use crate::ticks::time::timestamp;

/// With more series than this, the rest are only counted.
const MOST: usize = 4;

/// `p99: latest 340 ms, lowest 12 ms, highest 1.2 s.` for each series, then alarms.
pub(crate) fn summary(chart: &Chart, layout: &Layout) -> String {
    let time =
        |at: i64, pattern: &str| timestamp(at).to_zoned(chart.zone.clone()).strftime(pattern).to_string();
    let mut text = format!(
        "{} to {}.",
        time(layout.from, "%-d %b %H:%M"),
        time(layout.to, if layout.to - layout.from < 86_400 { "%H:%M" } else { "%-d %b %H:%M" })
    );
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
