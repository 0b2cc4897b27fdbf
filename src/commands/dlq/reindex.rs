//! `spillway dlq reindex`.

use crate::answer::ExitStatus;
use crate::backend::Backend;
use crate::console::{BOLD, Console, paint};
use crate::text;
use clap::Args;
use serde_json::json;

const LONG_HELP: &str = "\
The archive is the bucket; the index is a table beside it, for finding dead letters. If that was lost, or restored from a \
backup that is older, this makes it whole: states come from replays and the audit log. What the index has stays as it is. \
It reads the whole archive, so it takes a while; it may be interrupted and run again at any time.

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
