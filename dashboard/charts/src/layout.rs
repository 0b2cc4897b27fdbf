//! The layout of a chart: geometry only, before drawing.

use crate::ink::palette;
use crate::spec::{Chart, Kind, Role, Series, Size};
use crate::thin::Grid;
use crate::ticks::time::{TimeTick, time_ticks, timestamp};
use crate::ticks::value::{ValueAxis, tame};

/// The plot area in view box units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlotRect {
    /// Left edge.
    pub left: i32,
    /// Top edge.
    pub top: i32,
    /// Right edge.
    pub right: i32,
    /// Bottom edge: the time axis.
    pub bottom: i32,
}

/// Charts in one column align as long as their labels fit into this width.
const LEFT_LEAST: i32 = 52;
const RIGHT: i32 = 10;
const TOP: i32 = 12;
const BOTTOM: i32 = 22;
/// A limit above this multiple of the data has only a label at the edge: its line would flatten the data.
const FAR: f64 = 3.0;

/// A series ready to be drawn.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    pub name: String,
    /// 1 to 8.
    pub color: u8,
    pub role: Role,
    /// The series.
    pub values: Vec<Option<f64>>,
    /// The drawn values: its own, or in stacked charts the sum up to it.
    pub upper: Vec<Option<f64>>,
    /// The lower edge of its fill, if that is not the base line.
    pub lower: Option<Vec<Option<f64>>>,
}

/// The layout of a chart, independent of the surface.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub size: Size,
    pub plot: PlotRect,
    pub from: i64,
    pub to: i64,
    pub grid: Grid,
    pub start: i64,
    pub step: i64,
    pub values: ValueAxis,
    pub value_labels: Vec<String>,
    pub times: Vec<TimeTick>,
    pub layers: Vec<Layer>,
}

impl Layout {
    /// Lays a chart out. `header` units at the top are left free.
    pub(crate) fn of(chart: &Chart, header: i32) -> Self {
        let size = Size {
            width: chart.size.width.clamp(120, 10_000),
            height: chart.size.height.clamp(64, 10_000) + header.unsigned_abs(),
        };
        let from = timestamp(chart.from).as_second();
        let to = timestamp(chart.to).as_second().max(from + 1);
        let step = chart.step.clamp(1, 1 << 40);
        let start = timestamp(chart.start).as_second();

        let (top, bottom) = (header + TOP, size.height as i32 - BOTTOM);
        let layers = layers(chart);
        let seen =
            Grid { offset: (start - from) as f64, step: step as f64, span: (to - from) as f64, width: 1.0 };
        let mut values = value_axis(chart, &layers, seen, bottom - top);
        if !layers.iter().any(|l| visible(l, seen).any(|v| v.is_some()))
            && chart.y_max.is_none()
            && chart.thresholds.is_empty()
        {
            // Without data, the scale is from zero.
            values.ticks.truncate(1);
        }
        let value_labels: Vec<_> = values.ticks.iter().map(|v| axis_label(chart, *v)).collect();
        let widest = value_labels.iter().map(|l| text_width(l)).fold(0.0, f64::max);
        let left = LEFT_LEAST.max(widest.ceil() as i32 + 8).min(size.width as i32 / 2);
        let plot = PlotRect { left, top, right: (size.width as i32 - RIGHT).max(left + 8), bottom };
        let grid = Grid { width: f64::from(plot.right - plot.left), ..seen };
        let times = time_ticks(from, to, &chart.zone, grid.width);
        Self { size, plot, from, to, grid, start, step, values, value_labels, times, layers }
    }

    /// Whether any series has a value in the range.
    pub(crate) fn has_data(&self) -> bool {
        self.layers.iter().any(|l| visible(l, self.grid).any(|v| v.is_some()))
    }

    /// The sum of all series of a stacked chart.
    pub(crate) fn total(&self) -> &[Option<f64>] {
        self.layers.iter().rfind(|l| l.role == Role::Current).map_or(&[], |last| &last.upper)
    }

    /// Seconds from the left edge to a time, limited to the range.
    pub(crate) fn clamped(&self, at: i64) -> f64 {
        (at.clamp(self.from, self.to) - self.from) as f64
    }
}

/// The approximate width of a label in view box units. It assumes a wide typeface, so that no other is cut off.
pub(crate) fn text_width(label: &str) -> f64 {
    let character = |c: char| match c {
        'm' | 'M' | 'W' | '%' => 10.7,
        'w' | '↑' | '↓' => 9.2,
        '0'..='9' | '$' | 'n' | 'h' | 'b' | 'd' | 'A'..='Z' => 7.0,
        '.' | ',' | ':' | ' ' | '\u{a0}' | '/' | 'i' | 'l' | 'j' | 't' | 'f' => 3.7,
        _ => 6.5,
    };
    label.chars().map(character).sum()
}

fn visible(layer: &Layer, grid: Grid) -> impl Iterator<Item = Option<f64>> {
    layer.upper.get(grid.visible(layer.upper.len())).unwrap_or(&[]).iter().copied()
}

/// Zero needs no unit.
fn axis_label(chart: &Chart, value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { chart.unit.format(value) }
}

fn value_axis(chart: &Chart, layers: &[Layer], grid: Grid, height: i32) -> ValueAxis {
    let all = layers.iter().flat_map(|l| visible(l, grid).flatten());
    let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let (mut low, mut high) = if low <= high { (low, high) } else { (0.0, 0.0) };
    if chart.y_from_zero || chart.kind != Kind::Line {
        (low, high) = (low.min(0.0), high.max(0.0));
    }
    for limit in chart.thresholds.iter().map(|t| t.value).filter(|v| v.is_finite()).map(tame) {
        if within_reach(limit, low, high) {
            (low, high) = (low.min(limit), high.max(limit));
        }
    }
    if let Some(max) = chart.y_max.filter(|m| m.is_finite()) {
        high = high.max(tame(max));
    }
    ValueAxis::spanning(low, high, chart.unit, if height < 70 { 2 } else { 4 })
}

/// Whether a limit may extend an axis whose data ends at `low..=high`.
fn within_reach(limit: f64, low: f64, high: f64) -> bool {
    let span = high - low;
    span == 0.0 || (limit <= low + span * FAR && limit >= high - span * FAR)
}

fn layers(chart: &Chart) -> Vec<Layer> {
    let stacked = matches!(chart.kind, Kind::StackedArea | Kind::Bars);
    let mut sum: Option<Vec<Option<f64>>> = None;
    let current: Vec<_> = chart.series.iter().filter(|s| s.role == Role::Current).collect();
    let length = current.iter().map(|s| s.points.len()).max().unwrap_or(0);
    // A stacked series without data counts as zero. If no series has data, there is a gap.
    let any: Vec<bool> = (0..length).map(|i| current.iter().any(|s| point(s, i).is_some())).collect();
    let mut layers = Vec::with_capacity(chart.series.len());
    for series in &chart.series {
        let values: Vec<_> = (0..series.points.len()).map(|i| point(series, i)).collect();
        let (upper, lower) = if stacked && series.role == Role::Current {
            let below = sum.take();
            let base = |i: usize| below.as_ref().and_then(|b| b.get(i).copied().flatten()).unwrap_or(0.0);
            let upper: Vec<_> = any
                .iter()
                .enumerate()
                .map(|(i, any)| any.then(|| base(i) + point(series, i).unwrap_or(0.0)))
                .collect();
            sum = Some(upper.clone());
            (upper, below)
        } else {
            (values.clone(), None)
        };
        layers.push(Layer {
            name: series.name.clone(),
            color: palette(series.color),
            role: series.role,
            values,
            upper,
            lower,
        });
    }
    layers
}

/// A point that can be drawn.
fn point(series: &Series, index: usize) -> Option<f64> {
    series.points.get(index).copied().flatten().filter(|v| v.is_finite()).map(tame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Unit;
    use crate::spec::{Threshold, Tier};

    fn chart(points: &[f64]) -> Chart {
        let mut chart = Chart::new("latency", Unit::Milliseconds, 0, 600, 60);
        chart.series = vec![Series::new("p99", 1, points.iter().map(|v| Some(*v)).collect())];
        chart
    }

    fn limit(value: f64) -> Threshold {
        Threshold { value, label: "limit".to_owned(), tier: Tier::High }
    }

    #[test]
    fn a_near_limit_is_on_the_axis_and_a_distant_one_is_not() {
        let top = |limit_at: f64| {
            let mut chart = chart(&[80.0, 100.0]);
            chart.thresholds = vec![limit(limit_at)];
            Layout::of(&chart, 0).values.max
        };
        assert_eq!(top(250.0), 300.0);
        assert_eq!(top(1000.0), 100.0);
    }

    #[test]
    fn the_axis_begins_at_zero_unless_set_otherwise() {
        let mut chart = chart(&[99.2, 99.9]);
        chart.unit = Unit::Percent;
        assert_eq!(Layout::of(&chart, 0).values.min, 0.0);
        chart.y_from_zero = false;
        assert!(Layout::of(&chart, 0).values.min > 99.0);
        chart.kind = Kind::Bars;
        assert_eq!(Layout::of(&chart, 0).values.min, 0.0, "a bar starts at zero");
    }

    #[test]
    fn only_what_is_in_the_range_decides_the_axis() {
        let mut chart = chart(&[10_000.0, 1.0, 2.0]);
        chart.from = 60;
        assert!(Layout::of(&chart, 0).values.max <= 2.0);
    }

    #[test]
    fn stacks_add_up_and_have_gaps_only_without_any_data() {
        let mut chart = chart(&[1.0, 2.0]);
        chart.kind = Kind::StackedArea;
        chart.series = vec![
            Series::new("a", 1, vec![Some(1.0), None, Some(3.0)]),
            Series::new("b", 2, vec![Some(10.0), None, None]),
        ];
        let layout = Layout::of(&chart, 0);
        assert_eq!(layout.layers[1].upper, [Some(11.0), None, Some(3.0)]);
        assert_eq!(layout.layers[1].values, [Some(10.0), None, None]);
    }

    #[test]
    fn charts_of_the_same_width_align() {
        let left = |points: &[f64]| Layout::of(&chart(points), 0).plot.left;
        assert_eq!(left(&[3.0]), left(&[400.0]));
        assert_eq!(left(&[3.0]), left(&[90_000.0]));
    }
}
