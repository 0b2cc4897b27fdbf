//! Charts as SVG, with the numbers for the browser's crosshair.

use crate::draw::Painter;
use crate::hover::{Hover, HoverSeries, Shape};
use crate::layout::{Layout, PlotRect};
use crate::spec::{Chart, Kind, Role};
use crate::summary::summary;
use crate::svg::{self, PEN, SvgBackend};
use plotters::drawing::IntoDrawingArea;

/// A drawn chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// One `svg` element of class `chart`, without an XML header, for use in HTML.
    pub svg: String,
    /// The plot area, in view box units.
    pub plot: PlotRect,
    /// The chart's numbers.
    pub hover: Hover,
    /// [`Hover::to_json`] of `hover`: the value for a `data-series` attribute, not yet escaped for HTML.
    pub series_json: String,
}

/// Draws a chart.
///
/// It always returns a chart. Values that are not finite become gaps, an empty range becomes a second, and a small size
/// is enlarged.
#[must_use]
pub fn render_svg(chart: &Chart) -> Drawn {
    let layout = Layout::of(chart, 0);
    let (width, height) = (layout.size.width, layout.size.height);
    let mut svg = String::with_capacity(4096);
    let name = if chart.name.is_empty() { "Chart" } else { &chart.name };
    svg::open(&mut svg, "chart", (width, height), name, &summary(chart, &layout));
    {
        let root = SvgBackend::new(&mut svg, width, height).into_drawing_area();
        let painter = Painter { root: &root, chart, layout: &layout, pen: PEN };
        // Writing to a string cannot fail, and no other error is possible with one drawing area.
        let drawn = painter.draw();
        debug_assert!(drawn.is_ok());
    }
    svg.push_str("</svg>");
    let hover = hover(chart, &layout);
    let series_json = hover.to_json();
    Drawn { svg, plot: layout.plot, hover, series_json }
}

/// Only the points in the range: the pointer cannot reach others.
fn hover(chart: &Chart, layout: &Layout) -> Hover {
    let longest = layout.layers.iter().map(|l| l.values.len()).max().unwrap_or(0);
    let visible = layout.grid.visible(longest);
    let series = layout.layers.iter().map(|layer| {
        let end = visible.end.min(layer.values.len());
        let points = layer.values.get(visible.start..end).unwrap_or(&[]);
        let class = match layer.role {
            Role::Current => format!("s{}", layer.color),
            Role::Earlier => format!("s{} earlier", layer.color),
        };
        HoverSeries::rounded(&layer.name, class, points)
    });
    let plot = layout.plot;
    let in_range = |at: i64| at >= layout.from && at <= layout.to;
    Hover {
        x0: layout.start.saturating_add(layout.step.saturating_mul(visible.start as i64)),
        step: layout.step,
        t: [layout.from, layout.to],
        rect: [plot.left, plot.top, plot.right, plot.bottom],
        w: layout.size.width,
        h: layout.size.height,
        y: [layout.values.min, layout.values.max],
        unit: chart.unit,
        s: series.collect(),
        shape: match chart.kind {
            Kind::Line | Kind::Area => Shape::Line,
            Kind::StackedArea => Shape::Stack,
            Kind::Bars => Shape::Bars,
        },
        dep: chart.deployments.iter().filter(|d| in_range(d.at)).map(|d| (d.at, d.label.clone())).collect(),
    }
}

/// One entry of a chart's legend, which the page shows beside the heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegendItem {
    /// The series' name.
    pub name: String,
    /// Classes for a swatch: `chart-key s1`, with `earlier` for a comparison.
    pub class: String,
    /// The newest value in words, if there is one.
    pub latest: Option<String>,
}

/// The legend of a chart, in the order of its series.
#[must_use]
pub fn legend(chart: &Chart) -> Vec<LegendItem> {
    chart
        .series
        .iter()
        .map(|series| {
            let color = crate::ink::palette(series.color);
            let latest = series.points.iter().rev().find_map(|p| p.filter(|v| v.is_finite()));
            LegendItem {
                name: series.name.clone(),
                class: match series.role {
                    Role::Current => format!("chart-key s{color}"),
                    Role::Earlier => format!("chart-key s{color} earlier"),
                },
                latest: latest.map(|v| chart.unit.format(v)),
            }
        })
        .collect()
}
