//! Lines of a chart: a statistic, or a number computed from several.

use spillway_metrics::{MetricQuery, Period, Series, TimeRange};
use std::borrow::Borrow;
use std::collections::HashMap;
use std::ops::Range;
use std::slice;

/// One line of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its name for the legend.
    pub label: &'static str,
    /// The source of its numbers.
    pub value: LineValue,
}

/// The source of a line's numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum LineValue {
    /// A statistic.
    Statistic(MetricQuery),
    /// 100 × the parts added up ÷ the whole added up, with 0 for what is missing: CloudWatch's metric math
    /// `100 * FILL(part, 0) / (FILL(part, 0) + …)`. A gap only where no metric has a value.
    Share {
        /// The numerator.
        part: Vec<MetricQuery>,
        /// The denominator.
        whole: Vec<MetricQuery>,
    },
    /// The sum divided by the seconds of a period.
    PerSecond(MetricQuery),
    /// 100 × (the sum divided by the seconds of a period) ÷ an allowed rate: the used share of a capacity.
    CapacityUse {
        /// The use, as a sum.
        used: MetricQuery,
        /// The allowed rate per second.
        allowed: MetricQuery,
    },
}

impl LineValue {
    /// The metrics in the numerator.
    pub(crate) fn shown(&self) -> &[MetricQuery] {
        match self {
            Self::Statistic(query) | Self::PerSecond(query) => slice::from_ref(query),
            Self::Share { part, .. } => part,
            Self::CapacityUse { used, .. } => slice::from_ref(used),
        }
    }

    /// The metrics in the denominator.
    pub(crate) fn whole(&self) -> &[MetricQuery] {
        match self {
            Self::Statistic(_) | Self::PerSecond(_) => &[],
            Self::Share { whole, .. } => whole,
            Self::CapacityUse { allowed, .. } => slice::from_ref(allowed),
        }
    }
}

/// The meaning of a period without measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gaps {
    /// Zero: events are counted, and there were none.
    Zero,
    /// Unknown: a gauge was not read, or no duration was measured.
    Unknown,
}

impl Line {
    /// The queries for it.
    pub fn queries(&self) -> Vec<&MetricQuery> {
        self.value.shown().iter().chain(self.value.whole()).collect()
    }

    /// Its numbers, from the series read. Gaps in the `recorded` periods are filled according to `gaps`; others stay.
    pub fn evaluate<S: Borrow<Series>>(
        &self,
        read: &HashMap<&MetricQuery, S>,
        (range, period): (TimeRange, Period),
        gaps: Gaps,
        recorded: &Range<usize>,
    ) -> Series {
        let mut line = Series::empty(range, period);
        let at = |query: &MetricQuery, i: usize| *read.get(query)?.borrow().points.get(i)?;
        let seconds = f64::from(period.seconds());
        for (i, point) in line.points.iter_mut().enumerate() {
            *point = match &self.value {
                LineValue::Statistic(query) => at(query, i),
                LineValue::PerSecond(query) => at(query, i).map(|sum| sum / seconds),
                LineValue::Share { part, whole } => {
                    let total = |queries: &[MetricQuery]| {
                        queries.iter().filter_map(|query| at(query, i)).reduce(|all, one| all + one)
                    };
                    total(whole).map(|whole| share(total(part).unwrap_or(0.0), whole))
                }
                LineValue::CapacityUse { used, allowed } => {
                    at(allowed, i).map(|allowed| share(at(used, i).unwrap_or(0.0) / seconds, allowed))
                }
            };
            if gaps == Gaps::Zero && recorded.contains(&i) {
                point.get_or_insert(0.0);
            }
        }
        line
    }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { 100.0 * part / whole } else { 0.0 }
}

/// The first period in which any series has a number: recording began there.
pub fn first_point<'a>(series: impl IntoIterator<Item = &'a Series>) -> Option<usize> {
    series.into_iter().filter_map(|one| one.points.iter().position(Option::is_some)).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use spillway_metrics::{MetricId, Statistic};

    fn query(name: &'static str) -> MetricQuery {
        MetricQuery::new(MetricId::new("AWS/DynamoDB", name, &[]), Statistic::Sum)
    }

    fn evaluate(value: LineValue, read: &[(&'static str, &[Option<f64>])], gaps: Gaps) -> Vec<Option<f64>> {
        let range = TimeRange::new(Timestamp::UNIX_EPOCH, Timestamp::from_second(180).unwrap()).unwrap();
        let queries: Vec<_> = read.iter().map(|(name, _)| query(name)).collect();
        let series: Vec<_> = read
            .iter()
            .map(|(_, points)| Series { points: points.to_vec(), ..Series::empty(range, Period::MINUTE) })
            .collect();
        let recorded = first_point(&series).map_or(0..0, |since| since..3);
        let read: HashMap<_, _> = queries.iter().zip(series).collect();
        let line = Line { label: "x", value };
        assert!(line.queries().iter().all(|query| read.contains_key(query)));
        line.evaluate(&read, (range, Period::MINUTE), gaps, &recorded).points
    }

    #[test]
    fn a_share_is_over_all_requests_and_fills_what_is_missing() {
        let share = LineValue::Share {
            part: vec![query("ThrottledRequests")],
            whole: ["ThrottledRequests", "SystemErrors", "Done"].map(query).to_vec(),
        };
        let read: [(_, &[_]); 3] = [
            ("ThrottledRequests", &[Some(2.0), None, None]),
            ("SystemErrors", &[None, None, None]),
            ("Done", &[Some(98.0), Some(50.0), None]),
        ];
        assert_eq!(evaluate(share, &read, Gaps::Unknown), [Some(2.0), Some(0.0), None]);
    }

    #[test]
    fn a_share_of_nothing_is_zero_and_not_an_error() {
        let share = LineValue::Share { part: vec![query("a")], whole: vec![query("b")] };
        let points = [Some(0.0), None, None];
        assert_eq!(
            evaluate(share, &[("a", &points), ("b", &points)], Gaps::Unknown),
            [Some(0.0), None, None]
        );
    }

    #[test]
    fn capacity_use_compares_a_sum_with_a_rate() {
        let value = LineValue::CapacityUse { used: query("used"), allowed: query("allowed") };
        let read: [(_, &[_]); 2] =
            [("used", &[Some(300.0), None, Some(60.0)]), ("allowed", &[Some(10.0), Some(10.0), None])];
        assert_eq!(evaluate(value, &read, Gaps::Unknown), [Some(50.0), Some(0.0), None]);
    }

    #[test]
    fn counts_are_zero_where_nothing_was_counted_but_not_before_the_first() {
        let points = [None, Some(6.0), None];
        let value = || LineValue::Statistic(query("a"));
        assert_eq!(evaluate(value(), &[("a", &points)], Gaps::Zero), [None, Some(6.0), Some(0.0)]);
        assert_eq!(evaluate(value(), &[("a", &points)], Gaps::Unknown), points);
        assert_eq!(
            evaluate(LineValue::PerSecond(query("a")), &[("a", &points)], Gaps::Zero),
            [None, Some(0.1), Some(0.0)]
        );
    }
}
