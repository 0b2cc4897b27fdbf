//! Mutations of rules: a scenario that does not notice a changed rule proves nothing about it.

use super::run::outcome;
use super::scenario::Scenario;
use crate::rules::{CompositeCondition, Condition, MetricCondition, MissingData, Rule, RuleSet};
use std::fmt;

/// What was changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mutation {
    /// The threshold, to this.
    Threshold(f64),
    /// M, to this.
    DatapointsToAlarm(usize),
    /// N, to this.
    EvaluationPeriods(usize),
    /// The treatment of missing data, to this.
    MissingData(MissingData),
    /// In a composite, one AND to OR or the reverse; which one, counted from 1, the outermost first.
    Operator(usize),
}

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Threshold(value) => write!(f, "threshold {value}"),
            Self::DatapointsToAlarm(value) => write!(f, "datapoints_to_alarm {value}"),
            Self::EvaluationPeriods(value) => write!(f, "evaluation_periods {value}"),
            Self::MissingData(value) => write!(f, "missing_data {}", value.name()),
            Self::Operator(number) => write!(f, "operator {number} of alarm_rule the other one"),
        }
    }
}

/// A rule with one thing changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Mutant {
    /// What was changed.
    pub mutation: Mutation,
    /// The changed rule.
    pub rule: Rule,
}

/// All mutants of a rule. The threshold is a tenth higher or lower, or M or N is one more or one less, or missing
/// data is treated in another way.
///
/// Mutants that CloudWatch could not distinguish from the original are left out. These are M above N, and the
/// treatment of missing data where nothing is ever missing or where it is ignored anyway.
///
/// In a composite, each AND is changed to OR and each OR to AND. Its parts have mutants of their own.
pub fn mutants(rule: &Rule) -> Vec<Mutant> {
    match &rule.condition {
        Condition::Metric(condition) => mutants_of_metric(rule, condition),
        Condition::Composite(composite) => mutants_of_composite(rule, composite),
    }
}

fn mutants_of_composite(rule: &Rule, original: &CompositeCondition) -> Vec<Mutant> {
    let changed = original.rule.with_other_operators().into_iter().zip(1..);
    let mutant = |(changed, number)| {
        let condition = CompositeCondition { rule: changed, ..original.clone() };
        let rule = Rule { condition: Condition::Composite(condition), ..rule.clone() };
        Mutant { mutation: Mutation::Operator(number), rule }
    };
    changed.map(mutant).collect()
}

fn mutants_of_metric(rule: &Rule, original: &MetricCondition) -> Vec<Mutant> {
    let tenth = if original.threshold == 0.0 { 1.0 } else { original.threshold.abs() / 10.0 };
    let (needed, looked_at) = (original.datapoints_to_alarm, original.evaluation_periods);
    let mut mutations = vec![
        Mutation::Threshold(original.threshold + tenth),
        Mutation::Threshold(original.threshold - tenth),
    ];
    mutations.extend([needed - 1, needed + 1].map(Mutation::DatapointsToAlarm));
    mutations.extend([looked_at - 1, looked_at + 1].map(Mutation::EvaluationPeriods));
    mutations.extend(MissingData::ALL.iter().copied().map(Mutation::MissingData));
    mutations
        .into_iter()
        .filter_map(|mutation| {
            let mut changed = original.clone();
            apply(mutation, &mut changed);
            if !differs(original, &changed) {
                return None;
            }
            let rule = Rule { condition: Condition::Metric(Box::new(changed)), ..rule.clone() };
            Some(Mutant { mutation, rule })
        })
        .collect()
}

fn apply(mutation: Mutation, condition: &mut MetricCondition) {
    match mutation {
        Mutation::Threshold(value) => condition.threshold = value,
        Mutation::DatapointsToAlarm(value) => condition.datapoints_to_alarm = value,
        Mutation::EvaluationPeriods(value) => condition.evaluation_periods = value,
        Mutation::MissingData(value) => condition.missing_data = value,
        // A condition on datapoints has no operators of an alarm rule.
        Mutation::Operator(_) => {}
    }
}

fn differs(original: &MetricCondition, changed: &MetricCondition) -> bool {
    let valid = changed.datapoints_to_alarm >= 1 && changed.datapoints_to_alarm <= changed.evaluation_periods;
    let missing_matters =
        original.effective_missing_data() != changed.effective_missing_data() && !original.is_never_missing();
    let otherwise = original.threshold != changed.threshold
        || original.datapoints_to_alarm != changed.datapoints_to_alarm
        || original.evaluation_periods != changed.evaluation_periods;
    valid && (otherwise || missing_matters)
}

/// The mutants of a rule that none of `scenarios` notices: those of the rule itself, or of a composite it is part of.
pub fn survivors(rule: &Rule, rules: &RuleSet, scenarios: &[Scenario]) -> Vec<Mutant> {
    let about: Vec<&Scenario> = scenarios.iter().filter(|scenario| concerns(scenario, rule, rules)).collect();
    mutants(rule)
        .into_iter()
        .filter(|mutant| {
            let mutated = rules.with(mutant.rule.clone());
            // An error counts as noticed: the scenario cannot pass.
            about.iter().all(|scenario| outcome(scenario, &mutated).is_ok_and(|outcome| outcome.passed()))
        })
        .collect()
}

fn concerns(scenario: &Scenario, rule: &Rule, rules: &RuleSet) -> bool {
    if scenario.inline.is_some() {
        return false;
    }
    if scenario.rule == rule.name {
        return true;
    }
    match rules.get(scenario.rule.as_str()).map(|rule| &rule.condition) {
        Some(Condition::Composite(composite)) => composite.rule.names().contains(&rule.name.as_str()),
        _ => false,
    }
}
