//! `spillway dlq`: dead letters.

mod carry;
mod discard;
mod document;
mod explained;
mod groups;
mod list;
mod recover;
mod reindex;
mod release;
mod replay;
mod restore;
mod selection;
mod show;

pub use carry::carry_on;
pub use document::LetterDocument;
pub use replay::read as read_replay;

use crate::answer::ExitStatus;
use crate::backend::Backend;
use crate::console::Console;
use crate::watch::watched;
use clap::Subcommand;

/// What to do with dead letters.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// List dead letters, grouped by the failure that caused them
    List(list::Options),
    /// Explain the largest groups: what fails where, where it comes from, and what to do
    Groups(groups::Options),
    /// Show one dead letter with its body, failures and history
    Show(show::Options),
    /// Put dead letters back into the primary queue
    Replay(replay::Options),
    /// Discard dead letters, with a reason; restore undoes it
    Discard(discard::Options),
    /// Undo discards of dead letters
    Restore(restore::Options),
    /// Take dead letters out of a replay whose messages are gone
    Release(release::Options),
    /// In AWS: restore dead letters whose content was deleted from the bucket
    Recover(recover::Options),
    /// In AWS: make the index of dead letters whole, from the archive
    Reindex(reindex::Options),
}

impl Command {
    /// Whether it prints a list.
    pub fn is_list(&self) -> bool {
        matches!(self, Self::List(_))
    }
}

pub async fn run(command: &Command, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    match command {
        Command::List(options) => {
            watched(options.watch, backend, console, async |console| {
                list::run(options, backend, console).await
            })
            .await
        }
        Command::Groups(options) => groups::run(options, backend, console).await,
        Command::Show(options) => show::run(options, backend, console).await,
        Command::Replay(options) => replay::run(options, backend, console).await,
        Command::Discard(options) => discard::run(options, backend, console).await,
        Command::Restore(options) => restore::run(options, backend, console).await,
        Command::Release(options) => release::run(options, backend, console).await,
        Command::Recover(options) => recover::run(options, backend, console).await,
        Command::Reindex(options) => reindex::run(options, backend, console).await,
    }
}
