//! `spillway alarms list`: the rules and their states.

use super::source::{self, Source};
use crate::answer::{CommandError, ExitStatus};
use crate::console::{Console, DIM, GREEN, RED, YELLOW, paint};
use crate::listing::{Column, Field, Sorting};
use crate::target::Target;
use crate::text::{self, Cell, Table};
use clap::{Args, ValueEnum};
use jiff::SignedDuration;
use serde_json::json;
use spillway_alerts::{AlarmState, AlarmStatus, Rule, RuleSet, Tier};
use spillway_core::Timestamp;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Alarms are evaluated every minute.
const STALE: SignedDuration = SignedDuration::from_mins(3);

const LONG_HELP: &str = "\
With --json: {\"evaluated_until\": null | time, \"alarms\": [{\"rule\", \"tier\", \"notify\", \"subsystem\", \"summary\", \
\"impact\", \"runbook\", \"low_twin\", \"condition\", \"state\", \"since\", \"reason\", \"trouble\"}]}; the last four are null \
without a pipeline.";

/// Options of `alarms list`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// Rule files or folders, instead of those that the pipeline evaluates
    #[arg(long, value_name = "FILE", num_args = 1..)]
    rules: Vec<PathBuf>,
    /// Only alarms of one tier
    #[arg(long, value_enum)]
    tier: Option<TierName>,
    /// Only alarms that are active; needs a pipeline
    #[arg(long)]
    in_alarm: bool,
    /// Also the parts of composites, which do not notify
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    sorting: Sorting,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TierName {
    /// Needs a person now
    High,
    /// Waits for business hours
    Low,
}

/// Runs the command.
pub async fn run(options: &Options, target: &Target, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let source = Source::of(target).await?;
    if options.in_alarm && source.is_none() {
        target.place()?;
        let what = "CloudWatch has the states of a deployment's alarms: spillway dashboard --topology FILE shows them";
        return Err(CommandError::Usage(what.to_owned()).into());
    }
    let limits = source.as_ref().map_or_else(|| source::limits(None), Source::limits)?;
    let rules = match (&source, options.rules.is_empty()) {
        (_, false) => Arc::new(source::rules(&options.rules, &limits)?),
        (Some(source), true) => Arc::clone(&source.active.rules),
        (None, true) => Arc::new(RuleSet::built_in(&limits)?),
    };
    let (mut states, mut evaluated_until) = (HashMap::new(), None);
    if let Some(source) = &source {
        let statuses = source.log.statuses().await?;
        states = statuses.into_iter().map(|status| (status.rule.clone(), status)).collect();
        for rule in rules.iter() {
            states.entry(rule.name.clone()).or_insert_with(|| AlarmStatus::unevaluated(&rule.name));
        }
        evaluated_until = source.log.evaluated_until().await?;
        if options.in_alarm && evaluated_until.is_none() {
            let what =
                "this pipeline's alarms have not been evaluated yet; a running pipeline does so every minute";
            return Err(CommandError::TryAgain(what.to_owned()).into());
        }
    }
    let now = source.as_ref().map_or_else(|| crate::backend::clock().now(), |source| source.clock().now());
    let wanted = |rule: &&Rule| {
        let state = states.get(&rule.name).map(|status: &AlarmStatus| status.state);
        (options.all || rule.notify)
            && options.tier.is_none_or(|tier| (tier == TierName::High) == (rule.tier == Tier::High))
            && (!options.in_alarm || state == Some(AlarmState::Alarm))
    };
    let mut shown: Vec<(&Rule, Option<&AlarmStatus>)> =
        rules.iter().filter(wanted).map(|rule| (rule, states.get(&rule.name))).collect();
    shown.sort_by_key(|(rule, status)| {
        let in_alarm = status.is_some_and(|status| status.state == AlarmState::Alarm);
        (!in_alarm, rule.tier != Tier::High)
    });
    options.sorting.sort(&columns(), &mut shown)?;
    if console.json() {
        let alarms: Vec<_> = shown.iter().map(|(rule, status)| document(rule, *status)).collect();
        console.document(&json!({"evaluated_until": evaluated_until, "alarms": alarms}))?;
    } else if console.tsv() {
        console.items(&columns(), &shown, now)?;
    } else {
        print(&shown, options, now, (source.is_some(), evaluated_until), console)?;
    }
    Ok(ExitStatus::Ok)
}

/// A rule, with its state if that is known.
type Row<'r> = (&'r Rule, Option<&'r AlarmStatus>);

fn columns<'r>() -> [Column<Row<'r>>; 6] {
    let since = |row: &Row<'_>| row.1.and_then(|status| status.since).map_or(Field::Nothing, Field::Time);
    [
        Column { name: "rule", title: None, field: |row| Field::text(&row.0.name) },
        Column { name: "tier", title: None, field: |row| Field::text(row.0.tier) },
        Column { name: "state", title: None, field: |row| Field::maybe(row.1.map(|status| status.state)) },
        Column { name: "since", title: None, field: since },
        Column { name: "reason", title: None, field: |row| Field::maybe(row.1.map(|status| &status.reason)) },
        Column { name: "summary", title: None, field: |row| Field::text(&row.0.summary) },
    ]
}

fn document(rule: &Rule, status: Option<&AlarmStatus>) -> serde_json::Value {
    json!({
        "rule": rule.name,
        "tier": rule.tier,
        "notify": rule.notify,
        "subsystem": rule.subsystem,
        "summary": rule.summary,
        "impact": rule.impact,
        "runbook": rule.runbook,
        "low_twin": rule.low_twin,
        "condition": rule.describe(),
        "state": status.map(|status| status.state),
        "since": status.and_then(|status| status.since),
        "reason": status.map(|status| &status.reason),
        "trouble": status.and_then(|status| status.evaluation_error.as_ref()),
    })
}

fn print(
    shown: &[Row<'_>],
    options: &Options,
    now: Timestamp,
    (with_states, evaluated_until): (bool, Option<Timestamp>),
    console: &mut Console,
) -> anyhow::Result<()> {
    let is_stale = evaluated_until.is_some_and(|at| now.duration_since(at) > STALE);
    match evaluated_until {
        Some(at) if is_stale => console.line(&paint(
            RED,
            &format!(
                "Not evaluated since {}: the pipeline does not run, or cannot write its data folder. The states are from then",
                text::time(now, at)
            ),
        ))?,
        Some(at) => console.line(&format!("Evaluated up to {}", text::time(now, at)))?,
        None if with_states => console.line("This pipeline's alarms have not been evaluated yet")?,
        None => {}
    }
    if shown.is_empty() {
        return match options.in_alarm {
            false => console.line("No rule matches"),
            true if is_stale => console.line("No alarm was active at that time"),
            true => console.line(&paint(GREEN, "No alarm")),
        };
    }
    let header: &[&str] =
        if with_states { &["rule", "tier", "state", "since"] } else { &["rule", "tier", "fires"] };
    let mut table = Table::with_header(header);
    for (rule, status) in shown {
        let style = if rule.tier == Tier::High { RED } else { YELLOW };
        let mut cells = vec![Cell::text(rule.name.to_string()), Cell::text(rule.tier.to_string())];
        if with_states {
            let state = status.map(|status| status.state);
            let words = match state {
                Some(AlarmState::Alarm) => Cell::text("ALARM").styled(style),
                Some(AlarmState::Ok) => Cell::text("OK"),
                Some(AlarmState::InsufficientData) | None => Cell::text("no data").styled(DIM),
            };
            let since = status.and_then(|status| status.since);
            cells.extend([words, Cell::text(since.map_or_else(String::new, |at| text::relative(now, at)))]);
        } else {
            cells.push(Cell::text(rule.describe()));
        }
        let mut note = format!("{} {}", rule.summary, rule.impact);
        if let Some(status) = status
            && status.state == AlarmState::Alarm
        {
            note.push_str(&format!(" Now: {}. Runbook: {}", status.reason, rule.runbook));
        }
        if let Some(error) = status.and_then(|status| status.evaluation_error.as_ref()) {
            note.push_str(&format!(" The evaluation failed: {error}"));
        }
        table.row_with_note(cells, &note);
    }
    console.table(&table)
}
