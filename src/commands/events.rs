//! `spillway events`: stored events.

mod export;
mod list;
mod selection;

use crate::answer::ExitStatus;
use crate::backend::Backend;
use crate::console::Console;
use crate::watch::{Watch, watched};
use clap::Subcommand;

/// What to do with stored events.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// List stored events, the newest first
    List(list::Options),
    /// Print stored events as they were accepted, one on each line (NDJSON), the oldest first
    Export(export::Options),
}

impl Command {
    /// Whether it prints a list.
    pub fn is_list(&self) -> bool {
        matches!(self, Self::List(_))
    }

    fn watch(&self) -> Watch {
        match self {
            Self::List(options) => options.watch,
            Self::Export(_) => Watch::default(),
        }
    }
}

pub async fn run(command: &Command, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    watched(command.watch(), backend, console, async |console| match command {
        Command::List(options) => list::run(options, backend, console).await,
        Command::Export(options) => export::run(options, backend, console).await,
    })
    .await
}
