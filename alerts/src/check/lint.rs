//! Rules that are well formed but would not do what their author intends.

use super::catalogue;
use super::misread::misread;
use super::pages::unknown_page;
use super::run::outcome;
use super::scenario::Scenario;
use crate::evaluate::LONGEST_RULE;
use crate::math::{Bounds, Frame};
use crate::rules::{Comparison, Condition, MetricCondition, MissingData, Rule, RuleSet, Service, Tier};
use crate::state::AlarmState;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// What kind of mistake it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LintKind {
    /// The metric does not exist.
    UnknownMetric,
    /// The metric exists, but not with these dimensions, or not with these values of them.
    UnknownDimension,
    /// No page in `docs/runbooks/`.
    NoRunbook,
    /// A link leads to no page of the dashboard.
    DeadLink,
    /// The statistic, or a function over time, means nothing for the metric.
    Statistic,
    /// The metric has datapoints less often than the rule's periods.
    Period,
    /// It is to fire when nothing happens, and can't.
    Silence,
    /// CloudWatch would refuse it as too long.
    Length,
    /// No datapoint can ever be on the wrong side of the threshold, or none can be on the right side.
    Threshold,
    /// Its state can't change when the data stops, or while the newest datapoint is late.
    Sticks,
    /// A high rule whose low twin does not fire earlier in every scenario.
    LowTwin,
    /// No scenario, or none in which it fires.
    NoScenario,
}

/// A questionable part of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lint {
    /// What kind of mistake it is.
    pub kind: LintKind,
    /// The rule.
    pub rule: String,
    /// Where the rule is, as `file:line`.
    pub place: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.rule, self.message)
    }
}

/// Checks all rules. `runbooks` lists the pages that exist; without it, pages are not checked.
pub(crate) fn lint(
    rules: &RuleSet,
    scenarios: &[Scenario],
    runbooks: Option<&dyn Fn(&str) -> bool>,
) -> Vec<Lint> {
    let mut lints = Vec::new();
    for rule in rules {
        let mut report = |kind, message: String| {
            lints.push(Lint { kind, rule: rule.name.to_string(), place: rule.place(), message });
        };
        if let Some(exists) = runbooks
            && !exists(&rule.runbook)
        {
            report(LintKind::NoRunbook, format!("there is no docs/runbooks/{}.md", rule.runbook));
        }
        for message in rule.links.iter().filter_map(|link| unknown_page(&link.page)) {
            report(LintKind::DeadLink, message);
        }
        if let Some(condition) = rule.metric() {
            metrics(condition, &mut report);
            misread(condition).into_iter().for_each(|(kind, message)| report(kind, message));
            if let Some(message) = unreachable(condition) {
                report(LintKind::Threshold, message);
            }
            if let Some(message) = sticks(condition).or_else(|| filled_in(condition)) {
                report(LintKind::Sticks, message);
            }
        }
        if let Some(message) = too_long(rule) {
            report(LintKind::Length, message);
        }
        let about: Vec<&Scenario> = scenarios
            .iter()
            .filter(|scenario| scenario.inline.is_none() && scenario.rule == rule.name)
            .collect();
        fires(rule, rules, &about, &mut report);
    }
    lints.extend(subsystems_too_long(rules));
    lints
}

/// The most alarms that a composite may refer to.
const MOST_CHILDREN: usize = 100;
/// What Terraform writes before each name at most: a name of 24 characters and a hyphen.
const LONGEST_PREFIX: usize = 25;

fn too_long(rule: &Rule) -> Option<String> {
    let Condition::Composite(composite) = &rule.condition else { return None };
    let children = composite.rule.names().len();
    if children > MOST_CHILDREN {
        return Some(format!(
            "it refers to {children} alarms, and CloudWatch allows {MOST_CHILDREN}; make composites of composites"
        ));
    }
    let written = composite.rule.to_string();
    let length = written.chars().count() + written.matches("(\"").count() * LONGEST_PREFIX;
    (length > LONGEST_RULE).then(|| {
        format!(
            "with the deployment's name before each alarm's, `alarm_rule` has up to {length} characters, and CloudWatch \
             allows {LONGEST_RULE}"
        )
    })
}

/// Terraform makes one composite of all low rules of a subsystem.
fn subsystems_too_long(rules: &RuleSet) -> Vec<Lint> {
    let mut subsystems: BTreeMap<&str, Vec<&Rule>> = BTreeMap::new();
    let in_composite = |rule: &&Rule| {
        let budget = rule.metric().is_some_and(|condition| condition.service == Service::Budgets);
        rule.tier == Tier::Low && rule.notify && !budget
    };
    for rule in rules.iter().filter(in_composite) {
        subsystems.entry(&rule.subsystem).or_default().push(rule);
    }
    let of_part = |rule: &&Rule| "ALARM(\"\") OR ".len() + LONGEST_PREFIX + rule.name.as_str().len();
    let mut lints = Vec::new();
    for (subsystem, parts) in subsystems {
        let length: usize = parts.iter().map(of_part).sum();
        let Some(last) = parts.last() else { continue };
        if parts.len() > MOST_CHILDREN || length > LONGEST_RULE {
            let message = format!(
                "the composite of the subsystem `{subsystem}` would have {} low alarms and up to {length} characters; \
                 CloudWatch allows {MOST_CHILDREN} and {LONGEST_RULE}; divide the subsystem",
                parts.len()
            );
            let (rule, place) = (last.name.to_string(), last.place());
            lints.push(Lint { kind: LintKind::Length, rule, place, message });
        }
    }
    lints
}

fn metrics(condition: &MetricCondition, report: &mut impl FnMut(LintKind, String)) {
    for query in &condition.queries {
        let metric = &query.stat.metric;
        match catalogue::find(metric) {
            Err(message) if message.starts_with("no metric") => report(LintKind::UnknownMetric, message),
            Err(message) => report(LintKind::UnknownDimension, message),
            Ok(known) => {
                if let Some(message) = catalogue::unknown_value(metric, known) {
                    report(LintKind::UnknownDimension, message);
                }
            }
        }
    }
}

fn unreachable(condition: &MetricCondition) -> Option<String> {
    let metrics: Vec<Bounds> = condition
        .queries
        .iter()
        .map(|query| {
            catalogue::find(&query.stat.metric)
                .map_or((f64::NEG_INFINITY, f64::INFINITY), |known| known.bounds_of(query.stat.statistic))
        })
        .collect();
    let (low, high) = condition.math.bounds(&metrics);
    let breaches = |value: f64| condition.comparison.breaches(value, condition.threshold);
    let (nearest, furthest) = match condition.comparison {
        Comparison::Greater | Comparison::GreaterOrEqual => (high, low),
        Comparison::Less | Comparison::LessOrEqual => (low, high),
    };
    let range = format!("values lie between {low} and {high}");
    let wanted = format!("{} {}", condition.comparison.symbol(), condition.threshold);
    if !breaches(nearest) {
        // No datapoint at all is what such a rule waits for.
        if condition.missing_data == MissingData::Breaching && !condition.is_never_missing() {
            return None;
        }
        // A limit of 0 switches a rule off on purpose, such as "fewer requests than expected" where none are.
        let switched_off = condition.limit.is_some() && condition.threshold == 0.0;
        return (!switched_off).then(|| format!("{range}, so `{wanted}` can never be met"));
    }
    breaches(furthest).then(|| format!("{range}, so `{wanted}` is always met"))
}

fn sticks(condition: &MetricCondition) -> Option<String> {
    if condition.is_never_missing() {
        return None;
    }
    match (condition.missing_data, condition.effective_missing_data()) {
        (written, MissingData::Ignore) if written != MissingData::Ignore => Some(format!(
            "alarms on AWS/DynamoDB metrics ignore missing data, so `{}` does nothing and ALARM stays when the data \
             stops; give every datapoint a value, for example with FILL(m, 0)",
            written.name()
        )),
        (MissingData::Missing, _) => Some(
            "with `missing` the state is INSUFFICIENT_DATA when the data stops, so the alarm is never reported as \
             cleared; choose notBreaching, or breaching if silence is the fault"
                .to_owned(),
        ),
        (MissingData::Ignore, _) => Some(
            "with `ignore` the state stays when the data stops; choose notBreaching, or breaching if silence is the \
             fault"
                .to_owned(),
        ),
        _ => None,
    }
}

/// CloudWatch's FILL also fills in the newest datapoint when that is only late, and a minute later the next
/// one. So an alarm may never change. The user guide warns of this, under `FILL`, and advises M out of N.
fn filled_in(condition: &MetricCondition) -> Option<String> {
    if !condition.is_never_missing() {
        return None;
    }
    let gap = [f64::NAN];
    let columns = vec![&gap[..]; condition.queries.len()];
    let frame = Frame {
        columns: &columns,
        first_start: 0,
        step: condition.period.into(),
        period: condition.period,
        len: 1,
    };
    let filled = *condition.math.evaluate(&frame).first()?;
    let breaches = condition.comparison.breaches(filled, condition.threshold);
    let (needed, of) = (condition.datapoints_to_alarm, condition.evaluation_periods);
    if !breaches && needed == of {
        Some(format!(
            "while the newest datapoint is late it is filled in with {filled}, which does not breach, so {needed} of \
             {of} may never be met; let it be {needed} of {}",
            of + 1
        ))
    } else if breaches && needed == 1 {
        Some(format!(
            "while the newest datapoint is late it is filled in with {filled}, which breaches, so 1 of {of} may always \
             be met; let it be 2 of {}",
            of.max(2)
        ))
    } else {
        None
    }
}

fn fires(rule: &Rule, rules: &RuleSet, about: &[&Scenario], report: &mut impl FnMut(LintKind, String)) {
    let mut fired = false;
    for scenario in about {
        let Some(at) = first_alarm(rule, scenario, rules) else { continue };
        fired = true;
        let Some(twin) = rule.low_twin.as_ref().filter(|_| rule.tier == Tier::High) else { continue };
        let before = scenario
            .history(rules)
            .and_then(|history| scenario.play(twin, rules, &history))
            .is_ok_and(|timeline| {
                timeline.changes.iter().any(|(time, state)| *time < at && *state == AlarmState::Alarm)
            });
        if !before {
            report(
                LintKind::LowTwin,
                format!(
                    "in \"{}\" ({}) its low twin `{twin}` does not fire earlier",
                    scenario.name,
                    scenario.place()
                ),
            );
        }
    }
    if about.is_empty() {
        report(LintKind::NoScenario, "it has no scenario; write one in alerts/tests/scenarios".to_owned());
    } else if !fired && about.iter().all(|scenario| outcome(scenario, rules).is_ok()) {
        report(LintKind::NoScenario, "it fires in none of its scenarios".to_owned());
    }
}

/// When the rule first goes into ALARM in a scenario.
fn first_alarm(rule: &Rule, scenario: &Scenario, rules: &RuleSet) -> Option<i64> {
    let history = scenario.history(rules).ok()?;
    let timeline = scenario.play(&rule.name, rules, &history).ok()?;
    let start = scenario.start.as_second();
    timeline.changes.iter().find(|(at, state)| *at > start && *state == AlarmState::Alarm).map(|(at, _)| *at)
}
