//! The outcomes of the last seconds, minutes and hours, stage by stage: what a verdict is made of.
//!
//! A pipeline on one machine has the last minutes in periods of five seconds, and minutes before. CloudWatch has minutes. With
//! little traffic each period has one event at most, so single events are judged, and with much traffic shares are.

use crate::catalogue::Stage;
use crate::{MetricReader, ReadError, Reading};
use jiff::{SignedDuration, Timestamp};
use spillway_core::names::Names;
use spillway_metrics::retention::RECENT;
use spillway_metrics::{
    Api, Function, Handle, MetricQuery, Period, Queue, Resource, Series, Statistic, TimeRange, Writes,
};
use spillway_metrics::{api, consumer, function, ingest, queue, writes};

/// Writes that take longer than this are slow, in milliseconds. The normal ones take a few.
pub(super) const SLOW_MS: f64 = 250.0;

/// The percentiles that tell how many writes are slow, in hundredths of a percent.
const PERCENTILES: [u16; 4] = [5_000, 7_500, 9_000, 9_700];

/// How far back outcomes are read, in minutes. One failure in twenty of an event a minute is three in an hour.
const MINUTES: i64 = 180;
/// How far back they are read in short periods, in minutes, if there are any.
const RECENT_MINUTES: i64 = 20;

/// The outcomes of one stage in one period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// When the period begins, in Unix seconds.
    pub start: i64,
    /// How long it is, in seconds.
    pub seconds: i64,
    /// What succeeded.
    pub ok: u64,
    /// Of that, what was slow.
    pub slow: u64,
    /// What failed.
    pub failed: u64,
    /// What was refused for lack of capacity.
    pub throttled: u64,
}

impl Outcomes {
    /// When the period ends, in Unix seconds.
    pub fn end(&self) -> i64 {
        self.start + self.seconds
    }

    /// How many there are, of any kind.
    pub fn all(&self) -> u64 {
        self.ok + self.bad()
    }

    /// How many did not succeed.
    pub fn bad(&self) -> u64 {
        self.failed + self.throttled
    }

    /// The share that did not succeed, in percent; 0 without any.
    pub fn bad_percent(&self) -> f64 {
        100.0 * self.bad() as f64 / self.all().max(1) as f64
    }
}

/// What is counted in each period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// The outcomes of a stage. Those of the DLQ are events: stored, or dead letters.
    Of(Stage),
    /// Events that the API promised. Replayed ones are not among them.
    Accepted,
    /// Messages that the consumer received, each time counted.
    Received,
    /// Records that the consumer could not store and that are tried again.
    Retried,
    /// Dead letters that the archiver received.
    ToArchiver,
    /// Dead letters that reached the archive.
    Archived,
}

/// The outcomes of all stages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecentOutcomes {
    /// Periods with outcomes, the oldest first. Periods without any are left out.
    counted: Vec<(Counted, Vec<Outcomes>)>,
    /// Up to when they are known, in Unix seconds.
    known_until: i64,
}

impl RecentOutcomes {
    /// Outcomes of stages, known until a time. For tests.
    pub fn new(stages: Vec<(Stage, Vec<Outcomes>)>, known_until: Timestamp) -> Self {
        let counted = stages.into_iter().map(|(stage, periods)| (Counted::Of(stage), periods)).collect();
        Self { counted, known_until: known_until.as_second() }
    }

    /// The same, with what passed between stages. For tests.
    pub fn with(mut self, counted: Counted, periods: Vec<Outcomes>) -> Self {
        self.counted.push((counted, periods));
        self
    }

    /// The periods with outcomes of a stage, the oldest first. Those of the DLQ are events: stored, or dead letters.
    pub fn of(&self, stage: Stage) -> &[Outcomes] {
        self.counted(Counted::Of(stage))
    }

    fn counted(&self, of: Counted) -> &[Outcomes] {
        self.counted.iter().find(|(other, _)| *other == of).map_or(&[], |(_, periods)| periods)
    }

    /// The last minute that is known. Without short periods it is the last complete one.
    pub fn last_minute(&self) -> LastMinute<'_> {
        let all = || self.counted.iter().flat_map(|(_, periods)| periods);
        let period = all().max_by_key(|period| period.end()).map_or(1, |newest| newest.seconds);
        let floor = |second: i64| second.div_euclid(period) * period;
        // A running minute would look like a fall. Of short periods the running one counts.
        let to = if period < MINUTE_S { self.known_until } else { floor(self.known_until) };
        let from = floor(to - MINUTE_S);
        // A pipeline that has just started must not appear slow.
        let began = all().map(|period| period.start).min().unwrap_or(from);
        LastMinute { outcomes: self, from, to, seconds: (to - from.max(began)).max(1) }
    }

    /// How old the newest evidence is, in seconds.
    pub fn age_s(&self, now: Timestamp) -> i64 {
        (now.as_second() - self.known_until).max(0)
    }

    /// Reads the outcomes until now: the last minutes in periods of five seconds, minutes before.
    ///
    /// # Errors
    /// [`ReadError`] if the metrics can't be read.
    pub async fn read(metrics: &dyn MetricReader, names: &Names, now: Timestamp) -> Result<Self, ReadError> {
        let queries = Self::queries(names);
        let all = Self::range(now);
        let recent = TimeRange::last(SignedDuration::from_mins(RECENT_MINUTES), all.to());
        let old = TimeRange::last(SignedDuration::from_mins(MINUTES - RECENT_MINUTES), recent.from());
        let (old, recent) = futures::try_join!(
            metrics.read(&queries, old, Period::MINUTE),
            metrics.read(&queries, recent, RECENT.period),
        )?;
        Ok(Self::of_readings(&[old, recent], names, now))
    }

    /// The queries.
    pub(super) fn queries(names: &Names) -> Vec<MetricQuery> {
        Numbers::queries(names)
    }

    /// The range to read. It has the same length at any second, so that a cache can keep its series.
    pub(super) fn range(now: Timestamp) -> TimeRange {
        let next_minute = second((now.as_second().div_euclid(60) + 1) * 60);
        TimeRange::last(SignedDuration::from_mins(MINUTES), next_minute)
    }

    /// Those of readings that follow each other.
    pub(super) fn of_readings(readings: &[Reading], names: &Names, now: Timestamp) -> Self {
        let mut counted: Vec<(Counted, Vec<Outcomes>)> = Vec::new();
        for reading in readings {
            for (what, periods) in Numbers::outcomes(&reading.series, names) {
                match counted.iter_mut().find(|(other, _)| *other == what) {
                    Some((_, before)) => before.extend(periods),
                    None => counted.push((what, periods)),
                }
            }
        }
        let read_at = readings.iter().map(|reading| reading.freshness.read_at.as_second()).min();
        let mut known_until = read_at.unwrap_or(0).min(now.as_second());
        // A minute of CloudWatch arrives some time after its end. Without traffic nothing arrives, and nothing is late.
        let newest = counted
            .iter()
            .filter(|(what, _)| matches!(what, Counted::Of(_)))
            .filter_map(|(_, periods)| periods.last())
            .map(|last| (last.end(), last.seconds))
            .max();
        if let Some((end, seconds)) = newest
            && seconds >= i64::from(Period::MINUTE.seconds())
            && known_until - end < LATEST_S
        {
            known_until = known_until.min(end);
        }
        Self { counted, known_until }
    }
}

/// The last minute: how much passed between the stages, and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct LastMinute<'a> {
    outcomes: &'a RecentOutcomes,
    from: i64,
    to: i64,
    seconds: i64,
}

impl LastMinute<'_> {
    /// When it ends.
    pub fn to(&self) -> Timestamp {
        second(self.to)
    }

    /// How long it is, in seconds: 60 to 64, or less if recording began later.
    pub fn seconds(&self) -> f64 {
        self.seconds as f64
    }

    /// All outcomes of something in it, added up.
    pub fn sum(&self, of: Counted) -> Outcomes {
        let mut sum = Outcomes { start: self.from, seconds: self.seconds, ..Outcomes::default() };
        let inside = |period: &&Outcomes| self.from <= period.start && period.start < self.to;
        for period in self.outcomes.counted(of).iter().filter(inside) {
            sum.ok += period.ok;
            sum.slow += period.slow;
            sum.failed += period.failed;
            sum.throttled += period.throttled;
        }
        sum
    }

    /// The same of a stage.
    pub fn of(&self, stage: Stage) -> Outcomes {
        self.sum(Counted::Of(stage))
    }
}

const MINUTE_S: i64 = Period::MINUTE.seconds() as i64;

/// Metrics of CloudWatch that are missing for longer than this are not late: nothing was measured. In seconds.
const LATEST_S: i64 = 300;

pub(super) fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::MIN)
}

/// Defines each number once, both for the queries and for reading their results.
struct Numbers<'a, S> {
    queries: Vec<MetricQuery>,
    read: &'a [S],
}

impl<S: AsRef<Series>> Numbers<'_, S> {
    fn number<R: Resource>(&mut self, metric: Handle<R>, of: &R, statistic: Statistic) -> Option<&Series> {
        let position = self.queries.len();
        self.queries.push(metric.query(of, statistic));
        self.read.get(position).map(AsRef::as_ref)
    }

    /// Adds the numbers of a series to the periods, by `add`.
    fn add<R: Resource>(
        &mut self,
        periods: &mut Vec<Outcomes>,
        (metric, of, statistic): (Handle<R>, &R, Statistic),
        add: impl Fn(&mut Outcomes, f64),
    ) {
        let Some(series) = self.number(metric, of, statistic) else { return };
        let seconds = i64::from(series.period.seconds());
        if periods.is_empty() {
            let start = series.start.as_second();
            let at =
                |position| Outcomes { start: start + position * seconds, seconds, ..Outcomes::default() };
            *periods = (0..series.points.len() as i64).map(at).collect();
        }
        for (period, point) in periods.iter_mut().zip(&series.points) {
            if let Some(value) = point {
                add(period, *value);
            }
        }
    }

    fn function(&mut self, named: &Function) -> Vec<Outcomes> {
        let mut periods = Vec::new();
        self.add(&mut periods, (function::INVOCATIONS, named, Statistic::Sum), |of, value| {
            of.ok += count(value)
        });
        self.add(&mut periods, (function::ERRORS, named, Statistic::Sum), fail);
        periods
    }

    fn api(&mut self, names: &Names) -> Vec<Outcomes> {
        let (named, mut periods) = (Api::from(names), Vec::new());
        self.add(&mut periods, (api::REQUESTS, &named, Statistic::Sum), |of, value| of.ok += count(value));
        self.add(&mut periods, (api::SERVER_ERRORS, &named, Statistic::Sum), fail);
        periods
    }

    fn table(&mut self, names: &Names) -> Vec<Outcomes> {
        let (named, mut periods) = (Writes::from(&names.table), Vec::new());
        let latency = writes::LATENCY;
        self.add(&mut periods, (latency, &named, Statistic::SampleCount), |of, value| of.ok = count(value));
        for percentile in PERCENTILES {
            self.add(&mut periods, (latency, &named, Statistic::Percentile(percentile)), |of, value| {
                if value > SLOW_MS {
                    // The percentile is the write at this place. All from there on are slow.
                    let place = (of.ok as f64 * f64::from(percentile) / 10_000.0).ceil() as u64;
                    of.slow = of.slow.max(of.ok.saturating_sub(place) + 1).min(of.ok);
                }
            });
        }
        self.add(&mut periods, (writes::FAILED, &named, Statistic::Sum), |of, value| {
            of.failed += count(value)
        });
        self.add(&mut periods, (writes::THROTTLED, &named, Statistic::Sum), |of, value| {
            of.throttled += count(value)
        });
        periods
    }

    /// Events that were stored or became dead letters.
    fn events(&mut self, names: &Names) -> Vec<Outcomes> {
        let (named, mut periods) = (Function::from(&names.consumer_function), Vec::new());
        for stored in [consumer::RECORDS_STORED, consumer::RECORDS_ALREADY_STORED] {
            self.add(&mut periods, (stored, &named, Statistic::Sum), |of, value| of.ok += count(value));
        }
        let rejected = (consumer::RECORDS_REJECTED, &named, Statistic::Sum);
        self.add(&mut periods, rejected, |of, value| of.failed += count(value));
        periods
    }

    /// What passed, without an outcome.
    fn passed<R: Resource>(&mut self, metric: Handle<R>, of: &R) -> Vec<Outcomes> {
        let mut periods = Vec::new();
        self.add(&mut periods, (metric, of, Statistic::Sum), |of, value| of.ok += count(value));
        periods
    }

    fn all(&mut self, names: &Names) -> Vec<(Counted, Vec<Outcomes>)> {
        let [ingest, consumer, archiver] =
            [&names.ingest_function, &names.consumer_function, &names.archiver_function].map(Function::from);
        let [queue, dlq] = [&names.queue, &names.dead_letter_queue].map(Queue::from);
        vec![
            (Counted::Of(Stage::Api), self.api(names)),
            (Counted::Of(Stage::Ingest), self.function(&ingest)),
            (Counted::Of(Stage::Consumer), self.function(&consumer)),
            (Counted::Of(Stage::Table), self.table(names)),
            (Counted::Of(Stage::Dlq), self.events(names)),
            (Counted::Of(Stage::Archiver), self.function(&archiver)),
            (Counted::Accepted, self.passed(ingest::EVENTS_ACCEPTED, &ingest)),
            (Counted::Received, self.passed(queue::RECEIVED, &queue)),
            (Counted::Retried, self.passed(consumer::RECORDS_RETRIED, &consumer)),
            (Counted::ToArchiver, self.passed(queue::RECEIVED, &dlq)),
            (Counted::Archived, self.passed(queue::DELETED, &dlq)),
        ]
    }

    /// The periods with outcomes.
    fn outcomes(read: &[S], names: &Names) -> Vec<(Counted, Vec<Outcomes>)> {
        let mut all = Numbers { queries: Vec::new(), read }.all(names);
        all.iter_mut().for_each(|(_, periods)| periods.retain(|period| period.all() > 0));
        all
    }
}

impl Numbers<'_, std::sync::Arc<Series>> {
    fn queries(names: &Names) -> Vec<MetricQuery> {
        let mut numbers = Self { queries: Vec::new(), read: &[] };
        numbers.all(names);
        numbers.queries
    }
}

fn count(value: f64) -> u64 {
    value.max(0.0).round() as u64
}

/// Moves failures from all to those that failed.
fn fail(of: &mut Outcomes, failed: f64) {
    let failed = count(failed);
    of.ok = of.ok.saturating_sub(failed);
    of.failed += failed;
}

#[cfg(test)]
mod tests;
