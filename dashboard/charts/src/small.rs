//! Small drawings: a sparkline, a histogram, a meter.

use crate::Unit;
use crate::draw::{Drawn, TEXT, label};
use crate::ink::Ink;
use crate::layout::text_width;
use crate::spec::Size;
use crate::svg::{self, PEN, SvgBackend};
use crate::thin::{Grid, runs};
use crate::ticks::value::tame;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon, Rectangle};
use plotters::style::text_anchor::{HPos, VPos};

type Painted = Drawn<SvgBackend<'static>>;
type Root<'a> = DrawingArea<SvgBackend<'a>, Shift>;

/// A corner or a point in view box units.
type At = (f64, f64);

fn px((x, y): At) -> (i32, i32) {
    (PEN.px(x), PEN.px(y))
}

/// Draws with `paint` into an `svg` element. Screen readers skip it if the name is empty.
fn element(class: &str, size: Size, name: &str, paint: impl Fn(&Root) -> Painted) -> String {
    let mut out = String::with_capacity(1024);
    svg::open(&mut out, class, (size.width, size.height), name, "");
    {
        let root = SvgBackend::new(&mut out, size.width, size.height).into_drawing_area();
        // Writing to a string cannot fail, and no other error is possible with one drawing area.
        let drawn = paint(&root).and_then(|()| root.present());
        debug_assert!(drawn.is_ok());
    }
    out.push_str("</svg>");
    out
}

fn rect(root: &Root, ink: Ink, from: At, to: At) -> Painted {
    root.draw(&Rectangle::new([px(from), px(to)], PEN.fill(ink)))
}

/// A line without axes, for a table row or beside a number. Screen readers skip it.
///
/// The scale is from zero to the highest value. Missing values are gaps. `width` and `height` are view box units.
#[must_use]
pub fn sparkline(points: &[Option<f64>], width: u32, height: u32) -> String {
    let size = Size { width: width.clamp(16, 4000), height: height.clamp(8, 4000) };
    let points: Vec<_> = points.iter().map(|p| p.filter(|v| v.is_finite()).map(tame)).collect();
    let (low, high) = points.iter().flatten().fold((0f64, 0f64), |(l, h), v| (l.min(*v), h.max(*v)));
    let (w, h) = (f64::from(size.width), f64::from(size.height));
    // Room for the stroke and for the dot at the end.
    let (left, right, top, bottom) = (1.0, w - 3.0, 3.0, h - 1.5);
    let span = (points.len().saturating_sub(1)).max(1) as f64;
    let grid = Grid { offset: 0.0, step: 1.0, span, width: right - left };
    let y = |v: f64| if high > low { bottom - (v - low) / (high - low) * (bottom - top) } else { bottom };
    let at = |(x, v): At| (left + x / span * (right - left), y(v));
    element("spark", size, "", |root| {
        let runs = runs(&points, grid);
        for run in &runs {
            if let [first, .., last] = run[..] {
                let base = [(last.0, 0.0), (first.0, 0.0)];
                let outline: Vec<_> = run.iter().copied().chain(base).map(at).map(px).collect();
                root.draw(&Polygon::new(outline, PEN.fill(Ink::Area(1))))?;
            }
        }
        for run in &runs {
            if run.len() > 1 {
                let line: Vec<_> = run.iter().copied().map(at).map(px).collect();
                root.draw(&PathElement::new(line, PEN.stroke(Ink::Line(1), 1.5)))?;
            }
        }
        let end = runs.last().and_then(|r| r.last()).copied();
        let lonely = runs.iter().filter_map(|r| if let [only] = r[..] { Some(only) } else { None });
        for point in lonely.chain(end) {
            root.draw(&Circle::new(px(at(point)), PEN.px(1.75), PEN.fill(Ink::Dot(1))))?;
        }
        Ok(())
    })
}

/// A histogram.
#[derive(Debug, Clone)]
pub struct Bars {
    /// The counted items, for screen readers.
    pub name: String,
    /// The height of each bar.
    pub counts: Vec<u64>,
    /// The label below each bar; empty or missing labels stay blank.
    pub labels: Vec<String>,
    /// Index of the first emphasised bar; all later bars are emphasised too.
    pub emphasis_from: Option<usize>,
    /// Size of the view box.
    pub size: Size,
}

impl Bars {
    /// Messages by receive count, starting at 1.
    ///
    /// The fifth and later attempts are emphasised. SQS dead-letters a message when its receive count exceeds the
    /// queue's `maxReceiveCount`, so `counts` has `maxReceiveCount` entries.
    #[must_use]
    pub fn receive_counts(counts: Vec<u64>) -> Self {
        let label = |i: usize| if i == 1 || i.is_multiple_of(5) { i.to_string() } else { String::new() };
        Self {
            name: "Messages by receive count".to_owned(),
            labels: (1..=counts.len()).map(label).collect(),
            counts,
            emphasis_from: Some(4),
            size: Size { width: 400, height: 130 },
        }
    }

    fn summary(&self) -> String {
        let count = |c: u64| Unit::Count.exact(c as f64);
        let total = self.counts.iter().fold(0u64, |t, c| t.saturating_add(*c));
        let Some(from) = self.emphasis_from else {
            return format!("{}: {} in all.", self.name, count(total));
        };
        let late = self.counts.iter().skip(from).fold(0u64, |t, c| t.saturating_add(*c));
        format!(
            "{}: {} in all, {} of them in bar {} or beyond.",
            self.name,
            count(total),
            count(late),
            from + 1
        )
    }
}

/// Draws a histogram. Each bar with enough room shows its count.
#[must_use]
pub fn bars(bars: &Bars) -> String {
    let size = Size { width: bars.size.width.clamp(60, 4000), height: bars.size.height.clamp(48, 4000) };
    let (w, h) = (f64::from(size.width), f64::from(size.height));
    let (top, bottom) = (16.0, h - 20.5);
    let slot = (w - 4.0) / bars.counts.len().max(1) as f64;
    let highest = bars.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    // One message must be visible beside a million.
    let height = |count: u64| (count as f64 / highest * (bottom - top)).max(2.5);
    let gap = (slot * 0.16).clamp(0.0, 6.0);
    element("bars", size, &bars.summary(), |root| {
        for strong in [false, true] {
            for (i, count) in bars.counts.iter().enumerate() {
                if *count == 0 || bars.emphasis_from.is_some_and(|from| i >= from) != strong {
                    continue;
                }
                let left = 2.0 + i as f64 * slot;
                let (from, to) = ((left + gap, bottom - height(*count)), (left + slot - gap, bottom));
                rect(root, Ink::Count(strong), from, to)?;
            }
        }
        root.draw(&PathElement::new(
            vec![px((2.0, bottom)), px((w - 2.0, bottom))],
            PEN.stroke(Ink::Axis, 1.0),
        ))?;
        for (i, count) in bars.counts.iter().enumerate() {
            let middle = 2.0 + (i as f64 + 0.5) * slot;
            let number = Unit::Count.format(*count as f64);
            let width = text_width(&number);
            // A tall bar's number may extend over low neighbours, whose numbers are further down.
            let alone = [i.wrapping_sub(1), i + 1]
                .iter()
                .all(|n| bars.counts.get(*n).is_none_or(|c| height(*c) + TEXT + 2.0 < height(*count)));
            if *count > 0 && (width <= slot + 1.0 || (alone && width <= slot * 2.5)) {
                let at = (middle.clamp(width / 2.0, w - width / 2.0), bottom - height(*count) - 3.0);
                root.draw(&label(&PEN, &number, Ink::Label, at, HPos::Center, VPos::Bottom))?;
            }
            if let Some(text) = bars.labels.get(i).filter(|l| !l.is_empty()) {
                let at = (middle, bottom + 7.0);
                root.draw(&label(&PEN, text, Ink::Label, at, HPos::Center, VPos::Top))?;
            }
        }
        if bars.counts.iter().all(|c| *c == 0) {
            let at = (w / 2.0, (top + bottom) / 2.0);
            root.draw(&label(&PEN, "none", Ink::Empty, at, HPos::Center, VPos::Center))?;
        }
        Ok(())
    })
}

/// The state of a meter, for its colour. The page also shows it in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// Nothing to do.
    #[default]
    Fine,
    /// It needs attention.
    Warning,
    /// A limit is exceeded.
    Over,
}

/// A horizontal bar that compares a value with a limit, such as spending with a budget.
#[derive(Debug, Clone)]
pub struct Meter {
    /// The measured value's name, for screen readers.
    pub name: String,
    /// The current value.
    pub value: f64,
    /// The forecast for the end of the period, if there is one.
    pub forecast: Option<f64>,
    /// The limit.
    pub limit: f64,
    /// The unit of all of these.
    pub unit: Unit,
    /// Marks, such as the shares at which an alarm notifies.
    pub ticks: Vec<MeterTick>,
    /// The state, which decides the colour.
    pub state: State,
    /// Width of the view box; its height is fixed.
    pub width: u32,
}

/// A mark on a [`Meter`].
#[derive(Debug, Clone, PartialEq)]
pub struct MeterTick {
    /// Its value.
    pub at: f64,
    /// The label below.
    pub label: String,
}

/// Draws a meter. A value above the limit extends the scale beyond the end of the track.
#[must_use]
pub fn meter(meter: &Meter) -> String {
    let sane = |v: f64| if v.is_finite() { tame(v).max(0.0) } else { 0.0 };
    let (value, limit) = (sane(meter.value), sane(meter.limit));
    let forecast = meter.forecast.map(sane).filter(|f| *f > value);
    let furthest = value.max(limit).max(forecast.unwrap_or(0.0));
    let size =
        Size { width: meter.width.clamp(80, 4000), height: if meter.ticks.is_empty() { 12 } else { 30 } };
    let right = f64::from(size.width) - 1.0;
    let x = |v: f64| if furthest > 0.0 { 1.0 + v / furthest * (right - 1.0) } else { 1.0 };
    let class = match meter.state {
        State::Fine => "meter fine",
        State::Warning => "meter warning",
        State::Over => "meter over",
    };
    let unit = meter.unit;
    let mut name = format!("{}: {} of {}", meter.name, unit.format(meter.value), unit.format(meter.limit));
    if let Some(forecast) = forecast {
        name.push_str(&format!(", forecast {}", unit.format(forecast)));
    }
    element(class, size, &name, |root| {
        rect(root, Ink::MeterTrack, (1.0, 2.0), (x(limit).max(2.0), 10.0))?;
        if let Some(forecast) = forecast {
            rect(root, Ink::MeterForecast, (x(value), 2.0), (x(forecast), 10.0))?;
        }
        if value > 0.0 {
            rect(root, Ink::MeterFill, (1.0, 2.0), (x(value).max(2.5), 10.0))?;
        }
        let ticks = || meter.ticks.iter().filter(|t| t.at >= 0.0 && t.at <= furthest);
        for tick in ticks() {
            let at = x(tick.at).clamp(1.5, right - 0.5);
            root.draw(&PathElement::new(
                vec![px((at, 1.0)), px((at, 14.0))],
                PEN.stroke(Ink::MeterTick, 1.0),
            ))?;
        }
        for tick in ticks() {
            let half = text_width(&tick.label) / 2.0;
            let (at, anchor) = match x(tick.at) {
                at if at + half > right => (right, HPos::Right),
                at if at - half < 1.0 => (1.0, HPos::Left),
                at => (at, HPos::Center),
            };
            root.draw(&label(&PEN, &tick.label, Ink::Label, (at, 18.0), anchor, VPos::Top))?;
        }
        Ok(())
    })
}
