//! Backtests: which notifications the rules would have sent, over recorded history.

mod compare;
mod table;

pub use compare::{Comparison, RuleDifference};

use crate::evaluate::{Timeline, timelines};
use crate::history::{History, SourceError};
use crate::rules::{Rule, RuleName, RuleSet, Tier};
use crate::state::AlarmState;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

/// A firing that comes so soon after the last one ended is flapping, in seconds.
pub const FLAPPING_WITHIN_S: i64 = 30 * 60;

/// A low alarm that ended this long before the high one fired still counts as its warning, in seconds.
const WARNING_HOLDS_S: i64 = 60 * 60;

const WEEK_S: f64 = 7.0 * 86_400.0;

/// The period to evaluate, and the time zone in whose hours of day the pages are counted.
#[derive(Clone, Debug)]
pub struct Range {
    /// Evaluation begins after this.
    pub from: Timestamp,
    /// The last evaluation is at or before this.
    pub until: Timestamp,
    /// Zone for hours of the day.
    pub zone: TimeZone,
}

/// One period in ALARM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Firing {
    /// When it went into ALARM.
    pub from: Timestamp,
    /// When it left; `None` if it was still there at the end.
    pub until: Option<Timestamp>,
}

/// What one rule would have done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleOutcome {
    /// The rule.
    pub rule: RuleName,
    /// Its tier.
    pub tier: Tier,
    /// Whether the rule would have sent notifications.
    pub notify: bool,
    /// Each time it fired.
    pub firings: Vec<Firing>,
    /// Seconds in ALARM altogether.
    pub in_alarm_s: i64,
    /// Firings that came within [`FLAPPING_WITHIN_S`] of the end of the one before.
    pub flaps: usize,
    /// The low rule that should fire earlier.
    pub low_twin: Option<RuleName>,
    /// For each firing of a rule with a twin: the seconds by which the twin was earlier. `None` if it was not
    /// earlier.
    pub leads_s: Vec<Option<i64>>,
}

/// What a set of rules would have done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Backtest {
    /// Start of the history.
    pub from: Timestamp,
    /// End of it.
    pub until: Timestamp,
    /// Each rule, in the order of the set.
    pub rules: Vec<RuleOutcome>,
    /// Pages (firings of high rules that notify) by local hour of the day.
    pub pages_by_hour: [u32; 24],
}

/// Evaluates all `rules` over `history`.
pub fn run(rules: &RuleSet, history: &dyn History, range: &Range) -> Result<Backtest, SourceError> {
    let (from, until) = (range.from.as_second(), range.until.as_second());
    let timelines = timelines(rules, history, from, until, None)?;
    let firings: Vec<Vec<Firing>> = timelines.iter().map(|timeline| firings(timeline, range)).collect();
    let mut outcomes = Vec::new();
    let mut pages_by_hour = [0; 24];
    for (index, rule) in rules.iter().enumerate() {
        let own = &firings[index];
        if rule.tier == Tier::High && rule.notify {
            for firing in own {
                let hour = firing.from.to_zoned(range.zone.clone()).hour();
                pages_by_hour[usize::from(hour.unsigned_abs()) % 24] += 1;
            }
        }
        let twin = rule.low_twin.as_ref().and_then(|twin| rules.index(twin)).map(|twin| &firings[twin]);
        outcomes.push(outcome(rule, own, twin.map(Vec::as_slice), until));
    }
    Ok(Backtest { from: range.from, until: range.until, rules: outcomes, pages_by_hour })
}

fn outcome(rule: &Rule, firings: &[Firing], twin: Option<&[Firing]>, until: i64) -> RuleOutcome {
    let end = |firing: &Firing| firing.until.map_or(until, Timestamp::as_second);
    let flaps = firings
        .windows(2)
        .filter(|pair| pair[1].from.as_second() - end(&pair[0]) <= FLAPPING_WITHIN_S)
        .count();
    let leads = twin.map_or_else(Vec::new, |twin| firings.iter().map(|firing| lead(firing, twin)).collect());
    RuleOutcome {
        rule: rule.name.clone(),
        tier: rule.tier,
        notify: rule.notify,
        in_alarm_s: firings.iter().map(|firing| end(firing) - firing.from.as_second()).sum(),
        flaps,
        low_twin: rule.low_twin.clone(),
        leads_s: leads,
        firings: firings.to_vec(),
    }
}

/// The lead of the twin's last firing before `firing`, if the twin was in alarm then or shortly before.
fn lead(firing: &Firing, twin: &[Firing]) -> Option<i64> {
    let at = firing.from.as_second();
    let warning = twin.iter().rev().find(|low| low.from.as_second() < at)?;
    let holds = warning.until.is_none_or(|until| at - until.as_second() <= WARNING_HOLDS_S);
    holds.then(|| at - warning.from.as_second())
}

fn firings(timeline: &Timeline, range: &Range) -> Vec<Firing> {
    let moment = |at: i64| Timestamp::from_second(at).unwrap_or(range.until);
    let mut firings: Vec<Firing> = Vec::new();
    let mut open = false;
    for (at, state) in &timeline.changes {
        match (open, *state == AlarmState::Alarm) {
            (false, true) => firings.push(Firing { from: moment(*at), until: None }),
            (true, false) => {
                if let Some(last) = firings.last_mut() {
                    last.until = Some(moment(*at));
                }
            }
            _ => {}
        }
        open = *state == AlarmState::Alarm;
    }
    firings
}

impl Backtest {
    /// The outcome of one rule.
    pub fn rule(&self, name: &str) -> Option<&RuleOutcome> {
        self.rules.iter().find(|outcome| outcome.rule.as_str() == name)
    }

    /// How often the on-call engineer would have been paged.
    pub fn pages(&self) -> u32 {
        self.pages_by_hour.iter().sum()
    }

    /// Pages a week on average, for a budget of them. A history of less than a week counts as one.
    pub fn pages_per_week(&self) -> f64 {
        f64::from(self.pages()) / self.weeks().max(1.0)
    }

    fn weeks(&self) -> f64 {
        (self.until.as_second() - self.from.as_second()) as f64 / WEEK_S
    }

    /// Whether the history is shorter than the week that it counts as.
    pub fn is_short(&self) -> bool {
        self.weeks() < 1.0
    }

    /// How often a low alarm would have been notified in business hours.
    pub fn low_firings(&self) -> usize {
        self.rules
            .iter()
            .filter(|outcome| outcome.tier == Tier::Low && outcome.notify)
            .map(|outcome| outcome.firings.len())
            .sum()
    }

    /// High firings that no low alarm preceded, as rule and time.
    pub fn without_warning(&self) -> Vec<(&RuleName, Timestamp)> {
        self.rules
            .iter()
            .flat_map(|outcome| {
                let pairs = outcome.firings.iter().zip(&outcome.leads_s);
                pairs.filter(|(_, lead)| lead.is_none()).map(|(firing, _)| (&outcome.rule, firing.from))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
