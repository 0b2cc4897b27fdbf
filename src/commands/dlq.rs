//! `spillway dlq`: dead letters.

mod carry;
mod discard;
mod list;
mod reindex;
mod replay;
mod restore;
mod selection;
mod show;

pub use carry::carry_on;

use crate::answer::ExitStatus;
use crate::backend::Backend;
use crate::console::Console;
use clap::Subcommand;

/// What to do with dead letters.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// List dead letters, grouped by what they failed at
    List(list::Options),
    /// Show one with everything that is known of it
    Show(show::Options),
    /// Put dead letters back to the primary queue
    Replay(replay::Options),
    /// Give dead letters up, with a reason; can be undone with restore
    Discard(discard::Options),
    /// Take discards back
    Restore(restore::Options),
    /// In AWS: put into the index what the archive has and the index lacks
    Reindex(reindex::Options),
}

/// Runs the command.
pub async fn run(command: &Command, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    match command {
        Command::List(options) => list::run(options, backend, console).await,
        Command::Show(options) => show::run(options, backend, console).await,
        Command::Replay(options) => replay::run(options, backend, console).await,
        Command::Discard(options) => discard::run(options, backend, console).await,
        Command::Restore(options) => restore::run(options, backend, console).await,
        Command::Reindex(options) => reindex::run(options, backend, console).await,
    }
}
