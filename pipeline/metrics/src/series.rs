//! Numbers at a fixed step.

use crate::{Period, TimeRange};
use jiff::Timestamp;

/// Numbers at a fixed step.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// When the first period begins.
    pub start: Timestamp,
    /// The length of each period; the next one begins where one ends.
    pub period: Period,
    /// A number for each period; `None` where there were no measurements.
    pub points: Vec<Option<f64>>,
}

impl Series {
    /// A series without numbers over a whole range.
    pub fn empty(range: TimeRange, period: Period) -> Self {
        let range = range.aligned(period);
        let len = usize::try_from(range.seconds() / i64::from(period.seconds())).unwrap_or(0);
        Self { start: range.from(), period, points: vec![None; len] }
    }

    /// The newest number.
    pub fn latest(&self) -> Option<f64> {
        self.points.iter().rev().flatten().next().copied()
    }

    /// All numbers added up; `None` if there are none.
    pub fn total(&self) -> Option<f64> {
        self.points.iter().flatten().copied().reduce(|all, one| all + one)
    }

    /// The largest number.
    pub fn largest(&self) -> Option<f64> {
        self.points.iter().flatten().copied().reduce(f64::max)
    }

    /// The same numbers over another range: gaps where this one has nothing.
    #[must_use]
    pub fn over(&self, range: TimeRange) -> Self {
        let mut moved = Self::empty(range, self.period);
        let step = i64::from(self.period.seconds());
        let distance = (moved.start.as_second() - self.start.as_second()).div_euclid(step);
        for (position, point) in (0_i64..).zip(&mut moved.points) {
            let here = usize::try_from(position + distance).ok();
            *point = here.and_then(|here| self.points.get(here).copied()).flatten();
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_moves_to_another_range() {
        let time = |minute: i64| Timestamp::from_second(60 * minute).unwrap();
        let points = vec![Some(1.0), None, Some(3.0)];
        let series = Series { start: time(10), period: Period::MINUTE, points };
        let over = |from, to| series.over(TimeRange::new(time(from), time(to)).unwrap()).points;
        assert_eq!(over(10, 13), series.points);
        assert_eq!(over(11, 15), [None, Some(3.0), None, None]);
        assert_eq!(over(9, 11), [None, Some(1.0)]);
        assert_eq!(over(100, 101), [None]);
        assert_eq!((series.latest(), series.total(), series.largest()), (Some(3.0), Some(4.0), Some(3.0)));
    }
}
