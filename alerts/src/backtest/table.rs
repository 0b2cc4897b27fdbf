//! A backtest as text.

use super::Backtest;
use crate::rules::Tier;
use std::fmt;

impl fmt::Display for Backtest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = (self.until.as_second() - self.from.as_second()) as f64 / 86_400.0;
        writeln!(f, "{} to {} ({days:.1} days)", self.from, self.until)?;
        writeln!(f)?;
        writeln!(
            f,
            "{:<32} {:<5} {:>7} {:>12} {:>8} {:>14}",
            "rule", "tier", "firings", "min in alarm", "flapping", "twin's lead"
        )?;
        let mut silent = 0;
        for outcome in self.rules.iter().filter(|outcome| outcome.notify) {
            if outcome.firings.is_empty() {
                silent += 1;
                continue;
            }
            writeln!(
                f,
                "{:<32} {:<5} {:>7} {:>12} {:>8} {:>14}",
                outcome.rule.as_str(),
                outcome.tier.to_string(),
                outcome.firings.len(),
                outcome.in_alarm_s / 60,
                outcome.flaps,
                leads(&outcome.leads_s),
            )?;
        }
        writeln!(f, "{silent} rules did not fire")?;
        writeln!(f)?;
        writeln!(f, "pages by hour of the day")?;
        for (hour, pages) in self.pages_by_hour.iter().enumerate().filter(|(_, pages)| **pages > 0) {
            writeln!(f, "  {hour:02}:00 {pages:>4}")?;
        }
        let high = self.rules.iter().filter(|outcome| outcome.tier == Tier::High && outcome.notify).count();
        writeln!(
            f,
            "{} pages from {high} high rules, {:.1} a week{}; {} low firings; {} pages without an earlier low alarm",
            self.pages(),
            self.pages_per_week(),
            if self.is_short() { " (a history of less than a week counts as one)" } else { "" },
            self.low_firings(),
            self.without_warning().len(),
        )
    }
}

/// The shortest lead; `none` if a firing had none.
fn leads(leads: &[Option<i64>]) -> String {
    match leads.iter().min() {
        None => "-".to_owned(),
        Some(None) => "none".to_owned(),
        Some(Some(shortest)) => format!("{} min", shortest / 60),
    }
}
