//! `spillway incidents ack`, `note`, `mute` and `unmute`.

use super::{document, known};
use crate::answer::{CommandError, ExitStatus};
use crate::backend::Backend;
use crate::console::Console;
use crate::target::Actor;
use crate::text;
use crate::values;
use clap::Args;
use jiff::SignedDuration;
use serde_json::json;
use spillway_core::Timestamp;
use spillway_dashboard_model::incidents::{Act, ActError, MuteKind, RespondError, Responses};
use std::time::Duration;

/// Options of `incidents ack`.
#[derive(Clone, Debug, Args)]
pub struct Ack {
    /// Id of the incident
    #[arg(value_parser = values::some_text)]
    id: String,
    /// Give it back
    #[arg(long)]
    undo: bool,
    #[command(flatten)]
    actor: Actor,
}

/// Options of `incidents note`.
#[derive(Clone, Debug, Args)]
pub struct Note {
    /// Id of the incident
    #[arg(value_parser = values::some_text)]
    id: String,
    /// The note
    #[arg(value_parser = values::some_text, required_unless_present = "remove")]
    text: Option<String>,
    /// Remove the note of that time instead
    #[arg(long, value_name = "TIME", conflicts_with = "text")]
    remove: Option<Timestamp>,
    #[command(flatten)]
    actor: Actor,
}

/// Options of `incidents mute`.
#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("how long").required(true).args(["lasting", "until_clear"]))]
pub struct Mute {
    /// Id of the incident
    #[arg(value_parser = values::some_text)]
    id: String,
    /// For this time, such as 90m or 8h; seven days at most
    #[arg(long = "for", value_name = "SPAN", value_parser = values::span)]
    lasting: Option<Duration>,
    /// Until the incident clears, and seven days at most
    #[arg(long)]
    until_clear: bool,
    /// Somebody works on the system: a first high alarm and new causes are silent, too. Needs a reason
    #[arg(long, requires = "reason", conflicts_with = "until_clear")]
    planned: bool,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = values::some_text)]
    reason: Option<String>,
    #[command(flatten)]
    actor: Actor,
}

/// Options of `incidents unmute`.
#[derive(Clone, Debug, Args)]
pub struct Unmute {
    /// Id of the incident
    #[arg(value_parser = values::some_text)]
    id: String,
    #[command(flatten)]
    actor: Actor,
}

pub async fn ack(options: &Ack, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let act = if options.undo { Act::Release } else { Act::Acknowledge };
    respond(&options.id, &act, &options.actor, backend, console).await
}

pub async fn note(options: &Note, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let act = match (options.remove, &options.text) {
        (Some(at), _) => Act::RemoveNote(at),
        (None, text) => Act::Note(text.clone().unwrap_or_default()),
    };
    respond(&options.id, &act, &options.actor, backend, console).await
}

pub async fn mute(options: &Mute, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let kind = match (options.until_clear, options.planned) {
        (true, _) => MuteKind::UntilItClears,
        (false, true) => MuteKind::PlannedWork,
        (false, false) => MuteKind::ForATime,
    };
    let span = options.lasting.map(|span| SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX));
    let act = Act::Mute(kind, span, options.reason.clone().unwrap_or_default());
    respond(&options.id, &act, &options.actor, backend, console).await
}

pub async fn unmute(
    options: &Unmute,
    backend: &Backend,
    console: &mut Console,
) -> anyhow::Result<ExitStatus> {
    respond(&options.id, &Act::Unmute, &options.actor, backend, console).await
}

async fn respond(
    id: &str,
    act: &Act,
    actor: &Actor,
    backend: &Backend,
    console: &mut Console,
) -> anyhow::Result<ExitStatus> {
    let incident = known(id, backend).await?;
    if matches!(act, Act::Acknowledge | Act::Mute(..)) && !incident.is_active() {
        console.error(&anyhow::anyhow!("the incident {id} is over: there is nothing to take or to mute"));
        return Ok(ExitStatus::No);
    }
    let done = Responses::of(&backend.pipeline).act(&incident.id, act, &actor.name()).await;
    let response = match done {
        Ok(response) => response,
        Err(RespondError::Act(error @ ActError::Nothing)) => {
            console.error(&anyhow::Error::new(error));
            return Ok(ExitStatus::No);
        }
        Err(RespondError::Act(error)) => return Err(CommandError::Usage(error.to_string()).into()),
        Err(RespondError::Log(error)) => return Err(error.into()),
        Err(error @ RespondError::Busy) => return Err(CommandError::TryAgain(error.to_string()).into()),
    };
    if console.json() {
        console.document(&json!({"incident": document(&incident, &response)}))?;
        return Ok(ExitStatus::Ok);
    }
    let now = backend.pipeline.clock.now();
    let cause = &incident.cause;
    console.line(&match act {
        Act::Acknowledge => format!("{} has {id} ({cause}) until it clears", actor.name()),
        Act::Release => format!("{id} ({cause}) is free to be taken again"),
        Act::Note(_) => format!("The note about {id} was added"),
        Act::RemoveNote(_) => format!("The note about {id} was removed; the audit log keeps it"),
        Act::Mute(kind, ..) => {
            let until = response.muted.map_or_else(String::new, |mute| text::time(now, mute.until));
            format!("{id} ({cause}) is muted {}, at most until {until}", kind.words())
        }
        Act::Unmute => format!("{id} ({cause}) notifies again"),
    })?;
    Ok(ExitStatus::Ok)
}
