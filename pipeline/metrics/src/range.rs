//! Ranges of time, and the period that suits a range.

use crate::retention;
use jiff::{SignedDuration, Timestamp};

/// From when to when. `from` is before `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeRange {
    from: Timestamp,
    to: Timestamp,
}

/// What is wrong with a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the range ends at {to}, which is not after its beginning at {from}")]
pub struct RangeError {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

impl TimeRange {
    /// A range.
    ///
    /// # Errors
    /// [`RangeError`] unless it ends after it begins.
    pub fn new(from: Timestamp, to: Timestamp) -> Result<Self, RangeError> {
        if from < to { Ok(Self { from, to }) } else { Err(RangeError { from, to }) }
    }

    /// The range of that length that ends now; at least a second.
    pub fn last(length: SignedDuration, now: Timestamp) -> Self {
        let length = length.max(SignedDuration::from_secs(1));
        Self { from: now.checked_sub(length).unwrap_or(Timestamp::MIN), to: now }
    }

    /// Where it begins.
    pub fn from(&self) -> Timestamp {
        self.from
    }

    /// Where it ends.
    pub fn to(&self) -> Timestamp {
        self.to
    }

    /// How long it is, in whole seconds.
    pub fn seconds(&self) -> i64 {
        self.to.as_second() - self.from.as_second()
    }

    /// The range made wider so that it begins and ends with a period. All viewers of the last hour then ask the same
    /// question within one minute.
    pub fn aligned(&self, period: Period) -> Self {
        let step = i64::from(period.seconds());
        let from = self.from.as_second().div_euclid(step) * step;
        let last = self.to.as_second() + i64::from(self.to.subsec_nanosecond() > 0);
        let to = (last + step - 1).div_euclid(step) * step;
        let time = |second| Timestamp::from_second(second).ok();
        Self { from: time(from).unwrap_or(self.from), to: time(to).unwrap_or(self.to) }
    }

    /// A range of the same length, earlier by that duration, for comparison.
    pub fn earlier(&self, by: SignedDuration) -> Self {
        let back = |time: Timestamp| time.checked_sub(by).unwrap_or(time);
        Self { from: back(self.from), to: back(self.to) }
    }
}

/// The length of the periods that measurements are summed up over: a whole number of minutes, or five seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Period(u32);

impl Period {
    /// The shortest, which only a pipeline on one machine has, and only of the last minutes:
    /// [`RECENT`](crate::retention::RECENT).
    pub const FIVE_SECONDS: Self = Self(5);
    /// The shortest of CloudWatch's.
    pub const MINUTE: Self = Self(60);
    /// Five minutes.
    pub const FIVE_MINUTES: Self = Self(300);
    /// An hour.
    pub const HOUR: Self = Self(3_600);
    /// A day.
    pub const DAY: Self = Self(86_400);

    /// Periods to choose from: each divides an hour or a day, and is a multiple of what CloudWatch keeps longer.
    const CHOICES: [u32; 9] = [60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400];

    /// A chart can't show more points than that as separate points.
    const MAX_POINTS: i64 = 300;

    /// A period of that many minutes.
    pub const fn minutes(minutes: u32) -> Self {
        Self(if minutes == 0 { 60 } else { minutes.saturating_mul(60) })
    }

    /// In seconds.
    pub const fn seconds(self) -> u32 {
        self.0
    }

    /// The shortest period that gives a range at most 300 points, and whose data is still kept at the beginning of
    /// the range ([`retention`]).
    pub fn for_range(range: &TimeRange, now: Timestamp) -> Self {
        let age = now.as_second() - range.from().as_second();
        // An hour older than it is, so that no point is deleted while the chart is on a screen.
        let kept = retention::shortest_kept(age + 3_600).seconds();
        let fits =
            |period: &&u32| **period >= kept && range.seconds() <= i64::from(**period) * Self::MAX_POINTS;
        Self(Self::CHOICES.iter().find(fits).copied().unwrap_or(86_400))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;
    const NOW: i64 = 1_767_225_845;

    fn range(from: i64, to: i64) -> TimeRange {
        let time = |second| Timestamp::from_second(second).unwrap();
        TimeRange::new(time(from), time(to)).unwrap()
    }

    #[track_caller]
    fn check(ago_s: i64, length_s: i64, period: u32, points: i64) {
        let range = range(NOW - ago_s, NOW - ago_s + length_s);
        let chosen = Period::for_range(&range, Timestamp::from_second(NOW).unwrap());
        assert_eq!(chosen.seconds(), period);
        let period = i64::from(period);
        assert_eq!((length_s + period - 1) / period, points);
    }

    #[test]
    fn the_usual_ranges_have_60_to_300_points() {
        check(3_600, 3_600, 60, 60);
        check(3 * 3_600, 3 * 3_600, 60, 180);
        check(DAY, DAY, 300, 288);
        check(7 * DAY, 7 * DAY, 3_600, 168);
        check(30 * DAY, 30 * DAY, 10_800, 240);
        check(455 * DAY, 455 * DAY, 86_400, 455);
    }

    #[test]
    fn old_ranges_have_the_periods_that_are_still_kept() {
        check(14 * DAY, 3_600, 60, 60);
        check(15 * DAY, 3_600, 300, 12);
        check(62 * DAY, 3_600, 300, 12);
        check(63 * DAY, 3_600, 3_600, 1);
        check(400 * DAY, DAY, 3_600, 24);
    }

    #[test]
    fn every_period_is_made_of_those_that_are_kept() {
        for period in Period::CHOICES {
            assert!(period == 60 || period % 300 == 0);
            assert_eq!(DAY % i64::from(period), 0);
        }
    }

    #[test]
    fn aligned_ranges_are_wider_and_constant_within_a_period() {
        let one = range(NOW - 3_600, NOW).aligned(Period::MINUTE);
        assert_eq!(one, range(NOW - 3_605, NOW + 55));
        assert_eq!(range(NOW - 3_590, NOW + 10).aligned(Period::MINUTE), one, "ten seconds later");
        assert_eq!(one.aligned(Period::MINUTE), one);
    }

    #[test]
    fn a_range_ends_after_it_begins() {
        let time = Timestamp::from_second(NOW).unwrap();
        let error = TimeRange::new(time, time).unwrap_err();
        assert!(error.to_string().contains("not after"));
        assert_eq!(TimeRange::last(SignedDuration::ZERO, time).seconds(), 1);
    }
}
