//! `spillway alarms`: check and compile the rules, list them with their states, and try them on recorded history.

mod backtest;
mod check;
mod compile;
mod list;
mod source;
#[cfg(test)]
mod tests;

use crate::answer::ExitStatus;
use crate::arguments::Target;
use crate::console::Console;
use clap::Subcommand;

/// What to do with alarms.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run the rules' scenarios, and look for rules that would not do what their author thinks
    Check(check::Options),
    /// Write the rules as the JSON that Terraform reads
    Compile(compile::Options),
    /// List the rules with what they mean; with a pipeline named, how each is and since when
    List(list::Options),
    /// Say what the rules would have told over recorded history
    Backtest(backtest::Options),
}

/// Runs the command.
pub async fn run(command: &Command, target: &Target, console: &mut Console) -> anyhow::Result<ExitStatus> {
    match command {
        Command::Check(options) => check::run(options, console),
        Command::Compile(options) => compile::run(options, console),
        Command::List(options) => list::run(options, target, console).await,
        Command::Backtest(options) => backtest::run(options, target, console).await,
    }
}
