//! Recorded datapoints for the evaluator of alarms.

use crate::telemetry::{MetricQuery, Statistic as Recorded, TelemetryReader};
use spillway_alerts::{History, MemoryHistory, MetricStat, Resources, Slots, SourceError, Statistic};
use spillway_core::Timestamp;
use spillway_core::metric::MetricId;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;
/// The periods that are still there after so many days: minutes for 15, five minutes for 63, as CloudWatch has them.
const COARSER: [(i64, i64); 2] = [(3_600, 63 * DAY), (300, 15 * DAY)];

/// The datapoints of a data folder, at one moment.
///
/// Alarms look at periods that end at any minute, so all is put together from minutes. Where only five minutes or hours
/// are left, their datapoints are spread evenly over their minutes: a backtest over more than 15 days is that coarse.
pub struct TelemetryHistory<'r> {
    reader: &'r TelemetryReader,
    resources: &'r Resources,
    now: i64,
    /// Several rules look at the same series, often over the same stretch of time.
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
    /// What `reader` has at `now`; `resources` says what the deployment's parts are called.
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
        let dimensions = stat.metric.bind(self.resources)?;
        let dimensions =
            dimensions.iter().map(|(name, value)| ((*name).to_owned().into(), (*value).to_owned().into()));
        let metric = MetricId {
            namespace: stat.metric.namespace.clone().into(),
            name: stat.metric.name.clone().into(),
            dimensions: dimensions.collect(),
        };
        let queries = [MetricQuery { metric, statistic: recorded(stat.statistic) }];
        let mut values = Vec::new();
        let mut from = from;
        // The oldest stretch first; each ends on a whole hour, so that no period of one reaches into the next.
        let stretches = COARSER.map(|(period, kept)| (period, floor(self.now - kept, 3_600) + 3_600));
        for (period, end) in stretches.into_iter().chain([(MINUTE, i64::MAX)]) {
            let end = end.min(until);
            if from < end {
                values.extend(self.stretch(&queries, stat.statistic, from, end, period)?);
                from = end;
            }
        }
        Ok(values)
    }

    fn stretch(
        &self,
        queries: &[MetricQuery],
        statistic: Statistic,
        from: i64,
        until: i64,
        period: i64,
    ) -> Result<Vec<f64>, Box<dyn std::error::Error + Send + Sync>> {
        let (start, end) = (Timestamp::from_second(from)?, Timestamp::from_second(until)?);
        let points = self.reader.query(queries, start, end, u32::try_from(period)?)?;
        let points = points.into_iter().next().unwrap_or_default();
        let share = match statistic {
            Statistic::Sum | Statistic::SampleCount => MINUTE as f64 / period as f64,
            _ => 1.0,
        };
        let first = floor(from, period);
        let at = |minute: i64| {
            let point = usize::try_from((minute - first) / period).unwrap_or(usize::MAX);
            points.get(point).copied().flatten().map_or(f64::NAN, |value| value * share)
        };
        Ok((0..(until - from) / MINUTE).map(|minute| at(from + minute * MINUTE)).collect())
    }
}

impl History for TelemetryHistory<'_> {
    fn column(&self, stat: &MetricStat, slots: Slots) -> Result<Cow<'_, [f64]>, SourceError> {
        if slots.len == 0 {
            return Ok(Cow::Borrowed(&[]));
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

fn recorded(statistic: Statistic) -> Recorded {
    match statistic {
        Statistic::Average => Recorded::Average,
        Statistic::Sum => Recorded::Sum,
        Statistic::Minimum => Recorded::Minimum,
        Statistic::Maximum => Recorded::Maximum,
        Statistic::SampleCount => Recorded::SampleCount,
        Statistic::Percentile(hundredths) => Recorded::Percentile(hundredths),
    }
}

fn floor(second: i64, period: i64) -> i64 {
    second - second.rem_euclid(period)
}
