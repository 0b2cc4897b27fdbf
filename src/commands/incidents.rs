//! `spillway incidents`: alarms of one cause, who has each, and muting them.

mod list;
mod respond;

use crate::answer::{CommandError, ExitStatus};
use crate::backend::Backend;
use crate::console::Console;
use clap::Subcommand;
use spillway_dashboard_model::incidents::{Incident, IncidentId, Response};

/// What to do with incidents.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// List incidents: those that are active first, then the newest
    List(list::List),
    /// Show one: its alarms, what was notified, who has it, and notes
    Show(list::Show),
    /// Take an incident: "I have it", until it clears
    Ack(respond::Ack),
    /// Add a note
    Note(respond::Note),
    /// Stop its notifications: for a time, until it clears, or for planned work; never longer than seven days
    Mute(respond::Mute),
    /// End a mute
    Unmute(respond::Unmute),
}

impl Command {
    /// Whether it prints a list.
    pub fn is_list(&self) -> bool {
        matches!(self, Self::List(_))
    }
}

pub async fn run(command: &Command, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    match command {
        Command::List(options) => list::list(options, backend, console).await,
        Command::Show(options) => list::show(options, backend, console).await,
        Command::Ack(options) => respond::ack(options, backend, console).await,
        Command::Note(options) => respond::note(options, backend, console).await,
        Command::Mute(options) => respond::mute(options, backend, console).await,
        Command::Unmute(options) => respond::unmute(options, backend, console).await,
    }
}

/// The incident with an id.
async fn known(id: &str, backend: &Backend) -> anyhow::Result<Incident> {
    let found = backend.incidents.incident(&IncidentId::new(id)).await;
    let found = found.map_err(|error| CommandError::unread("the incidents", error))?;
    Ok(found.ok_or_else(|| {
        CommandError::NotFound(format!("no incident has the id {id}: see spillway incidents list"))
    })?)
}

/// An incident as JSON, with what people did about it.
fn document(incident: &Incident, response: &Response) -> serde_json::Value {
    serde_json::json!({
        "id": incident.id,
        "state": if incident.is_active() { "active" } else { "over" },
        "tier": incident.tier(),
        "cause": incident.cause,
        "began": incident.began,
        "active_since": incident.active_since,
        "ended": incident.ended,
        "merged_into": incident.merged_into,
        "alarms": incident.members,
        "notices": incident.notices,
        "taken_by": response.holder(incident).map(|ack| &ack.by),
        "response": response,
    })
}
