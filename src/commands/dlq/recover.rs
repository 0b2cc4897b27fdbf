//! `spillway dlq recover`.

use crate::answer::ExitStatus;
use crate::backend::Backend;
use crate::console::{BOLD, Console, paint};
use crate::target::Actor;
use crate::text;
use crate::values;
use clap::Args;
use serde_json::json;

const LONG_HELP: &str = "\
The bucket keeps a version of each deleted object for some time. This command makes the newest version current again, byte \
for byte. The audit log has each dead letter that it restored. \"spillway dlq reindex\" names all whose content is gone.

With --json: {\"recovered\": [ids], \"refused\": number of those that have no version, or whose content is there}.

Exit code 1: nothing was restored.";

/// Options of `dlq recover`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// Dead letters whose content is gone, by their own id or by that of their event
    #[arg(value_name = "ID", required = true, value_parser = values::some_text)]
    ids: Vec<String>,
    #[command(flatten)]
    actor: Actor,
}

/// Runs the command.
pub async fn run(options: &Options, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let archive = backend.index("no earlier versions of deleted dead letters are kept")?;
    let ids = backend.dead_letter_ids(&options.ids).await?;
    let done = backend.pipeline.replayer().recover(archive, &ids, &options.actor.name()).await?;
    let refused = ids.len() - done.len();
    if console.json() {
        console.document(&json!({"recovered": done, "refused": refused}))?;
    } else {
        let recovered = text::count(done.len() as u64, "dead letter");
        console.line(&paint(BOLD, &format!("{recovered} restored")))?;
        if refused > 0 {
            let not = text::were(refused, "not restored");
            console.line(&format!(
                "  {not}: without a version in the bucket, or with their content still there"
            ))?;
        }
    }
    Ok(if done.is_empty() { ExitStatus::No } else { ExitStatus::Ok })
}
