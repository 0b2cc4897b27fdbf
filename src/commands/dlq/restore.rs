//! `spillway dlq restore`.

use crate::answer::ExitStatus;
use crate::backend::Backend;
use crate::console::{BOLD, Console, paint};
use crate::target::Actor;
use crate::text;
use crate::values;
use clap::Args;
use serde_json::json;

const LONG_HELP: &str = "\
With --json: {\"restored\": [ids], \"refused\": number of those that were not discarded}.

Exit code 1: nothing was restored.";

/// Options of `dlq restore`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// Discarded dead letters, by their own id or by that of their event
    #[arg(value_name = "ID", required = true, value_parser = values::some_text)]
    ids: Vec<String>,
    #[command(flatten)]
    actor: Actor,
}

/// Runs the command.
pub async fn run(options: &Options, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let ids = backend.dead_letter_ids(&options.ids).await?;
    let done = backend.pipeline.replayer().restore(&ids, &options.actor.name()).await?;
    let refused = ids.len() - done.len();
    if console.json() {
        console.document(&json!({"restored": done, "refused": refused}))?;
    } else {
        let restored = text::count(done.len() as u64, "dead letter");
        console.line(&paint(BOLD, &format!("{restored} back in the archive")))?;
        if refused > 0 {
            let not = text::were(refused, "not discarded");
            console.line(&format!("  {not} and did not change"))?;
        }
    }
    Ok(if done.is_empty() { ExitStatus::No } else { ExitStatus::Ok })
}
