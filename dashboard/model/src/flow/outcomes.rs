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
    Api, Function, Handle, MetricQuery, Period, Resource, Series, Statistic, TimeRange, Writes,
};
use spillway_metrics::{api, consumer, function, writes};

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

    fn is_empty(&self) -> bool {
        self.ok + self.failed + self.throttled == 0
    }
}

/// The outcomes of all stages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecentOutcomes {
    /// Periods with outcomes, the oldest first. Periods without any are left out.
    stages: Vec<(Stage, Vec<Outcomes>)>,
    /// Up to when they are known, in Unix seconds.
    known_until: i64,
}

impl RecentOutcomes {
    /// Outcomes of stages, known until a time. For tests.
    pub fn new(stages: Vec<(Stage, Vec<Outcomes>)>, known_until: Timestamp) -> Self {
        Self { stages, known_until: known_until.as_second() }
    }

    /// The periods with outcomes of a stage, the oldest first. Those of the DLQ are events: stored, or dead letters.
    pub fn of(&self, stage: Stage) -> &[Outcomes] {
        self.stages.iter().find(|(other, _)| *other == stage).map_or(&[], |(_, periods)| periods)
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
        let mut stages: Vec<(Stage, Vec<Outcomes>)> = Vec::new();
        for reading in readings {
            for (stage, periods) in Numbers::outcomes(&reading.series, names) {
                match stages.iter_mut().find(|(other, _)| *other == stage) {
                    Some((_, before)) => before.extend(periods),
                    None => stages.push((stage, periods)),
                }
            }
        }
        let read_at = readings.iter().map(|reading| reading.freshness.read_at.as_second()).min();
        let mut known_until = read_at.unwrap_or(0).min(now.as_second());
        // A minute of CloudWatch arrives some time after its end. Without traffic nothing arrives, and nothing is late.
        let newest = stages
            .iter()
            .filter_map(|(_, periods)| periods.last())
            .map(|last| (last.end(), last.seconds))
            .max();
        if let Some((end, seconds)) = newest
            && seconds >= i64::from(Period::MINUTE.seconds())
            && known_until - end < LATEST_S
        {
            known_until = known_until.min(end);
        }
        Self { stages, known_until }
    }
}

/// Metrics of CloudWatch that are missing for longer than this are not late: nothing was measured. In seconds.
const LATEST_S: i64 = 300;

fn second(second: i64) -> Timestamp {
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

    fn all(&mut self, names: &Names) -> Vec<(Stage, Vec<Outcomes>)> {
        vec![
            (Stage::Api, self.api(names)),
            (Stage::Ingest, self.function(&Function::from(&names.ingest_function))),
            (Stage::Consumer, self.function(&Function::from(&names.consumer_function))),
            (Stage::Table, self.table(names)),
            (Stage::Dlq, self.events(names)),
            (Stage::Archiver, self.function(&Function::from(&names.archiver_function))),
        ]
    }

    /// The periods with outcomes, stage by stage.
    fn outcomes(read: &[S], names: &Names) -> Vec<(Stage, Vec<Outcomes>)> {
        let mut all = Numbers { queries: Vec::new(), read }.all(names);
        all.iter_mut().for_each(|(_, periods)| periods.retain(|period| !period.is_empty()));
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

/// A part of a stage's work that fails, is throttled or is slow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trouble {
    /// What is wrong with it.
    pub kind: TroubleKind,
    /// The share that it affects, by the last minute of it. With little traffic by the last three.
    pub share: f64,
    /// How that share changes.
    pub trend: Trend,
    /// How many it affected in all, since it began.
    pub affected: u64,
    /// When it began.
    pub since: Timestamp,
    /// The last time before it that something succeeded, if that is known.
    pub last_ok: Option<Timestamp>,
    /// When it was last seen.
    pub last_at: Timestamp,
    /// If it is over: since when all succeeds again.
    pub over_since: Option<Timestamp>,
    /// Whether it is surely over: more has succeeded since than its share lets expect.
    pub is_settled: bool,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// Most failures are errors.
    Fails,
    /// Most failures are for lack of capacity.
    Throttles,
    /// It succeeds, and takes long.
    Slow,
}

/// How a share changes: that of the last minute, compared with what was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// It is more than half larger.
    Rising,
    /// Neither, or it is not known.
    Steady,
    /// It is more than a third smaller.
    Falling,
}

/// Fewer failures than this may be chance.
const FEWEST: u64 = 3;
/// A smaller share is noise.
const LEAST_SHARE: f64 = 0.02;
/// A stage fails, and does not only degrade, from this share on.
const FAILING_SHARE: f64 = 1.0 / 3.0;
/// From this share on, nothing succeeds that is worth a word.
pub(super) const ALL: f64 = 0.99;
/// More successes than this between two failures separate two troubles.
const LONGEST_GAP: u64 = 100;
/// Trouble is over after this time without it, in seconds, if enough has succeeded.
const OVER_AFTER_S: i64 = 50;
/// Trouble that was last seen this long ago says nothing about now, however little has succeeded since.
const FORGOTTEN_AFTER_S: i64 = 3_600;
/// So unlikely must it be, by chance, that all has succeeded since.
const UNLIKELY: f64 = 0.01;

impl Trouble {
    /// Whether the stage fails, and does not only degrade.
    pub fn is_failing(&self) -> bool {
        self.share >= FAILING_SHARE && self.kind != TroubleKind::Slow
    }

    /// The failures of a stage; `None` if too few fail, or none did in the last hours.
    pub fn failures(periods: &[Outcomes], now: Timestamp) -> Option<Self> {
        let (kind, trouble) = judge(periods, now, |of| (of.ok, of.failed + of.throttled)).map(|found| {
            let affected = &periods[found.periods.clone()];
            let throttled: u64 = affected.iter().map(|of| of.throttled).sum();
            let failed: u64 = affected.iter().map(|of| of.failed).sum();
            let kind = if throttled > failed { TroubleKind::Throttles } else { TroubleKind::Fails };
            (kind, found)
        })?;
        Some(trouble.of_kind(kind))
    }

    /// The slow work of a stage; `None` if too little is slow.
    pub fn slowness(periods: &[Outcomes], now: Timestamp) -> Option<Self> {
        let found = judge(periods, now, |of| (of.ok - of.slow, of.slow))?;
        Some(found.of_kind(TroubleKind::Slow))
    }
}

/// What [`judge`] found.
struct Found {
    /// The periods from the first to the last failure.
    periods: std::ops::RangeInclusive<usize>,
    trouble: Trouble,
}

impl Found {
    fn of_kind(self, kind: TroubleKind) -> Trouble {
        Trouble { kind, ..self.trouble }
    }
}

/// Finds the last trouble in periods. `count` has what is good and what is bad in one.
fn judge(periods: &[Outcomes], now: Timestamp, count: impl Fn(&Outcomes) -> (u64, u64)) -> Option<Found> {
    let now_s = now.as_second();
    let last = periods.iter().rposition(|period| count(period).1 > 0)?;
    if now_s - periods[last].end() > FORGOTTEN_AFTER_S && periods.len() == last + 1 {
        return None;
    }
    // Backwards, to where it began.
    let (mut first, mut bad, mut gap) = (last, 0, 0);
    for (position, period) in periods[..=last].iter().enumerate().rev() {
        let (good_here, bad_here) = count(period);
        if bad_here > 0 {
            (first, bad, gap) = (position, bad + bad_here, 0);
        } else {
            gap += good_here;
            if gap > LONGEST_GAP {
                break;
            }
        }
    }
    // The first period may have begun before the trouble.
    let later = bad - count(&periods[first]).1;
    let episode = &periods[first + usize::from(later >= FEWEST)..=last];
    let share = share(episode, &count);
    if bad < FEWEST || share < LEAST_SHARE {
        return None;
    }
    let after = &periods[last + 1..];
    let good: u64 = after.iter().map(|period| count(period).0).sum();
    let quiet_s = now_s - periods[last].end();
    let by_chance = (1.0 - share.min(ALL)).powf(good as f64);
    let is_over = good >= FEWEST && (quiet_s >= OVER_AFTER_S || by_chance < UNLIKELY);
    let last_ok = periods[..=first].iter().rev().find(|period| count(period).0 > 0);
    let trouble = Trouble {
        kind: TroubleKind::Fails,
        share,
        trend: trend(episode, share, &count),
        affected: bad,
        since: second(periods[first].start),
        last_ok: last_ok.map(|period| second(period.end().min(periods[first].start))),
        last_at: second(periods[last].end().min(now_s)),
        over_since: after
            .iter()
            .find(|period| count(period).0 > 0)
            .filter(|_| is_over)
            .map(|period| second(period.start)),
        is_settled: is_over && (by_chance < UNLIKELY || quiet_s >= FORGOTTEN_AFTER_S),
    };
    Some(Found { periods: first..=last, trouble })
}

/// The share of what is bad, at the end of periods: in the last minute, or in a longer time if that has less than three.
fn share(periods: &[Outcomes], count: &impl Fn(&Outcomes) -> (u64, u64)) -> f64 {
    let Some(end) = periods.last().map(Outcomes::end) else { return 0.0 };
    let (mut good, mut bad, mut first) = (0, 0, (0, 0));
    for period in periods.iter().rev() {
        if end - period.start > 60 && bad >= FEWEST {
            break;
        }
        first = count(period);
        (good, bad) = (good + first.0, bad + first.1);
    }
    let all = good + bad;
    // What begins and ends with a single failure has one more than its share.
    if first == (0, 1) && bad > 1 {
        (bad - 1) as f64 / (all - 1) as f64
    } else {
        bad as f64 / all.max(1) as f64
    }
}

/// How a share compares with that of the periods before the last minute.
fn trend(periods: &[Outcomes], now: f64, count: &impl Fn(&Outcomes) -> (u64, u64)) -> Trend {
    let end = periods.last().map_or(0, Outcomes::end);
    let before = periods.iter().take_while(|period| end - period.start > 60);
    let (good, bad) = before.map(count).fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    if bad < FEWEST {
        return Trend::Steady;
    }
    let before = bad as f64 / (good + bad) as f64;
    if now > 1.5 * before {
        Trend::Rising
    } else if now < before / 1.5 {
        Trend::Falling
    } else {
        Trend::Steady
    }
}

#[cfg(test)]
mod tests;
