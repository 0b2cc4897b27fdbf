//! `spillway run`: pipeline, HTTP API and dashboard on this machine.

use crate::console::Console;
use crate::system::{self, MadeUp};
use crate::target::Target;

/// Options of `run`.
pub type Options = system::SystemOptions;

/// Runs until the process is asked to end.
pub async fn run(options: &Options, target: &Target, console: &mut Console) -> anyhow::Result<()> {
    system::run(target.folder()?, options, MadeUp::default(), console).await
}
