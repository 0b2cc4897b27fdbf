//! All alarms together, kept up to date while the system runs.

use super::alarm_rule::AlarmRule;
use super::evaluator::{Evaluator, floor, look, reason};
use super::stream::{Timeline, combine, first_evaluation, timeline};
use crate::history::{History, SourceError};
use crate::rules::{Condition, RuleName, RuleSet};
use crate::state::{AlarmState, StateChange};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The state of one alarm, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Which rule.
    pub rule: RuleName,
    /// Its state.
    pub state: AlarmState,
    /// When this state began; `None` until the first change.
    pub since: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

/// The results of evaluating all alarms once.
#[derive(Debug, Default)]
pub struct Tick {
    /// Alarms whose state changed, parts before their composites.
    pub changes: Vec<StateChange>,
    /// Rules whose datapoints could not be read, and why. Their states stay as they were.
    pub failures: Vec<(RuleName, SourceError)>,
}

/// Evaluates all rules of a set, moment by moment.
#[derive(Debug)]
pub struct Engine {
    rules: RuleSet,
    order: Vec<usize>,
    evaluators: Vec<Option<Evaluator>>,
    statuses: Vec<Status>,
}

impl Engine {
    /// All alarms in `INSUFFICIENT_DATA`.
    pub fn new(rules: RuleSet) -> Self {
        Self::restored(rules, &[])
    }

    /// Alarms that continue from the states they had. Otherwise every alarm would notify again after a
    /// restart.
    pub fn restored(rules: RuleSet, known: &[Status]) -> Self {
        let known: HashMap<&RuleName, &Status> = known.iter().map(|status| (&status.rule, status)).collect();
        let statuses: Vec<Status> = rules
            .iter()
            .map(|rule| match known.get(&rule.name) {
                Some(status) => (*status).clone(),
                None => Status {
                    rule: rule.name.clone(),
                    state: AlarmState::default(),
                    since: None,
                    reason: "not evaluated yet".to_owned(),
                },
            })
            .collect();
        let evaluators = rules
            .iter()
            .zip(&statuses)
            .map(|(rule, status)| Evaluator::starting_as(rule, status.state))
            .collect();
        Self { order: rules.in_order(), rules, evaluators, statuses }
    }

    /// The rules that are evaluated.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// The state of every alarm, in the order of the rules.
    pub fn statuses(&self) -> &[Status] {
        &self.statuses
    }

    /// The state of one alarm.
    pub fn status(&self, rule: &str) -> Option<&Status> {
        self.rules.index(&RuleName::new(rule)).map(|index| &self.statuses[index])
    }

    /// Evaluates every alarm with the datapoints up to `now`. To be called once a minute.
    pub fn tick(&mut self, now: Timestamp, history: &dyn History) -> Tick {
        let mut tick = Tick::default();
        for place in 0..self.order.len() {
            let index = self.order[place];
            let change = match &mut self.evaluators[index] {
                Some(evaluator) => match evaluator.observe(now, history) {
                    Ok(change) => change,
                    Err(error) => {
                        tick.failures.push((self.statuses[index].rule.clone(), error));
                        None
                    }
                },
                None => self.composite(index, now),
            };
            if let Some(change) = change {
                self.accept(&change);
                tick.changes.push(change);
            }
        }
        tick
    }

    /// Evaluates every alarm at each minute after `from` up to and including `until`, at once. This is for
    /// time that passed without evaluation, and for simulated time. Changes come in the order of time.
    pub fn catch_up(&mut self, from: Timestamp, until: Timestamp, history: &dyn History) -> Tick {
        let mut tick = Tick::default();
        let mut timelines = vec![Timeline::default(); self.rules.len()];
        for place in 0..self.order.len() {
            let index = self.order[place];
            let Some(rule) = self.rules.iter().nth(index) else { continue };
            let before = self.statuses[index].state;
            timelines[index] = match &rule.condition {
                Condition::Metric(condition) => {
                    match timeline(condition, history, from.as_second(), until.as_second(), before, None) {
                        Ok(timeline) => timeline,
                        Err(error) => {
                            tick.failures.push((rule.name.clone(), error));
                            Timeline { changes: vec![(from.as_second(), before)] }
                        }
                    }
                }
                Condition::Composite(composite) => {
                    let part =
                        |name: &str| self.rules.index(&RuleName::new(name)).map(|part| &timelines[part]);
                    combine(&composite.rule, &part, first_evaluation(from.as_second(), None))
                }
            };
            let mut state = before;
            for (at, to) in &timelines[index].changes {
                if *to == state {
                    continue;
                }
                let at_moment = Timestamp::from_second(*at).unwrap_or(until);
                let reason = match &rule.condition {
                    Condition::Metric(condition) => {
                        look(condition, floor(*at, condition.evaluated_every()), history).map_or_else(
                            |_| condition.describe(),
                            |outlook| reason(condition, &outlook.values, *to),
                        )
                    }
                    Condition::Composite(composite) => {
                        let state_of = |name: &str| {
                            let part = self.rules.index(&RuleName::new(name));
                            part.map_or(AlarmState::default(), |part| timelines[part].state_at(*at))
                        };
                        parts_in_words(&composite.rule, &state_of)
                    }
                };
                let rule = rule.name.clone();
                tick.changes.push(StateChange { rule, at: at_moment, from: state, to: *to, reason });
                state = *to;
            }
        }
        tick.changes.sort_by_key(|change| change.at);
        for change in &tick.changes {
            self.accept(change);
        }
        tick
    }

    fn accept(&mut self, change: &StateChange) {
        let Some(index) = self.rules.index(&change.rule) else { return };
        let status = &mut self.statuses[index];
        status.state = change.to;
        status.since = Some(change.at);
        status.reason.clone_from(&change.reason);
        if let Some(evaluator) = &mut self.evaluators[index] {
            evaluator.set(change.to);
        }
    }

    fn composite(&self, index: usize, now: Timestamp) -> Option<StateChange> {
        let rule = self.rules.iter().nth(index)?;
        let Condition::Composite(composite) = &rule.condition else { return None };
        let state_of = |name: &str| self.status(name).map_or(AlarmState::default(), |status| status.state);
        let to = if composite.rule.holds(&state_of) { AlarmState::Alarm } else { AlarmState::Ok };
        let from = self.statuses[index].state;
        if from == to {
            return None;
        }
        let reason = parts_in_words(&composite.rule, &state_of);
        Some(StateChange { rule: rule.name.clone(), at: now, from, to, reason })
    }
}

fn parts_in_words(rule: &AlarmRule, state_of: &dyn Fn(&str) -> AlarmState) -> String {
    let parts: Vec<String> =
        rule.names().into_iter().map(|name| format!("{name} is {}", state_of(name))).collect();
    parts.join(", ")
}
