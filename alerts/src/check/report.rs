//! What a check found, readable by a person and as data.

use super::lint::Lint;
use crate::rules::Problem;
use crate::state::AlarmState;
use serde::Serialize;
use std::fmt;

/// Datapoints at which the state was not the expected one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// First such datapoint, counted from 0.
    pub first: usize,
    /// Last such datapoint of the period.
    pub last: usize,
    /// What the scenario expects.
    pub expected: AlarmState,
    /// What the rule does.
    pub found: AlarmState,
}

/// The outcome of one scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// What the scenario is called.
    pub scenario: String,
    /// Where it is, as `file:line`.
    pub place: String,
    /// The rule that it is about.
    pub rule: String,
    /// The rule's condition in words.
    pub condition: String,
    /// Where states differ; empty if it passed.
    pub differences: Vec<Difference>,
    /// The states as they were, such as `0: OK, 10: ALARM`.
    pub found: String,
}

impl Outcome {
    /// Whether every state was as expected.
    pub fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Files that could not be understood.
    pub problems: Vec<Problem>,
    /// Each scenario that was run.
    pub outcomes: Vec<Outcome>,
    /// What is questionable about rules that are well formed.
    pub lints: Vec<Lint>,
    /// The number of rules checked.
    pub rules: usize,
}

impl Report {
    /// Whether the check found no problem.
    pub fn passed(&self) -> bool {
        self.problems.is_empty() && self.lints.is_empty() && self.outcomes.iter().all(Outcome::passed)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        for outcome in self.outcomes.iter().filter(|outcome| !outcome.passed()) {
            writeln!(f, "{}: {}: {}", outcome.place, outcome.rule, outcome.scenario)?;
            writeln!(f, "    {}", outcome.condition)?;
            for difference in &outcome.differences {
                let Difference { first, last, expected, found } = difference;
                let where_ =
                    if first == last { format!("at {first}") } else { format!("at {first} to {last}") };
                writeln!(f, "  - {where_}: expected {expected}")?;
                writeln!(f, "  + {where_}: found    {found}")?;
            }
            writeln!(f, "    the states were {}", outcome.found)?;
        }
        for lint in &self.lints {
            writeln!(f, "{lint}")?;
        }
        let failed = self.outcomes.iter().filter(|outcome| !outcome.passed()).count();
        writeln!(
            f,
            "{} rules, {} scenarios: {} passed, {failed} failed; {} malformed, {} lints",
            self.rules,
            self.outcomes.len(),
            self.outcomes.len() - failed,
            self.problems.len(),
            self.lints.len(),
        )
    }
}
