//! `spillway dlq discard`.

use super::selection::{Selected, Selection};
use crate::answer::{CommandError, ExitStatus};
use crate::backend::Backend;
use crate::console::{BOLD, Console, paint};
use crate::target::Actor;
use crate::text;
use clap::Args;
use serde_json::json;
use spillway_core::dead_letter::DeadLetterStatus;

const LONG_HELP: &str = "\
With --json: {\"discarded\": [ids], \"refused\": number of those that were not in the archive}.

Exit code 1: nothing was discarded.";

/// Options of `dlq discard`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// The reason; it is kept with the dead letter and in the audit log
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
    /// Don't ask for confirmation when filters chose the dead letters
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    actor: Actor,
    #[command(flatten)]
    selection: Selection,
}

fn reason(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("the reason is empty: write one".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// Runs the command.
pub async fn run(options: &Options, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let Selected { ids, named } = options.selection.resolve(DeadLetterStatus::Archived, backend).await?;
    let chosen = text::count(ids.len() as u64, "dead letter");
    if !ids.is_empty() && !named && !options.yes {
        match console.ask(&format!("Discard {chosen}?"))? {
            Some(true) => {}
            Some(false) => {
                console.note("Nothing was discarded.");
                return Ok(ExitStatus::No);
            }
            None => {
                let what = format!("this would discard {chosen}: add --yes to confirm");
                return Err(CommandError::Usage(what).into());
            }
        }
    }
    let done = backend.pipeline.replayer().discard(&ids, &options.actor.name(), &options.reason).await?;
    let refused = ids.len() - done.len();
    if console.json() {
        console.document(&json!({"discarded": done, "refused": refused}))?;
    } else {
        let discarded = text::count(done.len() as u64, "dead letter");
        console.line(&paint(BOLD, &format!("{discarded} discarded")))?;
        if refused > 0 {
            console.line(&format!("  {} no longer in the archive", text::number(refused)))?;
        }
        if let [id] = done.as_slice() {
            console.hint(&format!("  Undo with: spillway dlq restore {id}"))?;
        } else if !done.is_empty() {
            console.hint(
                "  Undo with: spillway dlq restore ID…; spillway dlq list --state discarded has the ids",
            )?;
        }
    }
    Ok(if done.is_empty() { ExitStatus::No } else { ExitStatus::Ok })
}
