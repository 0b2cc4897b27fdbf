//! `spillway alarms`: check and compile the rules, list them with their states, and try them on recorded history.

mod backtest;
mod check;
mod compile;
mod list;
mod source;
#[cfg(test)]
mod tests;

use crate::answer::ExitStatus;
use crate::console::Console;
use crate::target::Target;
use clap::Subcommand;

/// What to do with alarms.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run the rules' scenarios, and find questionable rules
    Check(check::Options),
    /// Write the rules as the JSON that Terraform reads
    Compile(compile::Options),
    /// List the rules with their meaning; with a pipeline named, also the state of each and since when
    List(list::Options),
    /// Show which notifications the rules would have sent over recorded history
    Backtest(backtest::Options),
}

impl Command {
    /// Whether it prints a list.
    pub fn is_list(&self) -> bool {
        matches!(self, Self::List(_))
    }
}

pub async fn run(command: &Command, target: &Target, console: &mut Console) -> anyhow::Result<ExitStatus> {
    match command {
        Command::Check(options) => check::run(options, console),
        Command::Compile(options) => compile::run(options, console),
        Command::List(options) => list::run(options, target, console).await,
        Command::Backtest(options) => backtest::run(options, target, console).await,
    }
}
