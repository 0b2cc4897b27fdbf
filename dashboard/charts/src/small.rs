//! Small drawings: a sparkline, a histogram.

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

/// A histogram of messages by receive count, starting at 1. Each bar with enough room shows its count.
///
/// The fifth and later attempts are emphasised. SQS dead-letters a message when its receive count exceeds the
/// queue's `maxReceiveCount`, so `counts` has `maxReceiveCount` entries.
#[must_use]
pub fn receive_counts(counts: &[u64], size: Size) -> String {
    const LATE_FROM: usize = 4;
    let size = Size { width: size.width.clamp(60, 4000), height: size.height.clamp(48, 4000) };
    let (w, h) = (f64::from(size.width), f64::from(size.height));
    let (top, bottom) = (16.0, h - 20.5);
    let slot = (w - 4.0) / counts.len().max(1) as f64;
    let highest = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    // One message must be visible beside a million.
    let height = |count: u64| (count as f64 / highest * (bottom - top)).max(2.5);
    let gap = (slot * 0.16).clamp(0.0, 6.0);
    let sum =
        |counts: &[u64]| Unit::Count.exact(counts.iter().fold(0, |t: u64, c| t.saturating_add(*c)) as f64);
    let summary = format!(
        "Messages by receive count: {} in all, {} of them in bar {} or beyond.",
        sum(counts),
        sum(counts.get(LATE_FROM..).unwrap_or_default()),
        LATE_FROM + 1
    );
    element("bars", size, &summary, |root| {
        for strong in [false, true] {
            for (i, count) in counts.iter().enumerate() {
                if *count == 0 || (i >= LATE_FROM) != strong {
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
        for (i, count) in counts.iter().enumerate() {
            let middle = 2.0 + (i as f64 + 0.5) * slot;
            let number = Unit::Count.format(*count as f64);
            let width = text_width(&number);
            // A tall bar's number may extend over low neighbours, whose numbers are further down.
            let alone = [i.wrapping_sub(1), i + 1]
                .iter()
                .all(|n| counts.get(*n).is_none_or(|c| height(*c) + TEXT + 2.0 < height(*count)));
            if *count > 0 && (width <= slot + 1.0 || (alone && width <= slot * 2.5)) {
                let at = (middle.clamp(width / 2.0, w - width / 2.0), bottom - height(*count) - 3.0);
                root.draw(&label(&PEN, &number, Ink::Label, at, HPos::Center, VPos::Bottom))?;
            }
            if i == 0 || (i + 1).is_multiple_of(5) {
                let at = (middle, bottom + 7.0);
                let text = (i + 1).to_string();
                root.draw(&label(&PEN, &text, Ink::Label, at, HPos::Center, VPos::Top))?;
            }
        }
        if counts.iter().all(|c| *c == 0) {
            let at = (w / 2.0, (top + bottom) / 2.0);
            root.draw(&label(&PEN, "none", Ink::Empty, at, HPos::Center, VPos::Center))?;
        }
        Ok(())
    })
}
