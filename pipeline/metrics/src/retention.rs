//! What CloudWatch keeps: minutes for 15 days, five minutes for 63, hours for 455 ("Metrics retention" in its user
//! guide). The pipeline on one machine does the same.

use crate::{Period, Statistic};

/// Seconds of a day.
const DAY: i64 = 86_400;
const MINUTE: i64 = Period::MINUTE.seconds() as i64;
const HOUR: i64 = Period::HOUR.seconds() as i64;

/// For how long datapoints of one period are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Length of the period.
    pub period: Period,
    /// Age in seconds at which its datapoints are deleted.
    pub seconds: i64,
}

/// What is kept, the shortest period first.
pub const KEPT: [Kept; 3] = [
    Kept { period: Period::MINUTE, seconds: 15 * DAY },
    Kept { period: Period::FIVE_MINUTES, seconds: 63 * DAY },
    Kept { period: Period::HOUR, seconds: LONGEST_DAYS * DAY },
];

/// What a pipeline on one machine also keeps, of the metrics whose definition says so: the last minutes in detail. Charts and
/// alarms don't read it, because CloudWatch has nothing like it.
pub const RECENT: Kept = Kept { period: Period::FIVE_SECONDS, seconds: 25 * MINUTE };

/// Days after which all datapoints are deleted.
pub const LONGEST_DAYS: i64 = 455;

/// Seconds after which all datapoints are deleted.
pub const LONGEST: i64 = LONGEST_DAYS * DAY;

/// The shortest period that is still kept of data of that age in seconds. Of older data than any, the longest.
pub fn shortest_kept(age: i64) -> Period {
    KEPT.iter().find(|kept| age < kept.seconds).map_or(Period::HOUR, |kept| kept.period)
}

/// A part of a range of time in which datapoints of one period are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Its beginning, in seconds since 1970.
    pub from: i64,
    /// Its end, in seconds since 1970.
    pub until: i64,
    /// The shortest period that is still kept.
    pub period: Period,
}

/// Cuts a range into intervals, the oldest first, each with the shortest period that is still kept at `now`. Each ends on
/// a whole hour, so that no period of one reaches into the next.
pub fn intervals(from: i64, until: i64, now: i64) -> Vec<Interval> {
    let mut intervals = Vec::new();
    let mut from = from;
    for (index, Kept { period, .. }) in KEPT.iter().enumerate().rev() {
        // A period is read up to where the next shorter one begins.
        let shorter = index.checked_sub(1).map(|shorter| KEPT[shorter].seconds);
        let end = shorter.map_or(i64::MAX, |kept| floor(now - kept, HOUR) + HOUR).min(until);
        if from < end {
            intervals.push(Interval { from, until: end, period: *period });
            from = end;
        }
    }
    intervals
}

impl Interval {
    /// A value for each minute of the interval, NaN where there is none. `at` gives the value of the period that
    /// begins at that second. Sums are spread evenly over their minutes, so alarms see data older than 15 days at
    /// that resolution.
    pub fn by_the_minute(
        self,
        statistic: Statistic,
        at: impl Fn(i64) -> Option<f64>,
    ) -> impl Iterator<Item = f64> {
        let period = i64::from(self.period.seconds());
        let share = if statistic.adds_up() { MINUTE as f64 / period as f64 } else { 1.0 };
        (self.from..self.until)
            .step_by(Period::MINUTE.seconds() as usize)
            .map(move |minute| at(floor(minute, period)).map_or(f64::NAN, |value| value * share))
    }
}

/// The beginning of the period of that length, in seconds, in which a second lies.
pub fn floor(second: i64, period: i64) -> i64 {
    second - second.rem_euclid(period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_datapoints_are_requested_in_the_detail_that_is_kept() {
        let now = 1_772_460_120;
        let intervals = intervals(now - 70 * DAY, now, now);
        let periods: Vec<_> = intervals.iter().map(|interval| interval.period.seconds()).collect();
        assert_eq!(periods, [3_600, 300, 60]);
        assert!(intervals.windows(2).all(|pair| pair[0].until == pair[1].from && pair[0].until % HOUR == 0));
        assert!(now - intervals[2].from < 15 * DAY && now - intervals[1].from < 63 * DAY);
        let today = Interval { from: now - DAY, until: now, period: Period::MINUTE };
        assert_eq!(super::intervals(now - DAY, now, now), [today]);
    }

    #[test]
    fn an_hours_sum_is_spread_over_its_minutes_and_its_maximum_is_not() {
        let hours = Interval { from: 0, until: 7_200, period: Period::HOUR };
        let at = |start| (start == 0).then_some(120.0);
        let sums: Vec<f64> = hours.by_the_minute(Statistic::Sum, at).collect();
        assert_eq!((sums.len(), sums[59], sums[..60].iter().sum::<f64>()), (120, 2.0, 120.0));
        assert!(sums[60].is_nan());
        assert_eq!(hours.by_the_minute(Statistic::Maximum, at).next(), Some(120.0));
    }

    #[test]
    fn the_shortest_period_follows_the_age() {
        let shortest = |age| shortest_kept(age).seconds();
        assert_eq!([0, 15 * DAY - 1, 15 * DAY].map(shortest), [60, 60, 300]);
        assert_eq!([63 * DAY, 455 * DAY, 900 * DAY].map(shortest), [3_600; 3]);
    }
}
