//! `spillway incidents list` and `show`.

use super::{document, known};
use crate::answer::{CommandError, ExitStatus};
use crate::backend::Backend;
use crate::console::{BOLD, Console, DIM, GREEN, RED, YELLOW, paint};
use crate::listing::{Column, Field, Sorting};
use crate::text::{self, Cell, Table};
use crate::values;
use clap::Args;
use serde_json::json;
use spillway_alerts::Tier;
use spillway_core::Timestamp;
use spillway_dashboard_model::incidents::{Incident, Response, Responses};

const LONG_HELP: &str = "\
With --json: {\"incidents\": [incident]}, or of `show` {\"incident\": incident, \"sent\": [{\"at\", \"text\", \"to\"}]}; an \
incident is {\"id\", \"state\", \"tier\", \"cause\", \"began\", \"active_since\", \"ended\", \"merged_into\", \"alarms\": \
[{\"rule\", \"family\", \"tier\", \"from\", \"until\", \"firings\", \"reason\"}], \"notices\": [{\"at\", \"news\", \"tier\", \
\"rule\", \"outcome\"}], \"taken_by\", \"response\": {\"acknowledged\", \"muted\", \"notes\"}}.";

/// Options of `incidents list`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct List {
    /// Only those that are active
    #[arg(long)]
    active: bool,
    /// Maximum number of incidents; 10000 at most
    #[arg(long, default_value = "20", value_name = "N", value_parser = values::within::<u32>(values::LIMIT))]
    limit: u32,
    #[command(flatten)]
    sorting: Sorting,
}

/// Options of `incidents show`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Show {
    /// Id of the incident
    #[arg(value_parser = values::some_text)]
    id: String,
}

type Row = (Incident, Response, Timestamp);

const COLUMNS: &[Column<Row>] = &[
    Column { name: "id", title: Some("id"), field: |(incident, ..)| Field::text(&incident.id) },
    Column { name: "state", title: Some("state"), field: |(incident, ..)| Field::text(state(incident)) },
    Column { name: "tier", title: Some("tier"), field: |(incident, ..)| Field::text(incident.tier()) },
    Column { name: "cause", title: Some("cause"), field: |(incident, ..)| Field::text(&incident.cause) },
    Column { name: "began", title: Some("began"), field: |(incident, ..)| Field::Time(incident.began) },
    Column {
        name: "ended",
        title: None,
        field: |(incident, ..)| incident.ended.map_or(Field::Nothing, Field::Time),
    },
    Column {
        name: "alarms",
        title: Some("alarms"),
        field: |(incident, ..)| Field::number(incident.members.len()),
    },
    Column {
        name: "taken_by",
        title: Some("taken by"),
        field: |(incident, response, _)| Field::maybe(response.holder(incident).map(|ack| &ack.by)),
    },
    Column {
        name: "muted_until",
        title: Some("muted until"),
        field: |(incident, response, now)| {
            response.mute_at(incident, *now).map_or(Field::Nothing, |mute| Field::Time(mute.until))
        },
    },
];

fn state(incident: &Incident) -> &'static str {
    if incident.is_active() { "active" } else { "over" }
}

pub async fn list(options: &List, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let now = backend.pipeline.clock.now();
    let incidents = backend.incidents.incidents(options.limit as usize).await;
    let mut incidents = incidents.map_err(|error| CommandError::unread("the incidents", error))?;
    if options.active {
        incidents.retain(Incident::is_active);
    }
    let ids: Vec<_> = incidents.iter().map(|incident| incident.id.clone()).collect();
    let mut responses = Responses::of(&backend.pipeline).to(&ids).await?;
    let row = |incident: Incident| {
        let response = responses.remove(&incident.id).unwrap_or_default();
        (incident, response, now)
    };
    let mut rows: Vec<Row> = incidents.into_iter().map(row).collect();
    options.sorting.sort(COLUMNS, &mut rows)?;
    if console.json() {
        let incidents: Vec<_> =
            rows.iter().map(|(incident, response, _)| document(incident, response)).collect();
        console.document(&json!({"incidents": incidents}))?;
    } else if rows.is_empty() && console.is_for_people() {
        console.line(&paint(GREEN, "No incident"))?;
    } else {
        console.items(COLUMNS, &rows, now)?;
    }
    Ok(ExitStatus::Ok)
}

pub async fn show(options: &Show, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let incident = known(&options.id, backend).await?;
    let responses = Responses::of(&backend.pipeline).to(std::slice::from_ref(&incident.id)).await?;
    let response = responses.into_values().next().unwrap_or_default();
    let sent = backend.incidents.sent(&incident.id).await;
    let sent = sent.map_err(|error| CommandError::unread("the notifications", error))?;
    if console.json() {
        let sent: Vec<_> =
            sent.iter().map(|sent| json!({"at": sent.at, "text": sent.text, "to": sent.to})).collect();
        console.document(&json!({"incident": document(&incident, &response), "sent": sent}))?;
        return Ok(ExitStatus::Ok);
    }
    let now = backend.pipeline.clock.now();
    let style = match (incident.is_active(), incident.tier()) {
        (false, _) => DIM,
        (true, Tier::High) => RED,
        (true, Tier::Low) => YELLOW,
    };
    let ended =
        incident.ended.map_or_else(String::new, |ended| format!(", ended {}", text::time(now, ended)));
    let began = text::time(now, incident.began);
    let (tier, cause) = (incident.tier(), &incident.cause);
    console.line(&paint(style, &format!("{} {tier}: {cause}, began {began}{ended}", state(&incident))))?;
    if let Some(whole) = &incident.merged_into {
        console.line(&format!("Its alarms have a common cause with others: see {whole}"))?;
    }
    match response.holder(&incident) {
        Some(ack) => console.line(&format!("Taken by {}, {}", ack.by, text::relative(now, ack.at)))?,
        None if incident.is_active() => console.line("Not taken yet")?,
        None => {}
    }
    if let Some(mute) = response.mute_at(&incident, now) {
        let until = text::time(now, mute.until);
        console.line(&format!(
            "Muted by {} until {until}, {}. {}",
            mute.by,
            mute.kind.words(),
            mute.reason
        ))?;
    }
    let mut table = Table::with_header(&["alarm", "tier", "role", "fired", "cleared"]);
    for member in &incident.members {
        let role = if member.family == incident.cause { "root cause" } else { "symptom" };
        let cleared = member.until.map_or_else(|| "active".to_owned(), |until| text::time(now, until));
        let cells = [
            member.rule.to_string(),
            member.tier.to_string(),
            role.to_owned(),
            text::time(now, member.from),
            cleared,
        ];
        table.row(cells.into_iter().map(Cell::text).collect());
    }
    console.table(&table)?;
    for sent in &sent {
        console.line(&format!("{} sent to {}: {}", text::time(now, sent.at), sent.to, sent.text))?;
    }
    for note in &response.notes {
        console.line(&format!(
            "{} {}",
            paint(BOLD, &format!("{}, {}:", note.by, text::time(now, note.at))),
            note.text
        ))?;
    }
    Ok(ExitStatus::Ok)
}
