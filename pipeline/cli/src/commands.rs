//! The commands, one file each.

pub mod alarms;
pub mod dlq;
pub mod fault;
pub mod flow;
pub mod get;
pub mod load;
pub mod replays;
pub mod send;
mod sign_in;
#[cfg(test)]
mod tests;

use crate::answer::ExitStatus;
use crate::arguments::{Arguments, Command, Target};
use crate::backend::Backend;
use crate::console::Console;

/// Runs what the command line asks for, on the pipeline that `open` opens.
pub async fn run(
    arguments: Arguments,
    open: impl AsyncFnOnce(&Target) -> anyhow::Result<Backend>,
    console: &mut Console,
) -> anyhow::Result<ExitStatus> {
    let Arguments { target, command, .. } = arguments;
    match command {
        Command::Send(options) => send::run(&options, console).await,
        Command::Load(options) => load::run(&options, async || open(&target).await, console).await,
        Command::Get(options) => get::run(&options, &open(&target).await?, console).await,
        Command::Flow(options) => flow::run(&options, &open(&target).await?, console).await,
        Command::Fault(command) => fault::run(&command, &open(&target).await?, console).await,
        Command::Alarms(command) => alarms::run(&command, &target, console).await,
        Command::Dlq(command) => dlq::run(&command, &open(&target).await?, console).await,
        Command::Replays(options) => replays::run(&options, &open(&target).await?, console).await,
        Command::SignIn => sign_in::run(&open(&target).await?, console).await,
    }
}
