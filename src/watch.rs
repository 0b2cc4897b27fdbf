//! `--watch`: runs a command that reads again and again, and shows what it prints.

use crate::answer::ExitStatus;
use crate::backend::{Backend, Site};
use crate::console::Console;
use crate::values;
use clap::Args;
use std::time::Duration;

/// How often a pipeline on this machine is read.
const EVERY: Duration = Duration::from_secs(2);
/// The same in AWS, where each read costs.
const EVERY_IN_AWS: Duration = Duration::from_secs(30);

/// Whether and how often to repeat a command.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Watch {
    /// Repeat until Ctrl-C, every SPAN [default: 2s, in AWS 30s]; prints the answer again only if it has changed
    #[arg(long, value_name = "SPAN", num_args = 0..=1, require_equals = true, value_parser = values::span)]
    watch: Option<Option<Duration>>,
}

/// Runs a command once, or again and again.
pub async fn watched(
    watch: Watch,
    backend: &Backend,
    console: &mut Console,
    command: impl AsyncFn(&mut Console) -> anyhow::Result<ExitStatus>,
) -> anyhow::Result<ExitStatus> {
    let Some(every) = watch.watch else { return command(console).await };
    let every = every.unwrap_or(match backend.site {
        Site::Local(_) => EVERY,
        Site::Aws(_) => EVERY_IN_AWS,
    });
    let (mut shown, mut failed) = (None, None);
    loop {
        let (result, kept) = console.page(&command).await;
        match result {
            Ok(_) => failed = None,
            // It may be there, or answer, the next time.
            Err(error) if [ExitStatus::NotFound, ExitStatus::TryAgain].contains(&ExitStatus::of(&error)) => {
                let why = error.to_string();
                if failed.as_ref() != Some(&why) {
                    console.error(&error);
                    failed = Some(why);
                }
            }
            Err(error) => return Err(error),
        }
        if !kept.page.is_empty() && shown.as_ref() != Some(&kept.answer) {
            console.show(&kept.page)?;
            shown = Some(kept.answer);
        }
        backend.pipeline.clock.sleep(every).await;
    }
}
