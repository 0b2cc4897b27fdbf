//! Kinds of strokes, fills and texts, named by meaning. The style sheet or a raster theme has the colours.

use crate::spec::Tier;
use plotters::style::{RGBAColor, ShapeStyle};
use plotters_backend::BackendColor;
use std::sync::LazyLock;

/// The role of a stroke, a fill or a text.
///
/// plotters passes colours, not classes, to its backends. So each ink has a code that is passed as a colour, and
/// [`crate::svg::SvgBackend`] decodes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    Grid,
    Axis,
    Label,
    Empty,
    AlarmShade(Tier),
    AlarmEdge(Tier),
    Threshold(Tier),
    ThresholdLabel(Tier),
    Deployment,
    DeploymentLine,
    Line(u8),
    Earlier(u8),
    Area(u8),
    Stack(u8),
    Bar(u8),
    Dot(u8),
    /// A bar of a histogram, emphasised or not.
    Count(bool),
    /// Only in images, which have no page around them.
    Title,
}

/// Colours in the palette.
pub(crate) const PALETTE: u8 = 8;

/// A palette index, limited to 1 to 8.
pub(crate) fn palette(color: u8) -> u8 {
    color.wrapping_sub(1) % PALETTE + 1
}

/// Every ink. Its index is encoded in the colour that plotters passes on.
static INKS: LazyLock<Vec<Ink>> = LazyLock::new(|| {
    let tiers = [Ink::AlarmShade, Ink::AlarmEdge, Ink::Threshold, Ink::ThresholdLabel];
    let series = [Ink::Line, Ink::Earlier, Ink::Area, Ink::Stack, Ink::Bar, Ink::Dot];
    [Ink::Label, Ink::Grid, Ink::Axis, Ink::Empty, Ink::Deployment, Ink::DeploymentLine, Ink::Title]
        .into_iter()
        .chain([false, true].map(Ink::Count))
        .chain(tiers.into_iter().flat_map(|ink| [Tier::High, Tier::Low].map(ink)))
        .chain(series.into_iter().flat_map(|ink| (1..=PALETTE).map(ink)))
        .collect()
});

impl Ink {
    /// The ink of a colour from [`Ink::as_color`].
    pub(crate) fn from_color(color: BackendColor) -> Self {
        INKS.get(usize::from(color.rgb.2)).copied().unwrap_or(Self::Label)
    }

    /// The colour that encodes this ink for the SVG backend.
    pub(crate) fn as_color(self) -> RGBAColor {
        let place = INKS.iter().position(|ink| *ink == self).unwrap_or_default();
        RGBAColor(0, 0, u8::try_from(place).unwrap_or_default(), 1.0)
    }

    /// Its class in the style sheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Axis => "axis",
            Self::Label => "label",
            Self::Empty => "no-data",
            Self::AlarmShade(Tier::High) => "alarm-shade high",
            Self::AlarmShade(Tier::Low) => "alarm-shade low",
            Self::AlarmEdge(Tier::High) => "alarm-edge high",
            Self::AlarmEdge(Tier::Low) => "alarm-edge low",
            Self::Threshold(Tier::High) => "threshold high",
            Self::Threshold(Tier::Low) => "threshold low",
            Self::ThresholdLabel(Tier::High) => "threshold-label high",
            Self::ThresholdLabel(Tier::Low) => "threshold-label low",
            Self::Deployment => "deployment",
            Self::DeploymentLine => "deployment-line",
            Self::Line(_) => "line",
            Self::Earlier(_) => "line earlier",
            Self::Area(_) => "area",
            Self::Stack(_) => "stack",
            Self::Bar(_) => "bar",
            Self::Dot(_) => "dot",
            Self::Count(false) => "count",
            Self::Count(true) => "count late",
            Self::Title => "title",
        }
    }

    /// The palette index of inks that have one.
    pub(crate) fn series(self) -> Option<u8> {
        match self {
            Self::Line(n)
            | Self::Earlier(n)
            | Self::Area(n)
            | Self::Stack(n)
            | Self::Bar(n)
            | Self::Dot(n) => Some(n),
            _ => None,
        }
    }
}

/// How inks become plotters styles on one kind of surface.
#[derive(Clone, Copy)]
pub(crate) struct Pen {
    /// Surface pixels per unit of the view box.
    pub unit: f64,
    /// The colour of an ink.
    pub color: fn(Ink) -> RGBAColor,
    /// The factor for font sizes: some surfaces measure the em, others the line.
    pub text: f64,
    /// Whether to draw dashes one by one, because no style sheet does.
    pub dashes: bool,
}

impl Pen {
    /// A stroke `width` view box units wide.
    pub(crate) fn stroke(&self, ink: Ink, width: f64) -> ShapeStyle {
        ShapeStyle {
            color: (self.color)(ink),
            filled: false,
            stroke_width: (width * self.unit).round().max(1.0) as u32,
        }
    }

    pub(crate) fn fill(&self, ink: Ink) -> ShapeStyle {
        ShapeStyle { color: (self.color)(ink), filled: true, stroke_width: 0 }
    }

    /// View box units in surface pixels.
    pub(crate) fn px(&self, units: f64) -> i32 {
        (units * self.unit).round() as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::style::Color;
    use std::collections::BTreeSet;

    #[test]
    fn every_ink_is_decoded_from_its_colour() {
        assert!(INKS.len() <= usize::from(u8::MAX));
        for ink in INKS.iter().copied() {
            assert_eq!(Ink::from_color(ink.as_color().to_backend_color()), ink);
        }
        let classes: BTreeSet<_> = INKS.iter().map(|ink| ink.class()).collect();
        assert_eq!(classes.len(), 23, "every ink is in the list");
    }

    #[test]
    fn a_palette_index_is_always_one_of_eight() {
        assert_eq!([0, 1, 8, 9, 255].map(palette), [8, 1, 8, 1, 7]);
    }
}
