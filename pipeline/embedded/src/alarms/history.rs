//! Recorded datapoints for the evaluator of alarms.

use crate::telemetry::{TelemetryReader, moving_percentiles};
use spillway_alerts::{History, MemoryHistory, MetricStat, Resources, Slots, SourceError};
use spillway_core::Timestamp;
use spillway_metrics::retention::{Interval, floor, intervals};
use spillway_metrics::{MetricQuery, Statistic};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

const MINUTE: i64 = 60;

/// The datapoints of a data folder, at one moment.
///
/// Alarms use periods that end at any minute, so every period is summed up from minutes
/// ([`Interval::by_the_minute`]). Percentiles do not add up: the measurements of the minutes are merged.
pub struct TelemetryHistory<'r> {
    reader: &'r TelemetryReader,
    resources: &'r Resources,
    now: i64,
    /// Several rules look at the same series, often over the same interval.
    read: RefCell<HashMap<MetricStat, Minutes>>,
}

/// Values by the minute, NaN for gaps.
struct Minutes {
    from: i64,
    values: Vec<f64>,
}

impl Minutes {
    fn until(&self) -> i64 {
        self.from + MINUTE * self.values.len() as i64
    }

    fn slice(&self, from: i64, until: i64) -> Vec<f64> {
        let index = |at: i64| usize::try_from((at - self.from) / MINUTE).unwrap_or(0).min(self.values.len());
        self.values[index(from)..index(until)].to_vec()
    }
}

impl<'r> TelemetryHistory<'r> {
    /// The datapoints of `reader` at `now`; `resources` has the names of the deployment's parts.
    pub fn new(reader: &'r TelemetryReader, resources: &'r Resources, now: Timestamp) -> Self {
        Self { reader, resources, now: now.as_second(), read: RefCell::default() }
    }

    fn minutes(&self, stat: &MetricStat, from: i64, until: i64) -> Result<Vec<f64>, SourceError> {
        if let Some(known) = self.read.borrow().get(stat)
            && known.from <= from
            && until <= known.until()
        {
            return Ok(known.slice(from, until));
        }
        let values = self.query(stat, from, until).map_err(|source| failed(stat, source))?;
        self.read.borrow_mut().insert(stat.clone(), Minutes { from, values: values.clone() });
        Ok(values)
    }

    fn query(
        &self,
        stat: &MetricStat,
        from: i64,
        until: i64,
    ) -> Result<Vec<f64>, Box<dyn std::error::Error + Send + Sync>> {
        let query = stat.bind(self.resources)?;
        let mut values = Vec::new();
        for interval in intervals(from, until, self.now) {
            values.extend(self.interval(&query, interval)?);
        }
        Ok(values)
    }

    fn interval(
        &self,
        query: &MetricQuery,
        interval: Interval,
    ) -> Result<Vec<f64>, Box<dyn std::error::Error + Send + Sync>> {
        let (from, until) = (Timestamp::from_second(interval.from)?, Timestamp::from_second(interval.until)?);
        let period = interval.period.seconds();
        let points = self.reader.query(std::slice::from_ref(query), from, until, period)?;
        let points = points.into_iter().next().unwrap_or_default();
        let first = floor(interval.from, period.into());
        let at = |start: i64| {
            let point = usize::try_from((start - first) / i64::from(period)).ok()?;
            points.get(point).copied().flatten()
        };
        Ok(interval.by_the_minute(query.statistic, at).collect())
    }
}

impl TelemetryHistory<'_> {
    fn percentiles(
        &self,
        stat: &MetricStat,
        hundredths: u16,
        slots: Slots,
    ) -> Result<Vec<f64>, Box<dyn std::error::Error + Send + Sync>> {
        let query = stat.bind(self.resources)?;
        let period_of = |slot: usize| (slots.end(slot) - i64::from(slots.period), slots.end(slot));
        let from = floor(period_of(0).0, MINUTE);
        let mut sets = Vec::new();
        for interval in intervals(from, slots.end(slots.len - 1), self.now) {
            let (from, until) =
                (Timestamp::from_second(interval.from)?, Timestamp::from_second(interval.until)?);
            let period = interval.period.seconds();
            let found = self.reader.sets(&query.metric, from, until, period)?;
            let starts = (floor(interval.from, period.into())..).step_by(period as usize);
            sets.extend(starts.zip(found).filter_map(|(start, set)| Some((start, set?))));
        }
        Ok(moving_percentiles(&sets, hundredths, (0..slots.len).map(period_of)))
    }
}

impl History for TelemetryHistory<'_> {
    fn column(&self, stat: &MetricStat, slots: Slots) -> Result<Cow<'_, [f64]>, SourceError> {
        if slots.len == 0 {
            return Ok(Cow::Borrowed(&[]));
        }
        if let Statistic::Percentile(hundredths) = stat.statistic
            && i64::from(slots.period) > MINUTE
        {
            let found = self.percentiles(stat, hundredths, slots);
            return found.map(Cow::Owned).map_err(|source| failed(stat, source));
        }
        let from = floor(slots.first_end - i64::from(slots.period), MINUTE);
        let until = floor(slots.end(slots.len - 1) + MINUTE - 1, MINUTE);
        let start = Timestamp::from_second(from).map_err(|error| failed(stat, error.into()))?;
        let mut minutes = MemoryHistory::new(start, MINUTE as u32);
        minutes.insert(stat.clone(), self.minutes(stat, from, until)?);
        if stat.statistic == Statistic::Average {
            let counts = MetricStat { statistic: Statistic::SampleCount, ..stat.clone() };
            let values = self.minutes(&counts, from, until)?;
            minutes.insert(counts, values);
        }
        let column = minutes.column(stat, slots)?.into_owned();
        Ok(Cow::Owned(column))
    }
}

fn failed(stat: &MetricStat, source: Box<dyn std::error::Error + Send + Sync>) -> SourceError {
    SourceError { metric: stat.to_string(), source }
}
