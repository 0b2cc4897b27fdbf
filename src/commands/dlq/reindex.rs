//! `spillway dlq reindex`.

use crate::answer::ExitStatus;
use crate::backend::Backend;
use crate::console::{BOLD, Console, RED, paint};
use crate::text;
use clap::Args;

const LONG_HELP: &str = "\
The archive is the bucket; the index is a table beside it, for finding dead letters. If the index was lost, \
or restored from an older backup, or if an older version wrote it, this command makes it whole: it adds what is missing and \
corrects what is old. The states \
come from the bucket, the replays and the audit log. It reads the whole archive, which takes a while. It may be \
interrupted and run again at any time.

It also names dead letters whose content is gone from the bucket. \"spillway dlq recover\" restores them.

With --json: {\"added\": dead letters that the index lacked, \"corrected\": those that had an old state or format, \"there\": those \
that were right, \"lost\": [ids of those without content]}.

Exit code 1: the content of some is gone.";

/// Lost dead letters that are named in the text; the JSON names all.
const NAMED: usize = 100;

/// Options of `dlq reindex`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {}

/// Runs the command.
pub async fn run(_: &Options, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let done = backend.index("dead letters have no index that could be lost")?.rebuild().await?;
    if console.json() {
        console.document(&done)?;
    } else {
        let added = text::count(done.added, "dead letter");
        console.line(&paint(BOLD, &format!("{added} added to the index")))?;
        console.line(&format!(
            "  {} had an old state or format, which was corrected",
            text::number(done.corrected)
        ))?;
        console.line(&format!("  {}", text::were(done.there, "right")))?;
        if !done.lost.is_empty() {
            let lost = text::count(done.lost.len() as u64, "dead letter");
            console.line(&paint(RED, &format!("The content of {lost} is gone from the archive:")))?;
            for id in done.lost.iter().take(NAMED) {
                console.line(&format!("  {id}"))?;
            }
            console.hint("Restore what still has a version in the bucket with: spillway dlq recover ID…")?;
        }
    }
    Ok(if done.lost.is_empty() { ExitStatus::Ok } else { ExitStatus::No })
}
