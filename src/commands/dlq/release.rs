//! `spillway dlq release`.

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
A replay ends for a dead letter when its event is stored or back in the archive. If somebody purged a queue, or the \
retention of a message ran out, neither ever happens. This command puts such dead letters back into the archive, so that \
they can be replayed again. The audit log has each of them. The pipeline does the same by itself after 29 days: no message \
exists for longer.

If a message exists after all, nothing is lost or stored twice.

With --json: {\"released\": [ids], \"refused\": number of those that were not being replayed}.

Exit code 1: nothing was released.";

/// Options of `dlq release`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// Don't ask for confirmation when filters chose the dead letters
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    actor: Actor,
    #[command(flatten)]
    selection: Selection,
}

/// Runs the command.
pub async fn run(options: &Options, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let Selected { ids, named } = options.selection.resolve(DeadLetterStatus::Replaying, backend).await?;
    let chosen = text::count(ids.len() as u64, "dead letter");
    if !ids.is_empty() && !named && !options.yes {
        match console.ask(&format!("Release {chosen}?"))? {
            Some(true) => {}
            Some(false) => {
                console.note("Nothing was released.");
                return Ok(ExitStatus::No);
            }
            None => {
                let what = format!("this would release {chosen}: add --yes to confirm");
                return Err(CommandError::Usage(what).into());
            }
        }
    }
    let done = backend.pipeline.replayer().release(&ids, &options.actor.name()).await?;
    let refused = ids.len() - done.len();
    if console.json() {
        console.document(&json!({"released": done, "refused": refused}))?;
    } else {
        let released = text::count(done.len() as u64, "dead letter");
        console.line(&paint(BOLD, &format!("{released} back in the archive")))?;
        if refused > 0 {
            console
                .line(&format!("  {} were not being replayed and did not change", text::number(refused)))?;
        }
        if !done.is_empty() {
            console.line("  Replay them again with: spillway dlq replay ID…")?;
        }
    }
    Ok(if done.is_empty() { ExitStatus::No } else { ExitStatus::Ok })
}
