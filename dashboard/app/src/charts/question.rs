//! Which numbers a group of charts needs.

use crate::context::Page;
use crate::range::Range;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use spillway_dashboard_model::{Period, TimeRange};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The range of a group of charts, the period of their points, and what they are compared with.
#[derive(Clone, Debug)]
pub struct Question {
    /// From when to when.
    pub range: TimeRange,
    /// The length of the periods that numbers are summed up over.
    pub period: Period,
    /// An earlier range of the same length to compare with.
    pub comparison: Option<Comparison>,
    /// The zone that times are written in.
    pub zone: TimeZone,
    /// Now.
    pub now: Timestamp,
}

/// The earlier range that charts are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// How much earlier: whole days, so that the same hours line up.
    pub by: SignedDuration,
    /// Its name: `yesterday`.
    pub label: &'static str,
    /// The name of the page's own range beside it.
    pub now: &'static str,
}

impl Comparison {
    /// The range to compare with: the day before or, if the range is longer than a day, the week before, and so on.
    pub fn of(range: &Range) -> Self {
        let is_now = range.preset.is_some();
        let now = if is_now { "now" } else { "this range" };
        if range.length() <= DAY {
            Self { by: DAY, label: if is_now { "yesterday" } else { "the day before" }, now }
        } else if range.length() <= WEEK {
            Self { by: WEEK, label: if is_now { "last week" } else { "the week before" }, now }
        } else {
            let weeks = (range.length().as_secs() + WEEK.as_secs() - 1) / WEEK.as_secs();
            Self { by: SignedDuration::from_secs(weeks * WEEK.as_secs()), label: "the period before", now }
        }
    }
}

impl Question {
    /// The range of a page, compared with an earlier one if `compare` is set.
    pub fn of(page: &Page, compare: bool) -> Self {
        let range = page.time_range();
        let comparison = compare.then(|| Comparison::of(&page.range));
        // The older range decides which period lengths still have data.
        let oldest = comparison.map_or(range, |comparison| range.earlier(comparison.by));
        let period = Period::for_range(&oldest, page.now);
        Self { range, period, comparison, zone: page.zone.clone(), now: page.now }
    }

    /// The range to compare with.
    pub fn earlier_range(&self) -> Option<TimeRange> {
        self.comparison.map(|comparison| self.range.earlier(comparison.by))
    }

    /// The period in words, as in `604 in 5 min`.
    pub fn period_words(&self) -> String {
        match self.period.seconds() {
            seconds @ ..3_600 => format!("{}\u{a0}min", seconds / 60),
            seconds @ ..86_400 => format!("{}\u{a0}h", seconds / 3_600),
            seconds => format!("{}\u{a0}d", seconds / 86_400),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(query: &str, compare: bool) -> Question {
        Question::of(&Page::of("/metrics", query, "", "2026-03-10T12:00:30Z".parse().unwrap()), compare)
    }

    #[test]
    fn a_comparison_lines_up_the_same_hours() {
        let day = question("range=3h", true);
        assert_eq!(day.comparison.unwrap().label, "yesterday");
        assert_eq!(day.earlier_range().unwrap().from().to_string(), "2026-03-09T09:00:30Z");
        let week = question("range=7d", true).comparison.unwrap();
        assert_eq!((week.by, week.label), (WEEK, "last week"));
        let past = question("from=2026-02-01T00:00:00Z&to=2026-02-01T06:00:00Z", true);
        assert_eq!(past.comparison.unwrap().label, "the day before");
        let month = question("from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z", true);
        assert_eq!(month.comparison.unwrap().by, SignedDuration::from_hours(5 * 7 * 24));
    }

    #[test]
    fn both_ranges_use_a_period_with_data_for_the_older_range() {
        let fourteen_days_ago = "from=2026-02-24T12:00:00Z&to=2026-02-24T13:00:00Z";
        assert_eq!(question(fourteen_days_ago, false).period.seconds(), 60);
        assert_eq!(question(fourteen_days_ago, true).period.seconds(), 300);
        assert_eq!(question("", false).period_words(), "5\u{a0}min");
        assert_eq!(question("range=7d", false).period_words(), "1\u{a0}h");
    }
}
