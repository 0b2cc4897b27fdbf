//! Alarms over long periods, whole columns at once.

use super::AlarmRule;
use super::evaluator::{classify, floor, judge_of, look, sample_gate, total};
use super::judge::{Verdict, Window};
use crate::history::{History, Slots, SourceError};
use crate::math::Frame;
use crate::rules::{Condition, MetricCondition, RuleName, RuleSet};
use crate::state::AlarmState;
use std::borrow::Cow;

/// The number of slots that an expression is evaluated for at a time. It keeps intermediate results in the
/// cache.
const BLOCK: usize = 4_096;

const MINUTE: u32 = 60;

/// The states of one alarm over a period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// When it went to which state, seconds since 1970, in order. Before the first it is `INSUFFICIENT_DATA`.
    pub changes: Vec<(i64, AlarmState)>,
}

impl Timeline {
    /// State at `at`.
    pub fn state_at(&self, at: i64) -> AlarmState {
        let after = self.changes.partition_point(|(time, _)| *time <= at);
        if after == 0 { AlarmState::default() } else { self.changes[after - 1].1 }
    }

    fn become_at(&mut self, at: i64, state: AlarmState) {
        let now = self.changes.last().map_or(AlarmState::default(), |(_, state)| *state);
        if now != state {
            self.changes.push((at, state));
        }
    }
}

/// Evaluates one condition at each of its moments after `from` up to and including `until` (seconds since
/// 1970). It does so every `every` seconds or, if that is `None`, as often as CloudWatch does.
pub fn timeline(
    condition: &MetricCondition,
    history: &dyn History,
    from: i64,
    until: i64,
    initial: AlarmState,
    every: Option<u32>,
) -> Result<Timeline, SourceError> {
    let step = every.unwrap_or_else(|| condition.evaluated_every());
    let first = floor(from, step) + i64::from(step);
    let mut timeline = Timeline::default();
    timeline.become_at(from, initial);
    // An alarm that is evaluated once an hour has the result of the last whole hour from the first minute on.
    let minute = floor(from, MINUTE) + i64::from(MINUTE);
    if every.is_none()
        && minute < first
        && minute <= until
        && let Verdict::Become(state) = look(condition, floor(minute, step), history)?.verdict
    {
        timeline.become_at(minute, state);
    }
    if first > until {
        return Ok(timeline);
    }
    let ticks = ((until - first) / i64::from(step)) as usize + 1;
    if condition.math.is_pointwise() && condition.period.is_multiple_of(step) {
        columns(condition, history, first, step, ticks, &mut timeline)?;
    } else {
        // The result depends on which datapoints are retrieved together, so each moment is evaluated separately.
        for tick in 0..ticks {
            let at = first + tick as i64 * i64::from(step);
            if let Verdict::Become(state) = look(condition, at, history)?.verdict {
                timeline.become_at(at, state);
            }
        }
    }
    Ok(timeline)
}

/// With a period of k evaluations, every k-th slot belongs to the same window: k windows take turns.
fn columns(
    condition: &MetricCondition,
    history: &dyn History,
    first: i64,
    step: u32,
    ticks: usize,
    timeline: &mut Timeline,
) -> Result<(), SourceError> {
    let turns = (condition.period / step) as usize;
    let warm_up = (condition.evaluation_range() - 1) * turns;
    let first_end = first - warm_up as i64 * i64::from(step);
    let slots = Slots { first_end, step, period: condition.period, len: warm_up + ticks };
    let series: Vec<Cow<'_, [f64]>> =
        condition.queries.iter().map(|query| history.column(&query.stat, slots)).collect::<Result<_, _>>()?;
    let gate = match sample_gate(condition) {
        Some((counts, fewest)) => Some((history.column(&counts, slots)?, fewest)),
        None => None,
    };
    let few_samples = |slot: usize| {
        gate.as_ref().is_some_and(|(counts, fewest)| {
            let newest = (0..condition.evaluation_periods).map(|age| &counts[slot - age * turns]);
            total(newest) < *fewest
        })
    };
    let mut windows: Vec<Window> = (0..turns).map(|_| Window::new(judge_of(condition))).collect();
    let mut turn = 0;
    let mut state = timeline.state_at(first);
    for start in (0..slots.len).step_by(BLOCK) {
        let end = (start + BLOCK).min(slots.len);
        let block: Vec<&[f64]> = series.iter().map(|series| &series[start..end]).collect();
        let frame = Frame {
            columns: &block,
            first_start: slots.end(start) - i64::from(slots.period),
            step: i64::from(step),
            period: slots.period,
            len: end - start,
        };
        for (offset, value) in condition.math.evaluate(&frame).into_iter().enumerate() {
            let window = &mut windows[turn];
            turn = if turn + 1 == turns { 0 } else { turn + 1 };
            window.push(classify(condition, value));
            let slot = start + offset;
            if slot < warm_up || few_samples(slot) {
                continue;
            }
            match window.verdict() {
                Verdict::Become(next) if next != state => {
                    state = next;
                    timeline.changes.push((slots.end(slot), next));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Evaluates every rule of a set, composites after their parts. Same order as the set.
pub fn timelines(
    rules: &RuleSet,
    history: &dyn History,
    from: i64,
    until: i64,
    every: Option<u32>,
) -> Result<Vec<Timeline>, SourceError> {
    let mut all = vec![Timeline::default(); rules.len()];
    let list: Vec<_> = rules.iter().collect();
    for index in rules.in_order() {
        all[index] = match &list[index].condition {
            Condition::Metric(condition) => {
                timeline(condition, history, from, until, AlarmState::default(), every)?
            }
            Condition::Composite(composite) => {
                let part = |name: &str| rules.index(&RuleName::new(name)).map(|part| &all[part]);
                combine(&composite.rule, &part, first_evaluation(from, every))
            }
        };
    }
    Ok(all)
}

/// Evaluates one rule, and the parts of it if it is a composite. `initial` is the state before of a rule on datapoints.
pub(crate) fn timeline_of(
    rules: &RuleSet,
    name: &RuleName,
    history: &dyn History,
    (from, until): (i64, i64),
    initial: AlarmState,
    every: Option<u32>,
) -> Result<Timeline, SourceError> {
    match rules.get(name.as_str()).map(|rule| &rule.condition) {
        None => Ok(Timeline::default()),
        Some(Condition::Metric(condition)) => timeline(condition, history, from, until, initial, every),
        Some(Condition::Composite(composite)) => {
            let mut parts = Vec::new();
            for part in composite.rule.names() {
                let states = AlarmState::default();
                let timeline =
                    timeline_of(rules, &RuleName::new(part), history, (from, until), states, every)?;
                parts.push((part, timeline));
            }
            let part = |name: &str| parts.iter().find(|(known, _)| *known == name).map(|(_, part)| part);
            Ok(combine(&composite.rule, &part, first_evaluation(from, every)))
        }
    }
}

/// When a composite is first evaluated after `from`.
pub(crate) fn first_evaluation(from: i64, every: Option<u32>) -> i64 {
    let step = every.unwrap_or(60);
    floor(from, step) + i64::from(step)
}

/// A composite is evaluated at `first`, and changes only when one of its parts does.
pub(crate) fn combine<'a>(
    rule: &AlarmRule,
    part: &dyn Fn(&str) -> Option<&'a Timeline>,
    first: i64,
) -> Timeline {
    let changes =
        rule.names().into_iter().filter_map(part).flat_map(|part| part.changes.iter().map(|(at, _)| *at));
    let mut moments: Vec<i64> = changes.collect();
    moments.retain(|at| *at > first);
    moments.push(first);
    moments.sort_unstable();
    moments.dedup();
    let mut timeline = Timeline::default();
    for at in moments {
        let state = |name: &str| part(name).map_or(AlarmState::default(), |part| part.state_at(at));
        timeline.become_at(at, if rule.holds(&state) { AlarmState::Alarm } else { AlarmState::Ok });
    }
    timeline
}
