//! Two backtests over the same history: the effect of a change of the rules.

use super::{Backtest, RuleOutcome};
use crate::rules::RuleName;
use serde::Serialize;
use std::fmt;

/// One rule before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleDifference {
    /// The rule.
    pub rule: RuleName,
    /// Firings before; `None` if there was no such rule.
    pub firings_before: Option<usize>,
    /// Firings after; `None` if there is no such rule any more.
    pub firings_after: Option<usize>,
    /// Minutes in ALARM before.
    pub minutes_before: i64,
    /// Minutes in ALARM after.
    pub minutes_after: i64,
}

/// What a change of the rules changes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Rules that would have behaved differently.
    pub rules: Vec<RuleDifference>,
    /// Pages a week before.
    pub pages_per_week_before: f64,
    /// Pages a week after.
    pub pages_per_week_after: f64,
}

impl Comparison {
    /// Compares two backtests of the same period of history.
    pub fn of(before: &Backtest, after: &Backtest) -> Self {
        let names = before.rules.iter().map(|outcome| &outcome.rule);
        let added = after.rules.iter().map(|outcome| &outcome.rule);
        let added = added.filter(|name| before.rule(name.as_str()).is_none());
        let rules = names
            .chain(added)
            .filter_map(|name| difference(name, before.rule(name.as_str()), after.rule(name.as_str())))
            .collect();
        Self {
            rules,
            pages_per_week_before: before.pages_per_week(),
            pages_per_week_after: after.pages_per_week(),
        }
    }
}

fn difference(
    name: &RuleName,
    before: Option<&RuleOutcome>,
    after: Option<&RuleOutcome>,
) -> Option<RuleDifference> {
    let same = match (before, after) {
        (Some(before), Some(after)) => before.firings == after.firings,
        _ => false,
    };
    let minutes = |outcome: Option<&RuleOutcome>| outcome.map_or(0, |outcome| outcome.in_alarm_s / 60);
    (!same).then(|| RuleDifference {
        rule: name.clone(),
        firings_before: before.map(|outcome| outcome.firings.len()),
        firings_after: after.map(|outcome| outcome.firings.len()),
        minutes_before: minutes(before),
        minutes_after: minutes(after),
    })
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let firings = |count: Option<usize>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
        writeln!(
            f,
            "{:<32} {:>8} {:>8} {:>12} {:>12}",
            "rule", "before", "after", "min before", "min after"
        )?;
        for rule in &self.rules {
            writeln!(
                f,
                "{:<32} {:>8} {:>8} {:>12} {:>12}",
                rule.rule.as_str(),
                firings(rule.firings_before),
                firings(rule.firings_after),
                rule.minutes_before,
                rule.minutes_after,
            )?;
        }
        if self.rules.is_empty() {
            writeln!(f, "no rule would have behaved differently")?;
        }
        writeln!(
            f,
            "pages a week: {:.1} before, {:.1} after",
            self.pages_per_week_before, self.pages_per_week_after
        )
    }
}
