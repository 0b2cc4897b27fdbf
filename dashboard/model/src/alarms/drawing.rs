//! The numbers that a rule compares with its threshold, over any range.

use super::{MetricCondition, Resources};
use crate::{Freshness, MetricReader, ReadError};
use jiff::Timestamp;
use spillway_alerts::metric::{MetricStat, UnknownResource};
use spillway_alerts::{History, Slots, SourceError};
use spillway_metrics::{MetricQuery, Period, Series, TimeRange};
use std::borrow::Cow;
use std::sync::Arc;

/// The topology does not name a resource that a rule watches.
pub type Unbound = UnknownResource;

/// The measurements of a rule over a range.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleNumbers {
    /// The value of its metric or expression for each period.
    pub series: Series,
    /// The age of the numbers.
    pub freshness: Freshness,
}

/// The queries for a rule, in the order of its metrics.
///
/// # Errors
/// [`Unbound`] if the topology lacks a resource that it watches.
pub fn queries(condition: &MetricCondition, resources: &Resources) -> Result<Vec<MetricQuery>, Unbound> {
    condition.queries.iter().map(|query| query.stat.bind(resources)).collect()
}

/// Reads the measurements of a rule over `range`, one value per `period`. The rule itself evaluates periods of
/// `condition.period` seconds; a sum over a longer period is not the value that it compares.
///
/// # Errors
/// [`ReadError`] if the numbers could not be read, or the topology lacks a resource that the rule watches.
pub async fn read_numbers(
    reader: &dyn MetricReader,
    condition: &MetricCondition,
    resources: &Resources,
    (range, period): (TimeRange, Period),
) -> Result<RuleNumbers, ReadError> {
    let unavailable = |reason: String| ReadError::Unavailable { reason };
    let asked = queries(condition, resources).map_err(|error| unavailable(error.to_string()))?;
    let reading = reader.read(&asked, range, period).await?;
    let mut series = Series::empty(range, period);
    let seen = Seen { condition, series: &reading.series };
    let slots = Slots {
        first_end: series.start.as_second() + i64::from(period.seconds()),
        step: period.seconds(),
        period: period.seconds(),
        len: series.points.len(),
    };
    let values = condition.values(&seen, slots).map_err(|error| unavailable(error.to_string()))?;
    let now = reading.freshness.read_at;
    for (index, (point, value)) in series.points.iter_mut().zip(values).enumerate() {
        // The rule is evaluated over complete periods. The running period would look like a fall.
        let is_over = end_of(series.start, period, index) <= now;
        *point = Some(value).filter(|value| value.is_finite() && is_over);
    }
    Ok(RuleNumbers { series, freshness: reading.freshness })
}

fn end_of(start: Timestamp, period: Period, index: usize) -> Timestamp {
    let periods = i64::try_from(index).unwrap_or(i64::MAX).saturating_add(1);
    let seconds = i64::from(period.seconds()).saturating_mul(periods);
    Timestamp::from_second(start.as_second().saturating_add(seconds)).unwrap_or(Timestamp::MAX)
}

/// The series in the evaluator's format.
struct Seen<'a> {
    condition: &'a MetricCondition,
    series: &'a [Arc<Series>],
}

impl History for Seen<'_> {
    fn column(&self, stat: &MetricStat, slots: Slots) -> Result<Cow<'_, [f64]>, SourceError> {
        let place = self.condition.queries.iter().position(|query| query.stat == *stat);
        let points = place.and_then(|place| self.series.get(place)).map_or(&[][..], |series| &series.points);
        let mut column: Vec<f64> = points.iter().map(|point| point.unwrap_or(f64::NAN)).collect();
        column.resize(slots.len, f64::NAN);
        Ok(Cow::Owned(column))
    }
}
