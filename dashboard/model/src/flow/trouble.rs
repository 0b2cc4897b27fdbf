//! Trouble of a stage: what fails, is throttled or is slow among its outcomes, since when, and whether it is over.

use super::outcomes::{Outcomes, second};
use jiff::Timestamp;

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
