//! Time series drawn as SVG and PNG.
//!
//! [`render_svg`] draws a [`Chart`] as SVG with classes and without colours: [`CSS`] themes it, in light and dark. It
//! also returns a [`Hover`]: the numbers in few digits, from which the browser computes its crosshair. The
//! browser's part uses this crate without the feature `draw`, and so without plotters.
//!
//! Drawing has no errors: invalid numbers become gaps.

mod hover;
mod unit;

pub use hover::{Hover, HoverSeries, Reading, ReadingRow, Shape};
pub use unit::Unit;

#[cfg(feature = "draw")]
mod chart;
#[cfg(feature = "draw")]
mod dash;
#[cfg(feature = "draw")]
mod draw;
#[cfg(feature = "png")]
mod image;
#[cfg(feature = "draw")]
mod ink;
#[cfg(feature = "draw")]
mod layout;
#[cfg(any(feature = "png", all(test, feature = "draw")))]
mod palette;
#[cfg(feature = "draw")]
mod small;
#[cfg(feature = "draw")]
mod spec;
#[cfg(feature = "draw")]
mod summary;
#[cfg(feature = "draw")]
mod svg;
#[cfg(feature = "draw")]
mod thin;
#[cfg(feature = "draw")]
mod ticks;

#[cfg(feature = "draw")]
pub use chart::{Drawn, LegendItem, legend, render_svg};
#[cfg(feature = "png")]
pub use image::{PngError, render_png};
#[cfg(feature = "draw")]
pub use layout::PlotRect;
#[cfg(feature = "png")]
pub use palette::Theme;
#[cfg(feature = "draw")]
pub use small::{receive_counts, sparkline};
#[cfg(feature = "draw")]
pub use spec::{AlarmPeriod, Chart, Deployment, Kind, Role, Series, Size, Threshold, Tier};

/// The style sheet of all drawings: custom properties with light and dark values, then the rules.
///
/// Dark values apply where the page's `color-scheme` is dark.
pub const CSS: &str = include_str!("../chart.css");
