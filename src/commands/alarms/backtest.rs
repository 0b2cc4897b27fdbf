//! `spillway alarms backtest`: which notifications the rules would have sent over recorded history.

#[cfg(feature = "aws")]
mod aws;

use super::source::{self, Source};
use crate::answer::{CommandError, ExitStatus};
use crate::console::{Console, GREEN, RED, paint};
use crate::target::{Place, Target};
use crate::values;
use clap::Args;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde_json::json;
use spillway_alerts::backtest::{Backtest, Comparison, Range, run as backtest};
use spillway_alerts::{History, Limits, RuleSet};
use spillway_core::one_line;
use spillway_embedded::alarms::{TelemetryHistory, minute};
use spillway_metrics::retention;
use std::path::PathBuf;
use std::sync::Arc;

const LONG_HELP: &str = "\
Minutes are recorded for 15 days, five minutes for 63 and hours for 455. Over a longer time, rules are \
evaluated on these coarser datapoints, spread evenly over their minutes. So for short problems a rule fires \
later or not at all.

Pages a week are a mean; a history of less than a week counts as one.

The exit code is 1 if there are more pages a week than --pages-per-week allows; with --compare, those of the other rules \
are judged.

With --json: {\"backtest\": {\"from\", \"until\", \"rules\": [{\"rule\", \"tier\", \"notify\", \"firings\", \"in_alarm_s\", \
\"flaps\", \"low_twin\", \"leads_s\"}], \"pages_by_hour\"}, \"pages\", \"pages_per_week\", \"low_firings\", \"unwarned\", \
\"other\": null | the same, \"comparison\": null | {\"rules\", \"pages_per_week_before\", \"pages_per_week_after\"}, \
\"allowed_pages_per_week\", \"within_budget\"}.";

/// Options of `alarms backtest`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// How many days to go back; fewer if fewer were recorded
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = values::within::<u32>(1..=retention::LONGEST_DAYS.unsigned_abs()))]
    days: u32,
    /// Rule files or folders, instead of those that the pipeline evaluates
    #[arg(long, value_name = "FILE", num_args = 1..)]
    rules: Vec<PathBuf>,
    /// A changed version of the rules: a folder or a file. Both versions run over the same history
    #[arg(long, value_name = "DIR")]
    compare: Option<PathBuf>,
    /// The maximum number of pages per week that on-call engineers accept
    #[arg(long, value_name = "N", value_parser = pages)]
    pages_per_week: Option<f64>,
    /// Time zone for pages by the hour of day, such as Europe/Berlin [default: that of the pipeline's business hours]
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    zone: Option<TimeZone>,
}

fn pages(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| format!("\"{text}\" is not a number of pages; write it like 2 or 0.5"))
}

fn zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text).map_err(|_| format!("\"{text}\" is not a time zone; write it like Europe/Berlin"))
}

/// Runs the command.
pub async fn run(options: &Options, target: &Target, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let tried = match target.place()? {
        Place::Embedded(_) => on_this_machine(options, target).await?,
        #[cfg(feature = "aws")]
        Place::Topology(file) => aws::run(options, file).await?,
        #[cfg(not(feature = "aws"))]
        Place::Topology(_) => return Err(crate::backend::built_without_aws().into()),
    };
    if console.json() {
        console.document(&tried.document())?;
    } else {
        tried.print(console)?;
    }
    Ok(if tried.within_budget() { ExitStatus::Ok } else { ExitStatus::No })
}

async fn on_this_machine(options: &Options, target: &Target) -> anyhow::Result<Tried> {
    let Some(source) = Source::of(target).await? else {
        let what = "no data folder was named: add --embedded DIR";
        return Err(CommandError::Usage(what.to_owned()).into());
    };
    let limits = source.limits()?;
    let rules = match options.rules.is_empty() {
        true => Arc::clone(&source.active.rules),
        false => Arc::new(source::rules(&options.rules, &limits)?),
    };
    let other = options.other(&limits)?;
    let now = source.clock().now();
    let Some(first) = source.reader.first_recorded()? else {
        let folder = target.folder()?.display();
        let what =
            format!("{folder} has no recorded metrics yet: let a pipeline run on it for a minute first");
        return Err(CommandError::Unreachable(what).into());
    };
    let from = first.max(now - SignedDuration::from_hours(24 * i64::from(options.days)));
    let range = Range {
        from: minute(from),
        until: minute(now),
        zone: options.zone.clone().unwrap_or_else(|| source.active.hours.zone().clone()),
    };
    let history = TelemetryHistory::new(&source.reader, &source.active.resources, now);
    options.tried(&rules, other.as_ref(), &history, &range)
}

impl Options {
    /// The rules to compare with.
    fn other(&self, limits: &Limits) -> anyhow::Result<Option<RuleSet>> {
        self.compare.as_ref().map(|path| source::rules(std::slice::from_ref(path), limits)).transpose()
    }

    fn tried(
        &self,
        rules: &RuleSet,
        other: Option<&RuleSet>,
        history: &dyn History,
        range: &Range,
    ) -> anyhow::Result<Tried> {
        let other = other.map(|other| try_out(other, history, range)).transpose()?;
        Ok(Tried { backtest: try_out(rules, history, range)?, other, allowed: self.pages_per_week })
    }
}

fn try_out(rules: &RuleSet, history: &dyn History, range: &Range) -> anyhow::Result<Backtest> {
    backtest(rules, history, range).map_err(|error| CommandError::Unreachable(one_line(&error)).into())
}

struct Tried {
    backtest: Backtest,
    other: Option<Backtest>,
    allowed: Option<f64>,
}

impl Tried {
    /// The version that the limit applies to: the changed one, if there is one.
    fn judged(&self) -> &Backtest {
        self.other.as_ref().unwrap_or(&self.backtest)
    }

    fn within_budget(&self) -> bool {
        self.allowed.is_none_or(|allowed| self.judged().pages_per_week() <= allowed)
    }

    fn comparison(&self) -> Option<Comparison> {
        self.other.as_ref().map(|other| Comparison::of(&self.backtest, other))
    }

    fn document(&self) -> serde_json::Value {
        let one = |backtest: &Backtest| {
            let unwarned = backtest.without_warning();
            let unwarned: Vec<_> =
                unwarned.iter().map(|(rule, at)| json!({"rule": rule, "at": at})).collect();
            json!({
                "backtest": backtest,
                "pages": backtest.pages(),
                "pages_per_week": backtest.pages_per_week(),
                "low_firings": backtest.low_firings(),
                "unwarned": unwarned,
            })
        };
        let mut document = one(&self.backtest);
        document["other"] = self.other.as_ref().map(one).into();
        document["comparison"] = json!(self.comparison());
        document["allowed_pages_per_week"] = self.allowed.into();
        document["within_budget"] = self.within_budget().into();
        document
    }

    fn print(&self, console: &mut Console) -> anyhow::Result<()> {
        console.line(self.backtest.to_string().trim_end())?;
        if let Some(comparison) = self.comparison() {
            console.line("\nWith the other rules")?;
            console.line(comparison.to_string().trim_end())?;
        }
        if let Some(allowed) = self.allowed {
            let pages = self.judged().pages_per_week();
            let (style, word) = if self.within_budget() { (GREEN, "within") } else { (RED, "over") };
            let line = format!("{pages:.1} pages a week are {word} the budget of {allowed}");
            console.line(&paint(style, &line))?;
        }
        Ok(())
    }
}
