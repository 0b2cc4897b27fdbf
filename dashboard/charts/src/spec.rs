//! The data of a chart.

use crate::Unit;
use jiff::tz::TimeZone;

/// One chart: series over a time range, with alarms and deployments.
///
/// All series share one grid: point `i` belongs to the period that begins at `start + i × step`. No value makes drawing
/// fail: invalid numbers become gaps.
#[derive(Debug, Clone)]
pub struct Chart {
    /// The title for screen readers. The SVG does not draw it, because the page has the heading.
    pub name: String,
    /// Left edge, Unix seconds.
    pub from: i64,
    /// Right edge, Unix seconds.
    pub to: i64,
    /// Time of every series' first point, Unix seconds.
    pub start: i64,
    /// Seconds from one point to the next.
    pub step: i64,
    /// Unit of all values.
    pub unit: Unit,
    /// How the series are drawn.
    pub kind: Kind,
    /// The series, from back to front.
    pub series: Vec<Series>,
    /// Limits drawn as horizontal lines.
    pub thresholds: Vec<Threshold>,
    /// Periods in alarm, shaded.
    pub alarms: Vec<AlarmPeriod>,
    /// Deployments, marked on the time axis.
    pub deployments: Vec<Deployment>,
    /// The zone of the time axis.
    pub zone: TimeZone,
    /// The minimum for the upper end of the value axis, as for a share of a capacity.
    pub y_max: Option<f64>,
    /// Whether the value axis begins at zero. Change it only if zero would hide the shape.
    pub y_from_zero: bool,
    /// Size of the view box. Text is 11 units high at any size.
    pub size: Size,
}

impl Chart {
    /// A line chart from `from` to `to` with its first point at `from`, in UTC, at [`Size::CELL`].
    #[must_use]
    pub fn new(name: impl Into<String>, unit: Unit, from: i64, to: i64, step: i64) -> Self {
        Self {
            name: name.into(),
            from,
            to,
            start: from,
            step,
            unit,
            kind: Kind::Line,
            series: Vec::new(),
            thresholds: Vec::new(),
            alarms: Vec::new(),
            deployments: Vec::new(),
            zone: TimeZone::UTC,
            y_max: None,
            y_from_zero: true,
            size: Size::CELL,
        }
    }
}

/// How series are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Lines.
    #[default]
    Line,
    /// Lines above a light fill.
    Area,
    /// Fills on top of each other, whose upper edge is the sum.
    StackedArea,
    /// A bar for each period, stacked.
    Bars,
}

/// One row of numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The name shown in legends and tooltips.
    pub name: String,
    /// One value per period; `None` and values that are not finite mean no data.
    pub points: Vec<Option<f64>>,
    /// Which of the eight palette colours, from 1.
    pub color: u8,
    /// Whether it is the chart's own series or a comparison.
    pub role: Role,
}

impl Series {
    /// A series of the chart's own range.
    #[must_use]
    pub fn new(name: impl Into<String>, color: u8, points: Vec<Option<f64>>) -> Self {
        Self { name: name.into(), points, color, role: Role::Current }
    }

    /// The same series as a dashed comparison, such as yesterday. Its points are on the chart's grid, so already
    /// shifted.
    #[must_use]
    pub fn earlier(self) -> Self {
        Self { role: Role::Earlier, ..self }
    }
}

/// The role of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The chart's own series.
    Current,
    /// An earlier range: a thin dashed line in any kind of chart.
    Earlier,
}

/// A limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// Where the line is.
    pub value: f64,
    /// Its label: `high: 1 s`.
    pub label: String,
    /// The tier of the alarm that fires beyond it.
    pub tier: Tier,
}

/// The tier of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    /// Notifies at once, at any hour.
    High,
    /// Notifies in business hours.
    Low,
}

/// A time in alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlarmPeriod {
    /// When it began, Unix seconds.
    pub from: i64,
    /// When it ended, Unix seconds; `None` while it lasts.
    pub to: Option<i64>,
    /// Its tier.
    pub tier: Tier,
}

/// A deployment of a new version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// When, Unix seconds.
    pub at: i64,
    /// The component and its version.
    pub label: String,
}

/// Width and height of a view box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Width in units, which are CSS pixels at the chart's natural size.
    pub width: u32,
    /// Height in units.
    pub height: u32,
}

impl Size {
    /// A cell of a chart grid on a laptop.
    pub const CELL: Self = Self { width: 400, height: 160 };
    /// One column on a phone.
    pub const PHONE: Self = Self { width: 340, height: 170 };
    /// The whole width of a page.
    pub const PAGE: Self = Self { width: 1000, height: 220 };
}
