//! The numbers of a drawn chart, for the browser's crosshair and tooltip.

use crate::Unit;
use serde::{Deserialize, Serialize, Serializer};

/// A chart's geometry and its points as short numbers: small enough for a `data-series` attribute.
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
    /// Rounded values; `None` without data.
    #[serde(serialize_with = "short_numbers")]
    pub d: Vec<Option<f64>>,
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
        self.s.get(series)?.d.get(index).copied().flatten()
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

    /// A series of values, each rounded by itself: a small value keeps its digits beside a large one.
    #[must_use]
    pub fn rounded(name: &str, class: String, points: &[Option<f64>]) -> Self {
        let d = points.iter().map(|point| point.filter(|v| v.is_finite()).map(rounded)).collect();
        Self { n: name.to_owned(), c: class, d }
    }
}

/// A value with five significant digits, or all digits of its whole part if it is under a billion.
fn rounded(value: f64) -> f64 {
    let size = value.abs();
    if size == 0.0 || (size < 1e9 && value.fract() == 0.0) {
        return value;
    }
    let after_first = size.log10().floor() as i32;
    let decimals = if size < 1e9 { (4 - after_first).max(0) } else { 4 - after_first };
    // Dividing by a power of ten above one, or multiplying, keeps values such as 0.3 exact.
    let unit = 10f64.powi(decimals.abs().min(MOST_DECIMALS));
    if decimals < 0 { (value / unit).round() * unit } else { (value * unit).round() / unit }
}

/// The largest power of ten that a floating point number represents exactly.
const MOST_DECIMALS: i32 = 22;

/// A whole number above this has no exact integer.
const MOST_EXACT: f64 = 1e15;

/// Whole numbers without the `.0`, by which floating point numbers are longer.
fn short_numbers<S: Serializer>(values: &[Option<f64>], to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Short {
        Whole(i64),
        Fraction(f64),
    }
    to.collect_seq(values.iter().map(|value| {
        value.map(|v| {
            let is_whole = v.fract() == 0.0 && v.abs() < MOST_EXACT;
            if is_whole { Short::Whole(v as i64) } else { Short::Fraction(v) }
        })
    }))
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
            s: vec![HoverSeries::rounded("p99", "s1".to_owned(), &[Some(12.34), None, Some(150.0)])],
            shape: Shape::Line,
            dep: Vec::new(),
        }
    }

    #[test]
    fn the_json_is_compact_and_can_be_parsed() {
        let json = hover().to_json();
        assert_eq!(
            json,
            r#"{"x0":1000,"step":60,"t":[1000,1600],"rect":[50,10,350,110],"w":360,"h":130,"y":[0.0,200.0],"unit":"ms","s":[{"n":"p99","c":"s1","d":[12.34,null,150]}]}"#
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
        let series = |c: &str, v: f64| HoverSeries::rounded("", c.to_owned(), &[Some(v)]);
        let s = vec![series("s1", 40.0), series("s1 earlier", 60.0), series("s2", 20.0)];
        let hover = Hover { s, shape: Shape::Bars, ..hover() };
        let reading = hover.reading(0);
        let heights: Vec<_> = reading.rows.iter().map(|r| r.y).collect();
        assert_eq!(heights, [Some(90.0), Some(80.0), Some(80.0)]);
        assert_eq!(reading.x, 65.0, "the middle of the first bar");
        assert_eq!(hover.to_json().matches(r#""shape":"bars""#).count(), 1);
    }

    #[test]
    fn every_value_keeps_its_own_digits() {
        let read_back = |points: &[f64]| -> Vec<f64> {
            let points: Vec<_> = points.iter().map(|v| Some(*v)).collect();
            let s = vec![HoverSeries::rounded("", String::new(), &points)];
            let sent = Hover { s, ..hover() }.to_json();
            let hover = Hover::from_json(&sent).expect("our own JSON");
            (0..hover.len()).filter_map(|index| hover.value(0, index)).collect()
        };
        assert_eq!(read_back(&[0.4, 3e6]), [0.4, 3e6], "a small value is no zero beside a large one");
        assert_eq!(read_back(&[172_431.0, 3.0, 172_431.2]), [172_431.0, 3.0, 172_431.0]);
        assert_eq!(read_back(&[0.5, 0.25, -0.123_456]), [0.5, 0.25, -0.123_46]);
        assert_eq!(read_back(&[1.234_567e12, 1e15]), [1.2346e12, 1e15]);
        assert_eq!(read_back(&[0.0, 1e-9, f64::MIN_POSITIVE]), [0.0, 1e-9, 0.0]);
        assert_eq!(read_back(&[f64::NAN, f64::INFINITY]), [0.0; 0]);
    }

    #[test]
    fn the_tooltip_shows_a_small_value_beside_a_large_one() {
        let s = vec![HoverSeries::rounded("p99", String::new(), &[Some(0.4), Some(3e6)])];
        let hover = Hover { s, ..hover() };
        let text = |index: usize| hover.reading(index).rows.remove(0).text;
        assert_eq!([text(0), text(1)], ["0.4\u{a0}ms", "50\u{a0}min"]);
    }
}
