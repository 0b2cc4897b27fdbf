//! `spillway status`: the verdict.

use crate::answer::{CommandError, ExitStatus};
use crate::backend::Backend;
use crate::console::{BOLD, Console, DIM, GREEN, RED, YELLOW, paint};
use crate::listing::{Column, Field};
use crate::text::{self, Cell, Table};
use crate::watch::Watch;
use anstyle::Style;
use clap::Args;
use serde::Serialize;
use spillway_core::Timestamp;
use spillway_dashboard_model::flow::{Action, Incident, Sentence, State, Verdict, VerdictState};

const LONG_HELP: &str = "\
The state of the pipeline, by what succeeded and failed in the last minute (with little traffic, by the last events): \
healthy, degrading (a part fails for a share of the events, or is slow), failing (for a third of them or more), or recovering \
(what failed works again, and what waits is processed). Then whether anything is lost, until when something must happen, and \
what to do.

Exit codes: 0 healthy, 1 degrading or failing, 5 recovering. In AWS the evidence is as old as CloudWatch's metrics.

With --json: {\"at\", \"state\", \"since\", \"text\", \"unaccounted\", \"loss\", \"deadline\", \"action\": {\"text\", \"runbook\"}, \
\"done_by\", \"after\", \"evidence_age_s\", \"incidents\": [{\"cause\", \"state\", \"since\", \"text\", \"deadline\", \"action\", \
\"done_by\"}], \"symptoms\", \"others\"}.";

/// Evidence younger than this needs no word.
const YOUNG_S: i64 = 5;

/// Options of `status`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    #[command(flatten)]
    pub watch: Watch,
}

/// The JSON document that `--json` prints.
#[derive(Debug, Serialize)]
struct Status {
    at: Timestamp,
    state: VerdictState,
    since: Option<Timestamp>,
    text: String,
    unaccounted: i64,
    loss: String,
    deadline: String,
    action: Action,
    done_by: Option<Timestamp>,
    after: Option<String>,
    evidence_age_s: Option<i64>,
    incidents: Vec<Incident>,
    symptoms: Vec<String>,
    others: Vec<String>,
    #[serde(skip)]
    is_lost: bool,
}

const COLUMNS: &[Column<Status>] = &[
    Column { name: "at", title: None, field: |status| Field::Time(status.at) },
    Column { name: "state", title: None, field: |status| Field::text(status.state.name()) },
    Column { name: "since", title: None, field: |status| Field::maybe(status.since.as_ref()) },
    Column { name: "text", title: None, field: |status| Field::text(&status.text) },
    Column { name: "unaccounted", title: None, field: |status| Field::Number(status.unaccounted) },
    Column { name: "deadline", title: None, field: |status| Field::text(&status.deadline) },
    Column { name: "action", title: None, field: |status| Field::text(&status.action.text) },
    Column { name: "runbook", title: None, field: |status| Field::maybe(status.action.runbook.as_ref()) },
    Column {
        name: "evidence_age_s",
        title: None,
        field: |status| Field::maybe(status.evidence_age_s.as_ref()),
    },
];

pub async fn run(backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let flow = backend.flow.snapshot().await;
    let flow = flow.map_err(|error| CommandError::unread("the state of the pipeline", error))?;
    let verdict = Verdict::of(&flow);
    let texts = |sentences: &[Sentence]| sentences.iter().map(|sentence| sentence.text.to_string()).collect();
    let status = Status {
        at: flow.at,
        state: verdict.state,
        since: verdict.since(),
        text: verdict.text.to_string(),
        unaccounted: flow.ledger.unaccounted(),
        loss: verdict.loss.text.to_string(),
        deadline: verdict.deadline.to_string(),
        action: verdict.action.clone(),
        done_by: verdict.incidents.first().and_then(|first| first.done_by),
        after: verdict.after.as_ref().map(ToString::to_string),
        evidence_age_s: verdict.evidence_age_s,
        symptoms: texts(&verdict.symptoms),
        others: texts(&verdict.others),
        is_lost: verdict.loss.state != State::Ok,
        incidents: verdict.incidents,
    };
    if console.json() {
        console.document(&status)?;
    } else if console.tsv() {
        console.items(COLUMNS, std::slice::from_ref(&status), status.at)?;
    } else {
        print(&status, console)?;
    }
    Ok(match status.state {
        VerdictState::Healthy => ExitStatus::Ok,
        VerdictState::Recovering => ExitStatus::TryAgain,
        VerdictState::Degrading | VerdictState::Failing => ExitStatus::No,
    })
}

fn style(state: VerdictState) -> Style {
    match state {
        VerdictState::Healthy => GREEN,
        VerdictState::Recovering => BOLD,
        VerdictState::Degrading => YELLOW,
        VerdictState::Failing => RED,
    }
}

fn print(status: &Status, console: &mut Console) -> anyhow::Result<()> {
    let mut table = Table::default().wrapping();
    let mut line = |name: &str, style: Style, value: String| {
        table.row(vec![Cell::text(name).styled(DIM), Cell::text(value).styled(style)]);
    };
    line("State", style(status.state), format!("{}: {}", status.state.name(), status.text));
    line("Loss", if status.is_lost { RED } else { Style::new() }, status.loss.clone());
    line("Deadline", Style::new(), status.deadline.clone());
    let runbook = status.action.runbook.map(|name| format!(" Runbook: {name}")).unwrap_or_default();
    line("Do", Style::new(), console.addressed(&format!("{}{runbook}", status.action.text)));
    if let Some(after) = &status.after {
        line("Before", Style::new(), after.clone());
    }
    match status.evidence_age_s {
        Some(age) if age < YOUNG_S => {}
        Some(age) => {
            line("Evidence", Style::new(), format!("{} old", text::count(age.unsigned_abs(), "second")))
        }
        None => line("Evidence", YELLOW, "the last outcomes are not known".to_owned()),
    }
    console.table(&table)?;
    for incident in status.incidents.iter().skip(1) {
        console.line(&paint(
            style(incident.state),
            &format!("Also {}: {}", incident.state.name(), incident.text),
        ))?;
    }
    for symptom in &status.symptoms {
        console.line(&paint(DIM, &format!("Symptom: {symptom}")))?;
    }
    for other in &status.others {
        console.hint(other)?;
    }
    Ok(())
}
