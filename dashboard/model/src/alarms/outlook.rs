//! What happens if nobody does anything: when an early warning turns high, by its newest datapoints.
//!
//! The method is that of `docs/early-warnings.md`, which also has its measured error.

use super::{AlarmsNow, Comparison, MetricCondition, Rule, RuleName, Tier, read_numbers};
use crate::MetricReader;
use jiff::{SignedDuration, Timestamp};
use spillway_dashboard_words::duration;
use spillway_metrics::{Period, TimeRange};

/// How many datapoints are looked at: more would hide a change, fewer would follow the noise.
const LOOKED_AT: usize = 20;
/// With fewer there is no rate.
const FEWEST: usize = 5;
/// What is further away than this is not foreseeable, in seconds.
const FORESEEABLE_S: f64 = 24.0 * 3600.0;

/// When a number reaches a threshold, if it goes on as now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outlook {
    /// It turns high after a time between these, in seconds. Without an end, it may also never.
    Rises {
        /// The shortest.
        from_s: f64,
        /// The longest, if the slower of its rates leads there at all.
        to_s: Option<f64>,
    },
    /// It does not move towards the threshold, or so slowly that it takes more than a day.
    Steady,
    /// Too few datapoints are known.
    Unknown,
}

impl Outlook {
    /// `in 30 min to 1 h at this rate`.
    pub fn text(self) -> String {
        match self {
            Self::Rises { from_s, to_s: Some(to_s) } => {
                let [from, to] = [from_s.max(60.0), to_s.max(60.0)].map(duration);
                let span = if from == to { format!("about {from}") } else { format!("{from} to {to}") };
                format!("turns high in {span} at this rate")
            }
            Self::Rises { from_s, to_s: None } => {
                format!("may turn high in {} or later", duration(from_s.max(60.0)))
            }
            Self::Steady => "does not get worse at this rate".to_owned(),
            Self::Unknown => "too few datapoints to say when it turns high".to_owned(),
        }
    }

    /// The outlook of a rule's newest datapoints, oldest first, of that many seconds each: along a straight line and, if all are
    /// positive, along a curve that grows by a share. The earliest time is that of the faster one, the latest that of the slower.
    pub fn of(points: &[Option<f64>], condition: &MetricCondition) -> Self {
        let upwards = matches!(condition.comparison, Comparison::Greater | Comparison::GreaterOrEqual);
        let start = points.len().saturating_sub(LOOKED_AT);
        let known = points[start..].iter().enumerate();
        let known: Vec<(f64, f64)> = known.filter_map(|(at, value)| Some((at as f64, (*value)?))).collect();
        if known.len() < FEWEST {
            return Self::Unknown;
        }
        // Datapoints that are over already count for the rule.
        let breaches = |value: f64| condition.comparison.breaches(value, condition.threshold);
        let over = known.iter().rev().take_while(|(_, value)| breaches(*value)).count();
        let period = f64::from(condition.period);
        let wait_s = period * condition.datapoints_to_alarm.saturating_sub(over.max(1)) as f64;
        if over > 0 {
            return Self::Rises { from_s: wait_s, to_s: Some(wait_s) };
        }
        let sign = if upwards { 1.0 } else { -1.0 };
        let line: Vec<_> = known.iter().map(|(at, value)| (*at, sign * value)).collect();
        let Some(mut reach) = reach(&line, sign * condition.threshold) else { return Self::Steady };
        if upwards && condition.threshold > 0.0 && known.iter().all(|(_, value)| *value > 0.0) {
            let curve: Vec<_> = known.iter().map(|(at, value)| (*at, value.ln())).collect();
            if let Some((from, _)) = self::reach(&curve, condition.threshold.ln()) {
                reach.0 = reach.0.min(from);
            }
        }
        let from_s = reach.0 * period + wait_s;
        if from_s > FORESEEABLE_S {
            return Self::Steady;
        }
        let to_s = reach.1.map(|to| to * period + wait_s).filter(|to| *to <= FORESEEABLE_S);
        Self::Rises { from_s, to_s }
    }
}

/// How many datapoints from now a number reaches a threshold above it, at the least and at the most; `None` if it does not rise.
///
/// The rate is the median of the rates between all pairs of datapoints (Theil and Sen), which one outlier does not change. The
/// quarter points of these rates give both ends.
fn reach(points: &[(f64, f64)], threshold: f64) -> Option<(f64, Option<f64>)> {
    let last = points.last()?.0;
    let pairs = points.iter().enumerate().flat_map(|(position, one)| {
        points[position + 1..].iter().map(move |other| (other.1 - one.1) / (other.0 - one.0))
    });
    let rates = sorted(pairs);
    let [slow, middle, fast] = [0.25, 0.5, 0.75].map(|share| quantile(&rates, share));
    if middle <= 0.0 {
        return None;
    }
    let levels = sorted(points.iter().map(|(at, value)| value + middle * (last - at)));
    let gap = (threshold - quantile(&levels, 0.5)).max(0.0);
    Some((gap / fast, (slow > 0.0).then(|| gap / slow)))
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The value below which that share of sorted values lies.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((share * last as f64).round() as usize).copied().unwrap_or(0.0)
}

/// The outlook of each active early warning, whose high twin is not active yet. What can't be read is left out.
pub async fn outlooks(reader: &dyn MetricReader, now: &AlarmsNow, at: Timestamp) -> Vec<(RuleName, Outlook)> {
    let active = now.active();
    let is_active = |rule: &Rule| active.iter().any(|(other, _)| other.name == rule.name);
    let mut found = Vec::new();
    for (low, _) in active.iter().filter(|(rule, _)| rule.tier == Tier::Low) {
        let Some(high) = now.twin(low.name.as_str()).filter(|high| !is_active(high)) else { continue };
        let Some(condition) = high.metric() else { continue };
        let period = Period::minutes(condition.period / 60);
        let length = i64::from(period.seconds()) * (LOOKED_AT as i64 + 1);
        let range = TimeRange::last(SignedDuration::from_secs(length), at).aligned(period);
        if let Ok(numbers) = read_numbers(reader, condition, &now.resources, (range, period)).await {
            // The running period has no value yet.
            let points = &numbers.series.points;
            let points = &points[..points.len() - usize::from(points.last().is_some_and(Option::is_none))];
            found.push((low.name.clone(), Outlook::of(points, condition)));
        }
    }
    found
}

#[cfg(test)]
mod tests;
