//! Where datapoints come from.

use crate::metric::{Metric, MetricStat};
use jiff::Timestamp;
use spillway_metrics::Statistic;
use std::borrow::Cow;
use std::collections::HashMap;
use std::error::Error;

/// The datapoints could not be read, with the source's error.
#[derive(Debug, thiserror::Error)]
#[error("datapoints of {metric} could not be read")]
pub struct SourceError {
    /// The requested series.
    pub metric: String,
    /// What went wrong.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

/// Which datapoints are wanted: `len` periods, the first of which ends at `first_end`, each `step` after the one before.
///
/// With a `step` shorter than the period the periods overlap. CloudWatch evaluates an alarm every minute even when its
/// period is an hour, over the hour that just ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// End of the first period, seconds since 1970 (excluded from the period).
    pub first_end: i64,
    /// Seconds from one period's end to the next one's.
    pub step: u32,
    /// Length of a period in seconds.
    pub period: u32,
    /// How many periods.
    pub len: usize,
}

impl Slots {
    /// Seconds since 1970 at which the period of `slot` ends.
    pub fn end(&self, slot: usize) -> i64 {
        self.first_end + slot as i64 * i64::from(self.step)
    }
}

/// Recorded datapoints: the embedded store, CloudWatch, or a test's own.
pub trait History {
    /// One value for each slot, NaN where there is no datapoint.
    fn column(&self, stat: &MetricStat, slots: Slots) -> Result<Cow<'_, [f64]>, SourceError>;
}

/// Datapoints in memory at one resolution, from which longer periods are computed.
///
/// Sums and sample counts add up, extremes are the extremes, averages are weighted by sample counts if those
/// are known. A percentile of a longer period can't be computed from percentiles of shorter ones. The largest
/// of them is returned, which is never too low. A source that has the measurements themselves merges them instead,
/// as the pipeline on one machine does.
#[derive(Clone, Debug)]
pub struct MemoryHistory {
    start: i64,
    interval: u32,
    series: HashMap<Metric, HashMap<Statistic, Vec<f64>>>,
}

impl MemoryHistory {
    /// Without datapoints. The first one will cover `interval` seconds from `start` on.
    pub fn new(start: Timestamp, interval: u32) -> Self {
        Self { start: start.as_second(), interval: interval.max(1), series: HashMap::new() }
    }

    /// Sets the series of `stat`, one value an interval from the start on, NaN for a gap.
    pub fn insert(&mut self, stat: MetricStat, values: Vec<f64>) {
        self.series.entry(stat.metric).or_default().insert(stat.statistic, values);
    }

    fn values(&self, metric: &Metric, statistic: Statistic) -> Option<&[f64]> {
        self.series.get(metric)?.get(&statistic).map(Vec::as_slice)
    }

    /// Indices of the intervals that lie within the period of `slot`.
    fn intervals(&self, slots: &Slots, slot: usize, len: usize) -> std::ops::Range<usize> {
        let interval = i64::from(self.interval);
        let clamp = |index: i64| usize::try_from(index).unwrap_or(0).min(len);
        let end = slots.end(slot) - self.start;
        let start = end - i64::from(slots.period);
        clamp(start.div_euclid(interval))..clamp(end.div_euclid(interval))
    }
}

impl History for MemoryHistory {
    fn column(&self, stat: &MetricStat, slots: Slots) -> Result<Cow<'_, [f64]>, SourceError> {
        let Some(values) = self.values(&stat.metric, stat.statistic) else {
            return Ok(Cow::Owned(vec![f64::NAN; slots.len]));
        };
        if slots.period == self.interval && slots.step == self.interval {
            let from = self.intervals(&slots, 0, usize::MAX).start;
            let aligned = (slots.first_end - self.start).rem_euclid(i64::from(self.interval)) == 0;
            if aligned && slots.first_end > self.start && from + slots.len <= values.len() {
                return Ok(Cow::Borrowed(&values[from..from + slots.len]));
            }
        }
        let weights = match stat.statistic {
            Statistic::Average => self.values(&stat.metric, Statistic::SampleCount),
            _ => None,
        };
        let combined = Prefix::new(stat.statistic, values, weights);
        Ok((0..slots.len).map(|slot| combined.over(self.intervals(&slots, slot, values.len()))).collect())
    }
}

/// Combines many overlapping periods of one series without adding the same values repeatedly.
struct Prefix<'a> {
    statistic: Statistic,
    values: &'a [f64],
    /// Running totals up to each value; unused for extremes.
    totals: Vec<Total>,
}

/// A running total with its rounding error kept beside it. So the difference of two totals is as exact as a
/// sum of the values between them. That matters because a threshold is often exactly the sum of healthy
/// values.
#[derive(Clone, Copy, Default)]
struct Total {
    sum: f64,
    error: f64,
    weight: f64,
}

impl Total {
    fn add(self, value: f64, weight: f64) -> Self {
        let sum = self.sum + value;
        let part = sum - self.sum;
        let error = (self.sum - (sum - part)) + (value - part);
        Self { sum, error: self.error + error, weight: self.weight + weight }
    }
}

impl<'a> Prefix<'a> {
    fn new(statistic: Statistic, values: &'a [f64], weights: Option<&[f64]>) -> Self {
        let mut totals = Vec::new();
        if matches!(statistic, Statistic::Sum | Statistic::SampleCount | Statistic::Average) {
            let mut total = Total::default();
            totals.reserve(values.len() + 1);
            totals.push(total);
            for (slot, value) in values.iter().enumerate() {
                if !value.is_nan() {
                    let known = weights.and_then(|all| all.get(slot)).copied().filter(|w| w.is_finite());
                    let weight = known.unwrap_or(1.0);
                    total =
                        total.add(value * if statistic == Statistic::Average { weight } else { 1.0 }, weight);
                }
                totals.push(total);
            }
        }
        Self { statistic, values, totals }
    }

    fn over(&self, range: std::ops::Range<usize>) -> f64 {
        match self.statistic {
            _ if range.is_empty() => f64::NAN,
            _ if range.len() == 1 => self.values[range.start],
            Statistic::Minimum => self.fold(range, f64::min),
            Statistic::Maximum | Statistic::Percentile(_) => self.fold(range, f64::max),
            _ => {
                let (from, to) = (self.totals[range.start], self.totals[range.end]);
                let total = (to.sum - from.sum) + (to.error - from.error);
                let weight = to.weight - from.weight;
                match self.statistic {
                    _ if weight <= 0.0 => f64::NAN,
                    Statistic::Average => total / weight,
                    _ => total,
                }
            }
        }
    }

    fn fold(&self, range: std::ops::Range<usize>, pick: fn(f64, f64) -> f64) -> f64 {
        // f64::min and f64::max leave a NaN out if the other is a number.
        self.values[range].iter().copied().fold(f64::NAN, pick)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(statistic: Statistic, values: &[f64]) -> (MemoryHistory, MetricStat) {
        let metric = Metric { namespace: "AWS/SQS".into(), name: "Age".into(), dimensions: Vec::new() };
        let stat = MetricStat { metric, statistic };
        let mut history = MemoryHistory::new(Timestamp::from_second(600).unwrap(), 60);
        history.insert(stat.clone(), values.to_vec());
        (history, stat)
    }

    fn column(statistic: Statistic, values: &[f64], slots: Slots) -> Vec<String> {
        let (history, stat) = history(statistic, values);
        let column = history.column(&stat, slots).unwrap();
        column.iter().map(|value| if value.is_nan() { "-".to_owned() } else { value.to_string() }).collect()
    }

    const GAP: f64 = f64::NAN;

    #[test]
    fn a_longer_period_slides_every_minute() {
        let slots = Slots { first_end: 660, step: 60, period: 180, len: 5 };
        assert_eq!(column(Statistic::Sum, &[1.0, 2.0, GAP, 4.0, 8.0], slots), ["1", "3", "3", "6", "12"]);
        assert_eq!(column(Statistic::Maximum, &[1.0, 2.0, GAP, 4.0, 8.0], slots), ["1", "2", "2", "4", "8"]);
        assert_eq!(
            column(Statistic::Average, &[1.0, 2.0, GAP, 4.0, 8.0], slots),
            ["1", "1.5", "1.5", "3", "6"]
        );
    }

    #[test]
    fn there_is_nothing_before_the_first_and_after_the_last_datapoint() {
        let slots = Slots { first_end: 600, step: 60, period: 60, len: 5 };
        assert_eq!(column(Statistic::Sum, &[1.0, GAP, 3.0], slots), ["-", "1", "-", "3", "-"]);
        let slots = Slots { first_end: 660, step: 60, period: 60, len: 3 };
        assert_eq!(column(Statistic::Sum, &[1.0, GAP, 3.0], slots), ["1", "-", "3"]);
    }

    #[test]
    fn sums_are_as_exact_as_their_values() {
        let mut values = vec![0.1; 1_000];
        values.extend([10.9, 10.0, 0.25, 0.25]);
        let one = Slots { first_end: 600 + 1_002 * 60, step: 60, period: 60, len: 1 };
        assert_eq!(column(Statistic::Sum, &values, one), ["10"]);
        let two = Slots { first_end: 600 + 1_004 * 60, step: 60, period: 120, len: 1 };
        assert_eq!(column(Statistic::Sum, &values, two), ["0.5"]);
    }

    #[test]
    fn averages_are_weighted_by_sample_counts() {
        let (mut history, stat) = history(Statistic::Average, &[10.0, 40.0]);
        let counts = MetricStat { statistic: Statistic::SampleCount, ..stat.clone() };
        history.insert(counts, vec![2.0, 1.0]);
        let column = history.column(&stat, Slots { first_end: 720, step: 60, period: 120, len: 1 }).unwrap();
        assert_eq!(column.as_ref(), [20.0]);
    }

    #[test]
    fn a_series_that_was_never_recorded_is_all_gaps() {
        let (history, stat) = history(Statistic::Sum, &[1.0]);
        let other = MetricStat { statistic: Statistic::Maximum, ..stat };
        let column = history.column(&other, Slots { first_end: 660, step: 60, period: 60, len: 2 }).unwrap();
        assert!(column.iter().all(|value| value.is_nan()));
    }
}
