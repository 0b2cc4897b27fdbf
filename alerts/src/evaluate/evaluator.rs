//! One alarm on datapoints, evaluated moment by moment.

use super::judge::{Judge, Point, Verdict};
use crate::history::{History, Slots, SourceError};
use crate::math::Frame;
use crate::rules::{LowSamples, MetricCondition, Rule, RuleName};
use crate::state::{AlarmState, StateChange};
use crate::{MetricStat, Statistic};
use jiff::Timestamp;
use std::borrow::Cow;

/// The state of one alarm on datapoints, and the data needed to bring it up to date.
///
/// Each evaluation reads the whole evaluation range again, as CloudWatch does, so datapoints that arrive late
/// count.
#[derive(Clone, Debug)]
pub struct Evaluator {
    rule: RuleName,
    condition: MetricCondition,
    state: AlarmState,
}

impl Evaluator {
    /// An alarm in `INSUFFICIENT_DATA`; `None` for a composite rule, which has no datapoints.
    pub fn new(rule: &Rule) -> Option<Self> {
        Self::starting_as(rule, AlarmState::default())
    }

    /// An alarm that continues from a known state.
    pub fn starting_as(rule: &Rule, state: AlarmState) -> Option<Self> {
        let condition = rule.metric()?.clone();
        Some(Self { rule: rule.name.clone(), condition, state })
    }

    /// State after the last evaluation.
    pub fn state(&self) -> AlarmState {
        self.state
    }

    /// Continues from a state that was found by other means.
    pub(crate) fn set(&mut self, state: AlarmState) {
        self.state = state;
    }

    /// Evaluates with the datapoints up to `now`, and says if that changed the state. If the datapoints cannot be read,
    /// the state stays as it is.
    pub fn observe(
        &mut self,
        now: Timestamp,
        history: &dyn History,
    ) -> Result<Option<StateChange>, SourceError> {
        let at = floor(now.as_second(), self.condition.evaluated_every());
        let outlook = look(&self.condition, at, history)?;
        let Verdict::Become(state) = outlook.verdict else { return Ok(None) };
        if state == self.state {
            return Ok(None);
        }
        let from = std::mem::replace(&mut self.state, state);
        let reason = reason(&self.condition, &outlook.values, state);
        Ok(Some(StateChange { rule: self.rule.clone(), at: now, from, to: state, reason }))
    }
}

pub(crate) fn floor(seconds: i64, step: u32) -> i64 {
    seconds - seconds.rem_euclid(i64::from(step))
}

pub(crate) fn judge_of(condition: &MetricCondition) -> Judge {
    Judge {
        needed: condition.datapoints_to_alarm,
        looked_at: condition.evaluation_periods,
        range: condition.evaluation_range(),
        missing: condition.effective_missing_data(),
    }
}

pub(crate) fn classify(condition: &MetricCondition, value: f64) -> Point {
    if value.is_nan() {
        Point::Missing
    } else if condition.comparison.breaches(value, condition.threshold) {
        Point::Breaching
    } else {
        Point::Fine
    }
}

pub(crate) struct Outlook {
    pub verdict: Verdict,
    /// Of the evaluation range, oldest first.
    pub values: Vec<f64>,
}

/// Judges the evaluation range that ends at `at`.
pub(crate) fn look(
    condition: &MetricCondition,
    at: i64,
    history: &dyn History,
) -> Result<Outlook, SourceError> {
    let range = condition.evaluation_range();
    let period = i64::from(condition.period);
    let first_end = at - (range as i64 - 1) * period;
    let slots = Slots { first_end, step: condition.period, period: condition.period, len: range };
    let columns: Vec<Cow<'_, [f64]>> =
        condition.queries.iter().map(|query| history.column(&query.stat, slots)).collect::<Result<_, _>>()?;
    let columns: Vec<&[f64]> = columns.iter().map(AsRef::as_ref).collect();
    let frame = Frame {
        columns: &columns,
        first_start: first_end - period,
        step: period,
        period: condition.period,
        len: range,
    };
    let values = condition.math.evaluate(&frame);
    let mut verdict = judge_of(condition).judge(values.iter().rev().map(|value| classify(condition, *value)));
    if let Some((counts, fewest)) = sample_gate(condition) {
        let counts = history.column(&counts, slots)?;
        let newest = &counts[range - condition.evaluation_periods..];
        if total(newest.iter()) < fewest {
            verdict = Verdict::Keep;
        }
    }
    Ok(Outlook { verdict, values })
}

/// For a rule that waits for enough samples: the series that counts them, and the number that it needs.
pub(crate) fn sample_gate(condition: &MetricCondition) -> Option<(MetricStat, f64)> {
    if condition.low_samples != LowSamples::Ignore {
        return None;
    }
    condition.queries.iter().find_map(|query| {
        let fewest = query.stat.statistic.significant_samples()?;
        Some((MetricStat { statistic: Statistic::SampleCount, ..query.stat.clone() }, fewest))
    })
}

pub(crate) fn total<'a>(values: impl Iterator<Item = &'a f64>) -> f64 {
    values.filter(|value| !value.is_nan()).sum()
}

pub(crate) fn reason(condition: &MetricCondition, values: &[f64], state: AlarmState) -> String {
    let newest: Vec<f64> = values
        .iter()
        .rev()
        .copied()
        .filter(|value| !value.is_nan())
        .take(condition.evaluation_periods)
        .collect();
    let Some(last) = newest.first() else {
        return format!("no datapoint in the last {} periods of {} s", values.len(), condition.period);
    };
    let breaching =
        newest.iter().filter(|value| condition.comparison.breaches(**value, condition.threshold)).count();
    let last = short(*last);
    let beyond = format!("{} {}", condition.comparison.side(), condition.threshold);
    let of = condition.evaluation_periods;
    if of == 1 {
        let not = if breaching == 0 { "not " } else { "" };
        return format!("the newest datapoint is {last}, {not}{beyond}");
    }
    let missing = of - newest.len();
    let gaps =
        if missing == 0 || state == AlarmState::Ok { String::new() } else { format!(", {missing} missing") };
    let is = |count: usize| if count < 2 { "is" } else { "are" };
    let count = if breaching == 0 { "none".to_owned() } else { breaching.to_string() };
    let needed = condition.datapoints_to_alarm;
    format!(
        "{count} of the last {of} datapoints {} {beyond}{gaps}; the newest is {last}; {needed} {} needed",
        is(breaching),
        is(needed),
    )
}

/// A value with at most four significant digits, and all digits before the decimal point.
fn short(value: f64) -> String {
    let digits_before = value.abs().max(1.0).log10().floor() + 1.0;
    let scale = 10f64.powf((4.0 - digits_before).max(0.0));
    let rounded = (value * scale).round() / scale;
    if rounded.is_finite() { rounded.to_string() } else { value.to_string() }
}
