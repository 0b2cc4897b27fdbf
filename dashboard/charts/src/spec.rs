//! What a chart shows, in data.

use crate::Unit;
use jiff::tz::TimeZone;

/// One chart: series over a range of time, and what happened meanwhile.
///
/// All series lie on one grid: point `i` belongs to the period that begins at `start + i × step`.
/// Nothing in here can make drawing fail; numbers that cannot be shown are left out as gaps.
#[derive(Debug, Clone)]
pub struct Chart {
    /// What the chart shows, in words. Not drawn in the SVG (the page has the heading); read by screen readers.
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
    /// The series, those in front last.
    pub series: Vec<Series>,
    /// Limits drawn as horizontal lines.
    pub thresholds: Vec<Threshold>,
    /// Periods in alarm, shaded.
    pub alarms: Vec<AlarmPeriod>,
    /// Deployments, marked on the time axis.
    pub deployments: Vec<Deployment>,
    /// The zone that decides where midnight is and how times are written.
    pub zone: TimeZone,
    /// The value axis reaches at least this far, as for a share of a capacity.
    pub y_max: Option<f64>,
    /// Whether the value axis begins at zero. Leave it so unless zero would hide the shape.
    pub y_from_zero: bool,
    /// Size of the view box. Text is 11 units high whatever the size.
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
    /// Lines over a light fill.
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
    /// One value a period; `None` (and whatever is not finite) where there is no data.
    pub points: Vec<Option<f64>>,
    /// Which of the eight palette colours, from 1.
    pub color: u8,
    /// Whether this is the chart's matter or what it is compared with.
    pub role: Role,
}

impl Series {
    /// A series of the chart's own range.
    #[must_use]
    pub fn new(name: impl Into<String>, color: u8, points: Vec<Option<f64>>) -> Self {
        Self { name: name.into(), points, color, role: Role::Current }
    }

    /// The same as a dashed comparison, such as yesterday. Its points lie on the chart's grid, so already shifted.
    #[must_use]
    pub fn earlier(self) -> Self {
        Self { role: Role::Earlier, ..self }
    }
}

/// What part a series plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// What the chart is about.
    Current,
    /// An earlier range laid over it: a thin dashed line, whatever the chart's kind.
    Earlier,
}

/// A limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// Where the line is.
    pub value: f64,
    /// What it means, in a few words: `high: 1 s`.
    pub label: String,
    /// Whose alarm goes off beyond it.
    pub tier: Tier,
}

/// How urgent an alarm is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    /// Somebody is woken.
    High,
    /// Business hours.
    Low,
}

/// A time in alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlarmPeriod {
    /// When it began, Unix seconds.
    pub from: i64,
    /// When it ended; `None` while it lasts.
    pub to: Option<i64>,
    /// How urgent.
    pub tier: Tier,
}

/// A change of what runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// When, Unix seconds.
    pub at: i64,
    /// Which version of what.
    pub label: String,
}

/// Width and height of a view box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Units across; CSS pixels when the chart is shown at its natural size.
    pub width: u32,
    /// Units down.
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
