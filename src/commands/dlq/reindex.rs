//! `spillway dlq reindex`.

use crate::answer::ExitStatus;
use crate::backend::Backend;
use crate::console::{BOLD, Console, paint};
use crate::text;
use clap::Args;
use serde_json::json;

const LONG_HELP: &str = "\
The archive is the bucket; the index is a table beside it, for finding dead letters. If the index was lost, \
or restored from an older backup, this command adds the missing entries. Their states come from replays and \
the audit log. Existing entries do not change. It reads the whole archive, which takes a while. It may be \
interrupted and run again at any time.

With --json: {\"added\": dead letters that the index lacked, \"there\": those that it had}.";

/// Options of `dlq reindex`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {}

/// Runs the command.
pub async fn run(_: &Options, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let done = backend.index()?.rebuild().await?;
    if console.json() {
        console.document(&json!({"added": done.added, "there": done.there}))?;
    } else {
        let added = text::count(done.added, "dead letter");
        console.line(&paint(BOLD, &format!("{added} added to the index")))?;
        console.line(&format!("  {} were there", text::number(done.there)))?;
    }
    Ok(ExitStatus::Ok)
}
