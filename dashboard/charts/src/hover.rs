//! The numbers of a drawn chart, for the browser's crosshair and tooltip.

use crate::Unit;
use serde::{Deserialize, Serialize};

/// A chart's geometry and its points as scaled integers: small enough for a `data-series` attribute.
///
/// Point `i` of every series is at `x0 + i × step`. Pixels are units of the view box, whose size is `w` × `h`: first
/// divide by the element's width on screen and multiply by `w`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hover {
    /// Unix seconds of the first point.
    pub x0: i64,
    /// Seconds between points.
    pub step: i64,
    /// The range of the time axis, Unix seconds: its left and right edge.
    pub t: [i64; 2],
    /// The plot area: left, top, right, bottom.
    pub rect: [i32; 4],
    /// Width of the view box.
    pub w: u32,
    /// Height of the view box.
    pub h: u32,
    /// Lowest and highest value of the value axis: the bottom and top edge of the plot area.
    pub y: [f64; 2],
    /// The unit of all values.
    pub unit: Unit,
    /// The series, in the chart's order.
    pub s: Vec<HoverSeries>,
    /// How values map to heights.
    #[serde(default, skip_serializing_if = "Shape::is_line")]
    pub shape: Shape,
    /// Deployments in the range: Unix seconds and label.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dep: Vec<(i64, String)>,
}

/// The position of a point, by its time and value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// At its time, at its value.
    #[default]
    Line,
    /// At its time, on top of the series before it.
    Stack,
    /// In the middle of its period, on top of the series before it.
    Bars,
}

impl Shape {
    fn is_line(&self) -> bool {
        *self == Self::Line
    }
}

/// One series of a [`Hover`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HoverSeries {
    /// Its name.
    pub n: String,
    /// Its class in the style sheet: `s1` to `s8`, followed by `earlier` for a comparison.
    pub c: String,
    /// Values divided by `k` and rounded; `None` without data.
    pub d: Vec<Option<i64>>,
    /// The factor for `d`: a power of ten.
    pub k: f64,
}

/// The content of the crosshair's tooltip at one point.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The point's index.
    pub index: usize,
    /// Its time, Unix seconds.
    pub time: i64,
    /// The crosshair's horizontal position in the view box.
    pub x: f64,
    /// One row for each series, in the chart's order.
    pub rows: Vec<ReadingRow>,
}

/// One series at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadingRow {
    /// The series' name.
    pub name: String,
    /// Its class in the style sheet.
    pub class: String,
    /// The value in words, or `no data`.
    pub text: String,
    /// The point's vertical position in the view box.
    pub y: Option<f64>,
}

impl Hover {
    /// Parses the output of [`Hover::to_json`].
    ///
    /// # Errors
    /// The text is not such JSON.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The value for a `data-series` attribute, not yet escaped for HTML.
    #[must_use]
    pub fn to_json(&self) -> String {
        // It has only finite numbers and strings, so this cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The number of points of the longest series.
    #[must_use]
    pub fn len(&self) -> usize {
        self.s.iter().map(|s| s.d.len()).max().unwrap_or(0)
    }

    /// Whether it has no points.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The time of point `index`, Unix seconds.
    #[must_use]
    pub fn time(&self, index: usize) -> i64 {
        self.x0.saturating_add(self.step.saturating_mul(i64::try_from(index).unwrap_or(i64::MAX)))
    }

    /// The horizontal position of a time; outside the plot area for times outside the range.
    #[must_use]
    pub fn x(&self, time: i64) -> f64 {
        let [left, _, right, _] = self.rect.map(f64::from);
        let [from, to] = self.t.map(|t| t as f64);
        left + (time as f64 - from) / (to - from).max(1.0) * (right - left)
    }

    /// The vertical position of a value.
    #[must_use]
    pub fn y(&self, value: f64) -> f64 {
        let [_, top, _, bottom] = self.rect.map(f64::from);
        let [min, max] = self.y;
        bottom - (value - min) / (max - min).max(f64::MIN_POSITIVE) * (bottom - top)
    }

    /// The value of a series at a point.
    #[must_use]
    pub fn value(&self, series: usize, index: usize) -> Option<f64> {
        let series = self.s.get(series)?;
        series.d.get(index).copied().flatten().map(|d| d as f64 * series.k)
    }

    /// The point nearest to a horizontal position.
    #[must_use]
    pub fn index_at(&self, x: f64) -> Option<usize> {
        let [left, _, right, _] = self.rect.map(f64::from);
        let [from, to] = self.t.map(|t| t as f64);
        let last = self.len().checked_sub(1)?;
        let time = from + (x - left) / (right - left).max(1.0) * (to - from);
        let index = (time - self.x0 as f64) / (self.step.max(1) as f64);
        // A bar covers its period; a point covers half a period on each side.
        let index = if self.shape == Shape::Bars { index.floor() } else { index.round() };
        Some((index.max(0.0) as usize).min(last))
    }

    /// The point nearest to a time. With it, several charts follow one crosshair.
    #[must_use]
    pub fn index_near(&self, time: i64) -> Option<usize> {
        self.index_at(self.x(time))
    }

    /// The tooltip's content at point `index`.
    #[must_use]
    pub fn reading(&self, index: usize) -> Reading {
        let time = self.time(index);
        let rows = (0..self.s.len()).map(|i| self.row(i, index)).collect();
        let middle = if self.shape == Shape::Bars { self.step / 2 } else { 0 };
        Reading { index, time, x: self.x(time.saturating_add(middle)), rows }
    }

    fn row(&self, series: usize, index: usize) -> ReadingRow {
        let value = self.value(series, index);
        let (name, class) = self.s.get(series).map(|s| (s.n.clone(), s.c.clone())).unwrap_or_default();
        ReadingRow {
            name,
            class,
            text: value.map_or_else(|| "no data".to_owned(), |v| self.unit.format(v)),
            y: value.map(|v| self.y(v + self.below(series, index))),
        }
    }

    /// The base of a series in a stacked chart. Comparisons are not stacked.
    fn below(&self, series: usize, index: usize) -> f64 {
        let earlier = |s: usize| self.s.get(s).is_some_and(HoverSeries::is_earlier);
        if self.shape == Shape::Line || earlier(series) {
            return 0.0;
        }
        (0..series).filter(|s| !earlier(*s)).filter_map(|s| self.value(s, index)).sum()
    }
}

impl HoverSeries {
    /// Whether it is a comparison.
    #[must_use]
    pub fn is_earlier(&self) -> bool {
        self.c.ends_with("earlier")
    }

    /// Scales values to integers that keep five digits of the largest, or all of it for whole numbers under a billion.
    #[must_use]
    pub fn scaled(name: &str, class: String, points: &[Option<f64>]) -> Self {
        let largest = points.iter().flatten().fold(0f64, |m, v| m.max(v.abs()));
        let whole = largest < 1e9 && points.iter().flatten().all(|v| v.fract() == 0.0);
        let exponent =
            if whole || largest == 0.0 { 0 } else { (largest.log10().floor() as i32 - 4).clamp(-12, 15) };
        // Dividing by a power of ten above one, or multiplying, keeps values such as 0.3 exact.
        let scale = |v: f64| if exponent < 0 { v * 10f64.powi(-exponent) } else { v / 10f64.powi(exponent) };
        let d = points.iter().map(|p| p.map(|v| scale(v).round() as i64)).collect();
        let k = if exponent < 0 { 1.0 / 10f64.powi(-exponent) } else { 10f64.powi(exponent) };
        Self { n: name.to_owned(), c: class, d, k }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hover() -> Hover {
        Hover {
            x0: 1000,
            step: 60,
            t: [1000, 1600],
            rect: [50, 10, 350, 110],
            w: 360,
            h: 130,
            y: [0.0, 200.0],
            unit: Unit::Milliseconds,
            s: vec![HoverSeries::scaled("p99", "s1".to_owned(), &[Some(12.34), None, Some(150.0)])],
            shape: Shape::Line,
            dep: Vec::new(),
        }
    }

    #[test]
    fn the_json_is_compact_and_can_be_parsed() {
        let json = hover().to_json();
        assert_eq!(
            json,
            r#"{"x0":1000,"step":60,"t":[1000,1600],"rect":[50,10,350,110],"w":360,"h":130,"y":[0.0,200.0],"unit":"ms","s":[{"n":"p99","c":"s1","d":[1234,null,15000],"k":0.01}]}"#
        );
        assert_eq!(Hover::from_json(&json).expect("our own JSON"), hover());
    }

    #[test]
    fn a_position_maps_to_its_point_and_back() {
        let hover = hover();
        assert_eq!(hover.x(1120), 110.0);
        assert_eq!(hover.index_at(108.0), Some(2));
        assert_eq!(hover.index_at(-100.0), Some(0));
        assert_eq!(hover.index_at(1e9), Some(2), "beyond the last point, the last point is nearest");
        assert_eq!(hover.index_near(1055), Some(1));
        assert_eq!(Hover { s: Vec::new(), ..hover }.index_at(60.0), None);
    }

    #[test]
    fn a_reading_has_formatted_values() {
        let hover = hover();
        let at = |i| hover.reading(i).rows.into_iter().map(|r| (r.text, r.y)).collect::<Vec<_>>();
        assert_eq!(at(2), [("150\u{a0}ms".to_owned(), Some(35.0))]);
        assert_eq!(at(1), [("no data".to_owned(), None)]);
        assert_eq!(hover.reading(2).time, 1120);
    }

    #[test]
    fn stacked_points_are_on_top_of_each_other() {
        let series = |c: &str, v: f64| HoverSeries::scaled("", c.to_owned(), &[Some(v)]);
        let s = vec![series("s1", 40.0), series("s1 earlier", 60.0), series("s2", 20.0)];
        let hover = Hover { s, shape: Shape::Bars, ..hover() };
        let reading = hover.reading(0);
        let heights: Vec<_> = reading.rows.iter().map(|r| r.y).collect();
        assert_eq!(heights, [Some(90.0), Some(80.0), Some(80.0)]);
        assert_eq!(reading.x, 65.0, "the middle of the first bar");
        assert_eq!(hover.to_json().matches(r#""shape":"bars""#).count(), 1);
    }

    #[test]
    fn scaling_keeps_visible_digits() {
        let scaled = |points: &[f64]| {
            let points: Vec<_> = points.iter().map(|v| Some(*v)).collect();
            let series = HoverSeries::scaled("", String::new(), &points);
            (series.d.into_iter().flatten().collect::<Vec<_>>(), series.k)
        };
        assert_eq!(scaled(&[172_431.0, 3.0]), (vec![172_431, 3], 1.0));
        assert_eq!(scaled(&[0.5, 0.25]), (vec![50_000, 25_000], 1e-5));
        assert_eq!(scaled(&[1.5e12]), (vec![15_000], 1e8));
        assert_eq!(scaled(&[0.0]), (vec![0], 1.0));
    }
}
