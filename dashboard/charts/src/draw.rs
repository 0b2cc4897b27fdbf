//! Draws a laid out chart with plotters, on any surface.

use crate::ink::{Ink, Pen};
use crate::layout::{Layer, Layout, text_width};
use crate::spec::{Chart, Kind, Role, Threshold};
use crate::thin::{Run, bars, runs};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{Circle, PathElement, Polygon, Rectangle, Text};
use plotters::prelude::Cartesian2d;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, TextStyle};
use plotters_backend::DrawingBackend;

pub(crate) type Drawn<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;
type Data<DB> = DrawingArea<DB, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Height of labels in view box units. The style sheet has the same value.
pub(crate) const TEXT: f64 = 11.0;
/// The factor by which the style sheet enlarges a chart's text on a phone. Labels beside each other need room for it.
const PHONE_TEXT: f64 = 12.5 / TEXT;

/// The state of drawing a chart on a surface.
pub(crate) struct Painter<'a, DB: DrawingBackend> {
    pub root: &'a DrawingArea<DB, Shift>,
    pub chart: &'a Chart,
    pub layout: &'a Layout,
    pub pen: Pen,
}

impl<DB: DrawingBackend> Painter<'_, DB> {
    /// Draws all parts, from back to front.
    pub(crate) fn draw(&self) -> Drawn<DB> {
        let data = self.data_area();
        self.alarms(&data)?;
        self.grid()?;
        let behind = |l: &&Layer| l.role == Role::Earlier;
        for layer in self.layout.layers.iter().filter(behind) {
            self.line(&data, layer, Ink::Earlier(layer.color))?;
        }
        for layer in self.layout.layers.iter().filter(|l| !behind(l)) {
            match self.chart.kind {
                Kind::Line => self.line(&data, layer, Ink::Line(layer.color))?,
                Kind::Area => {
                    self.area(&data, layer, Ink::Area(layer.color))?;
                    self.line(&data, layer, Ink::Line(layer.color))?;
                }
                Kind::StackedArea => {
                    self.area(&data, layer, Ink::Stack(layer.color))?;
                    self.line(&data, layer, Ink::Line(layer.color))?;
                }
                Kind::Bars => self.bars(&data, layer)?,
            }
        }
        self.axis()?;
        self.deployments(&data)?;
        self.thresholds(&data)?;
        self.labels()?;
        if !self.layout.has_data() {
            let plot = self.layout.plot;
            let (x, y) = (f64::from(plot.left + plot.right) / 2.0, f64::from(plot.top + plot.bottom) / 2.0);
            self.text("no data in this range", Ink::Empty, (x, y), HPos::Center, VPos::Center)?;
        }
        self.root.present()
    }

    fn data_area(&self) -> Data<DB> {
        let plot = self.layout.plot;
        let px = |v: i32| self.pen.px(f64::from(v));
        let axis = &self.layout.values;
        self.root.apply_coord_spec(Cartesian2d::new(
            0.0..self.layout.grid.span,
            axis.min..axis.max,
            (px(plot.left)..px(plot.right), px(plot.bottom)..px(plot.top)),
        ))
    }

    fn alarms(&self, data: &Data<DB>) -> Drawn<DB> {
        let plot = self.layout.plot;
        for alarm in &self.chart.alarms {
            let to = alarm.to.unwrap_or(self.layout.to);
            if to < self.layout.from || alarm.from > self.layout.to {
                continue;
            }
            let edge = |at: i64| data.map_coordinate(&(self.layout.clamped(at), self.layout.values.min)).0;
            // An alarm shorter than a pixel stays visible.
            let (left, right) = (edge(alarm.from), edge(to).max(edge(alarm.from) + self.pen.px(1.5)));
            let y = |v: f64| self.pen.px(v);
            let (top, bottom) = (f64::from(plot.top), f64::from(plot.bottom));
            let shade = self.pen.fill(Ink::AlarmShade(alarm.tier));
            self.root.draw(&Rectangle::new([(left, y(top)), (right, y(bottom))], shade))?;
            let strip = self.pen.fill(Ink::AlarmEdge(alarm.tier));
            self.root.draw(&Rectangle::new([(left, y(top - 2.0)), (right, y(top))], strip))?;
        }
        Ok(())
    }

    /// Horizontal lines at the value ticks, except the lowest, where the axis is.
    fn grid(&self) -> Drawn<DB> {
        let plot = self.layout.plot;
        for tick in self.layout.values.ticks.iter().skip(1) {
            let y = self.value_px(*tick);
            self.stroke(Ink::Grid, 1.0, (f64::from(plot.left), y), (f64::from(plot.right), y))?;
        }
        Ok(())
    }

    /// The base line, and a short mark at each time tick.
    fn axis(&self) -> Drawn<DB> {
        let plot = self.layout.plot;
        let base = self.value_px(self.layout.values.min.max(0.0).min(self.layout.values.max));
        self.stroke(Ink::Axis, 1.0, (f64::from(plot.left), base), (f64::from(plot.right), base))?;
        let bottom = self.value_px(self.layout.values.min);
        for tick in &self.layout.times {
            let x = self.time_px(tick.at);
            self.stroke(Ink::Axis, 1.0, (x, bottom), (x, bottom + 4.0))?;
        }
        Ok(())
    }

    fn labels(&self) -> Drawn<DB> {
        let plot = self.layout.plot;
        for (value, label) in self.layout.values.ticks.iter().zip(&self.layout.value_labels) {
            let at = (f64::from(plot.left) - 7.0, self.value_px(*value));
            self.text(label, Ink::Label, at, HPos::Right, VPos::Center)?;
        }
        let y = f64::from(plot.bottom) + 8.0;
        for tick in &self.layout.times {
            let x = self.time_px(tick.at);
            let half = text_width(&tick.label) / 2.0;
            // At an edge, the label is beside its mark, so that it is not cut off.
            if x + half > f64::from(self.layout.size.width) - 1.0 {
                self.text(&tick.label, Ink::Label, (f64::from(plot.right), y), HPos::Right, VPos::Top)?;
            } else {
                self.text(&tick.label, Ink::Label, (x, y), HPos::Center, VPos::Top)?;
            }
        }
        Ok(())
    }

    fn thresholds(&self, data: &Data<DB>) -> Drawn<DB> {
        let plot = self.layout.plot;
        let mut taken: Vec<(f64, f64)> = Vec::new();
        for limit in self.chart.thresholds.iter().filter(|limit| self.is_named(limit)) {
            // A limit beyond the axis has its label at the nearer edge.
            let (text, y) = if limit.value > self.layout.values.max {
                (format!("{} ↑", limit.label), f64::from(plot.top) - 4.0)
            } else if limit.value < self.layout.values.min {
                (format!("{} ↓", limit.label), f64::from(plot.bottom) - 4.0)
            } else {
                let points = vec![(0.0, limit.value), (self.layout.grid.span, limit.value)];
                self.dashed(data, points, Ink::Threshold(limit.tier), 1.25)?;
                (limit.label.clone(), self.value_px(limit.value) - 3.5)
            };
            // Labels at about the same height are placed beside each other.
            let mut right = f64::from(plot.right);
            for (left, _) in taken.iter().filter(|(_, other)| (other - y).abs() < TEXT + 1.0) {
                right = right.min(left - 8.0);
            }
            taken.push((right - text_width(&text) * PHONE_TEXT, y));
            self.text(&text, Ink::ThresholdLabel(limit.tier), (right, y), HPos::Right, VPos::Bottom)?;
        }
        Ok(())
    }

    /// Of several limits of a tier beyond the same edge, only the nearest has a label: the data reaches it first.
    fn is_named(&self, limit: &Threshold) -> bool {
        let (min, max) = (self.layout.values.min, self.layout.values.max);
        let nearer = |other: &Threshold| {
            other.tier == limit.tier
                && ((limit.value > max && other.value > max && other.value < limit.value)
                    || (limit.value < min && other.value < min && other.value > limit.value))
        };
        limit.value.is_finite() && !self.chart.thresholds.iter().any(nearer)
    }

    /// A small triangle on the time axis, and a hairline above it.
    fn deployments(&self, data: &Data<DB>) -> Drawn<DB> {
        let (top, bottom) = (f64::from(self.layout.plot.top), self.value_px(self.layout.values.min));
        for deployment in &self.chart.deployments {
            if deployment.at < self.layout.from || deployment.at > self.layout.to {
                continue;
            }
            let x = data.map_coordinate(&(self.layout.clamped(deployment.at), 0.0)).0;
            let px = |v: f64| self.pen.px(v);
            let wedge = vec![(x, px(bottom - 7.0)), (x + px(4.0), px(bottom)), (x - px(4.0), px(bottom))];
            self.root.draw(&Polygon::new(wedge, self.pen.fill(Ink::Deployment)))?;
            let hair = vec![(x, px(top)), (x, px(bottom))];
            self.root.draw(&PathElement::new(hair, self.pen.stroke(Ink::DeploymentLine, 1.0)))?;
        }
        Ok(())
    }

    fn line(&self, data: &Data<DB>, layer: &Layer, ink: Ink) -> Drawn<DB> {
        let (dashed, width) = if layer.role == Role::Earlier { (true, 1.25) } else { (false, 1.75) };
        let mut lonely = Vec::new();
        for run in runs(&layer.upper, self.layout.grid) {
            if let [only] = run[..] {
                lonely.push(only);
            } else if dashed {
                self.dashed(data, run, ink, width)?;
            } else {
                data.draw(&PathElement::new(run, self.pen.stroke(ink, width)))?;
            }
        }
        // A point without neighbours makes no line.
        for point in lonely {
            let style = self.pen.fill(Ink::Dot(layer.color));
            data.draw(&Circle::new(point, self.pen.px(2.0), style))?;
        }
        Ok(())
    }

    fn dashed(&self, data: &Data<DB>, points: Run, ink: Ink, width: f64) -> Drawn<DB> {
        let style = self.pen.stroke(ink, width);
        if !self.pen.dashes {
            return data.draw(&PathElement::new(points, style));
        }
        let points = points.iter().map(|p| data.map_coordinate(p)).collect();
        for dash in crate::dash::dashes(points, self.pen.unit * 4.0, self.pen.unit * 3.0) {
            self.root.draw(&PathElement::new(dash, style))?;
        }
        Ok(())
    }

    fn area(&self, data: &Data<DB>, layer: &Layer, ink: Ink) -> Drawn<DB> {
        let base = 0f64.clamp(self.layout.values.min, self.layout.values.max);
        let lower = layer.lower.as_ref().map(|l| runs(l, self.layout.grid));
        for (i, run) in runs(&layer.upper, self.layout.grid).into_iter().enumerate() {
            let [first, .., last] = run[..] else { continue };
            let below = match lower.as_ref().and_then(|l| l.get(i)) {
                Some(below) => below.iter().rev().copied().collect(),
                None => vec![(last.0, base), (first.0, base)],
            };
            let outline: Vec<_> = run.into_iter().chain(below).collect();
            data.draw(&Polygon::new(outline, self.pen.fill(ink)))?;
        }
        Ok(())
    }

    /// One layer of the bars of [`crate::thin::bars`].
    fn bars(&self, data: &Data<DB>, layer: &Layer) -> Drawn<DB> {
        let grid = self.layout.grid;
        let style = self.pen.fill(Ink::Bar(layer.color));
        for bar in bars(self.layout.total(), grid) {
            let at = |edge: &[Option<f64>]| edge.get(bar.shown).copied().flatten().unwrap_or(0.0);
            let (bottom, top) = (layer.lower.as_deref().map_or(0.0, at), at(&layer.upper));
            if bottom == top {
                continue;
            }
            let wide = (grid.x(bar.past) - grid.x(bar.first)) / grid.span * grid.width;
            let gap = if wide >= 4.0 { grid.span / grid.width } else { 0.0 };
            let x0 = grid.x(bar.first) + gap / 2.0;
            let x1 = (grid.x(bar.past) - gap / 2.0).min(grid.span);
            if x1 > x0 {
                data.draw(&Rectangle::new([(x0, top), (x1, bottom)], style))?;
            }
        }
        Ok(())
    }

    fn stroke(&self, ink: Ink, width: f64, from: (f64, f64), to: (f64, f64)) -> Drawn<DB> {
        let px = |(x, y): (f64, f64)| (self.pen.px(x), self.pen.px(y));
        self.root.draw(&PathElement::new(vec![px(from), px(to)], self.pen.stroke(ink, width)))
    }

    fn text(&self, text: &str, ink: Ink, at: (f64, f64), h: HPos, v: VPos) -> Drawn<DB> {
        self.root.draw(&label(&self.pen, text, ink, at, h, v))
    }

    /// A vertical position, in the middle of a pixel so that hairlines are sharp.
    fn value_px(&self, value: f64) -> f64 {
        let (plot, axis) = (self.layout.plot, &self.layout.values);
        let share = (value - axis.min) / (axis.max - axis.min);
        (f64::from(plot.bottom) - share * f64::from(plot.bottom - plot.top)).floor() + 0.5
    }

    fn time_px(&self, at: i64) -> f64 {
        let grid = self.layout.grid;
        (f64::from(self.layout.plot.left) + self.layout.clamped(at) / grid.span * grid.width).floor() + 0.5
    }
}

/// Text with its anchor at a position.
pub(crate) fn label<'a>(
    pen: &Pen,
    text: &'a str,
    ink: Ink,
    (x, y): (f64, f64),
    h: HPos,
    v: VPos,
) -> Text<'a, (i32, i32), &'a str> {
    let (size, weight) = if ink == Ink::Title { (14.0, FontStyle::Bold) } else { (TEXT, FontStyle::Normal) };
    let font = FontDesc::new(FontFamily::SansSerif, size * pen.unit * pen.text, weight);
    // A rasteriser centres the box of ascent and descent, and digits have no descent.
    let y = if pen.text > 1.0 && matches!(v, VPos::Center) { y + 1.0 } else { y };
    let style = TextStyle { font, color: (pen.color)(ink).to_backend_color(), pos: Pos::new(h, v) };
    Text::new(text, (pen.px(x), pen.px(y)), style)
}
