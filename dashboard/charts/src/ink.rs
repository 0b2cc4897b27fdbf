//! Kinds of strokes, fills and texts, named by meaning. The style sheet or a raster theme has the colours.

use crate::spec::Tier;
use plotters::style::{RGBAColor, ShapeStyle};
use plotters_backend::BackendColor;

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
    MeterTrack,
    MeterFill,
    MeterForecast,
    MeterTick,
    /// Only in images, which have no page around them.
    Title,
}

/// Colours in the palette.
pub(crate) const PALETTE: u8 = 8;

/// A palette index, limited to 1 to 8.
pub(crate) fn palette(color: u8) -> u8 {
    color.wrapping_sub(1) % PALETTE + 1
}

impl Ink {
    /// (kind, index): the code as the green and blue of a colour.
    fn code(self) -> (u8, u8) {
        let tier = |t| u8::from(t == Tier::High);
        match self {
            Self::Grid => (0, 0),
            Self::Axis => (1, 0),
            Self::Label => (2, 0),
            Self::Empty => (3, 0),
            Self::AlarmShade(t) => (4, tier(t)),
            Self::AlarmEdge(t) => (5, tier(t)),
            Self::Threshold(t) => (6, tier(t)),
            Self::ThresholdLabel(t) => (7, tier(t)),
            Self::Deployment => (8, 0),
            Self::Line(n) => (9, n),
            Self::Earlier(n) => (10, n),
            Self::Area(n) => (11, n),
            Self::Stack(n) => (12, n),
            Self::Bar(n) => (13, n),
            Self::Dot(n) => (14, n),
            Self::Count(strong) => (15, u8::from(strong)),
            Self::MeterTrack => (16, 0),
            Self::MeterFill => (17, 0),
            Self::MeterTick => (18, 0),
            Self::Title => (19, 0),
            Self::MeterForecast => (20, 0),
            Self::DeploymentLine => (21, 0),
        }
    }

    /// The ink of a colour from [`Ink::as_color`].
    pub(crate) fn from_color(color: BackendColor) -> Self {
        let (_, kind, index) = color.rgb;
        let tier = if index == 1 { Tier::High } else { Tier::Low };
        match kind {
            0 => Self::Grid,
            1 => Self::Axis,
            3 => Self::Empty,
            4 => Self::AlarmShade(tier),
            5 => Self::AlarmEdge(tier),
            6 => Self::Threshold(tier),
            7 => Self::ThresholdLabel(tier),
            8 => Self::Deployment,
            9 => Self::Line(index),
            10 => Self::Earlier(index),
            11 => Self::Area(index),
            12 => Self::Stack(index),
            13 => Self::Bar(index),
            14 => Self::Dot(index),
            15 => Self::Count(index == 1),
            16 => Self::MeterTrack,
            17 => Self::MeterFill,
            18 => Self::MeterTick,
            19 => Self::Title,
            20 => Self::MeterForecast,
            21 => Self::DeploymentLine,
            _ => Self::Label,
        }
    }

    /// The colour that encodes this ink for the SVG backend.
    pub(crate) fn as_color(self) -> RGBAColor {
        let (kind, index) = self.code();
        RGBAColor(0, kind, index, 1.0)
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
            Self::MeterTrack => "track",
            Self::MeterFill => "fill",
            Self::MeterForecast => "fill forecast",
            Self::MeterTick => "tick",
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

    #[test]
    fn every_ink_is_decoded_from_its_colour() {
        let mut inks = vec![
            Ink::Grid,
            Ink::Axis,
            Ink::Label,
            Ink::Empty,
            Ink::Deployment,
            Ink::DeploymentLine,
            Ink::Count(true),
            Ink::Count(false),
            Ink::MeterTrack,
            Ink::MeterFill,
            Ink::MeterForecast,
            Ink::MeterTick,
            Ink::Title,
        ];
        for tier in [Tier::High, Tier::Low] {
            inks.extend([
                Ink::AlarmShade(tier),
                Ink::AlarmEdge(tier),
                Ink::Threshold(tier),
                Ink::ThresholdLabel(tier),
            ]);
        }
        for n in 1..=PALETTE {
            inks.extend([
                Ink::Line(n),
                Ink::Earlier(n),
                Ink::Area(n),
                Ink::Stack(n),
                Ink::Bar(n),
                Ink::Dot(n),
            ]);
        }
        for ink in inks {
            assert_eq!(Ink::from_color(ink.as_color().to_backend_color()), ink);
        }
    }

    #[test]
    fn a_palette_index_is_always_one_of_eight() {
        assert_eq!([0, 1, 8, 9, 255].map(palette), [8, 1, 8, 1, 7]);
    }
}
