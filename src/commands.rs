//! The commands, one file each.

pub mod alarms;
pub mod completions;
pub mod dashboard;
pub mod demo;
pub mod dlq;
pub mod events;
pub mod fault;
pub mod flow;
pub mod get;
pub mod incidents;
pub mod load;
pub mod man;
pub mod replays;
pub mod run;
pub mod schemas;
pub mod send;
mod sign_in;
pub mod status;
#[cfg(test)]
mod tests;

use crate::answer::{CommandError, ExitStatus};
use crate::arguments::{Arguments, Command};
use crate::backend::Backend;
use crate::console::Console;
use crate::target::{Place, Target};
use crate::watch::watched;

/// Runs what the command line asks for, on the pipeline that `open` opens.
pub async fn run(
    arguments: Arguments,
    open: impl AsyncFnOnce(&Target) -> anyhow::Result<Backend>,
    console: &mut Console,
) -> anyhow::Result<ExitStatus> {
    let Arguments { target, command, .. } = arguments;
    console.address(&target);
    if console.tsv() && !command.is_list() {
        let what = "this command prints no list: leave -o tsv out";
        return Err(CommandError::Usage(what.to_owned()).into());
    }
    match command {
        Command::Demo(options) => ended(demo::run(&options, &target, console).await, console),
        Command::Run(options) => ended(run::run(&options, &target, console).await, console),
        Command::Dashboard(options) => ended(dashboard::run(&options, &target, console).await, console),
        Command::Send(options) => send::run(&options, &target, console).await,
        Command::Load(options) => load::run(&options, &target, async || open(&target).await, console).await,
        Command::Get(options) => {
            let backend = open(&target).await?;
            watched(options.watch, &backend, console, async |console| {
                get::run(&options, &backend, console).await
            })
            .await
        }
        Command::Events(command) => events::run(&command, &open(&target).await?, console).await,
        Command::Flow(options) => {
            let backend = open(&target).await?;
            watched(options.watch, &backend, console, async |console| {
                flow::run(&options, &backend, console).await
            })
            .await
        }
        Command::Status(options) => {
            let backend = open(&target).await?;
            watched(options.watch, &backend, console, async |console| status::run(&backend, console).await)
                .await
        }
        Command::Fault(command) => {
            only_on_this_machine(&target, NO_FAULTS)?;
            fault::run(&command, &open(&target).await?, console).await
        }
        Command::Alarms(command) => alarms::run(&command, &target, console).await,
        Command::Incidents(command) => incidents::run(&command, &open(&target).await?, console).await,
        Command::Dlq(command) => dlq::run(&command, &open(&target).await?, console).await,
        Command::Replays(options) => {
            let backend = open(&target).await?;
            watched(options.watch, &backend, console, async |console| {
                replays::run(&options, &backend, console).await
            })
            .await
        }
        Command::Schemas(command) => schemas::run(&command, async || open(&target).await, console).await,
        Command::SignIn => {
            only_on_this_machine(&target, NO_LINKS)?;
            sign_in::run(&open(&target).await?, console).await
        }
        Command::Completions(options) => completions::run(&options, console),
        Command::Man(options) => man::run(&options, console),
    }
}

/// The exit code of a command that runs until it is asked to end: 1 if it could not start or failed, for any reason.
fn ended(result: anyhow::Result<()>, console: &mut Console) -> anyhow::Result<ExitStatus> {
    match result {
        Ok(()) => Ok(ExitStatus::Ok),
        Err(error) if ExitStatus::of(&error) == ExitStatus::Usage => Err(error),
        Err(error) => {
            console.error(&error);
            Ok(ExitStatus::No)
        }
    }
}

const NO_FAULTS: &str = "faults are for a pipeline on this machine: name its data folder with --embedded DIR";
const NO_LINKS: &str = "sign-in links are of a dashboard with --embedded DIR: spillway dashboard --topology FILE prints its \
                        own when it starts";

/// Reports the error before the program searches for AWS credentials.
fn only_on_this_machine(target: &Target, what: &str) -> Result<(), CommandError> {
    match target.place() {
        Ok(Place::Topology(_)) => Err(CommandError::Usage(what.to_owned())),
        Ok(Place::Embedded(_)) | Err(_) => Ok(()),
    }
}
