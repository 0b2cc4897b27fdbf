//! `spillway demo`: a system with a day of history and live traffic.

use crate::console::Console;
use crate::system::{self, MadeUp};
use crate::target::Target;
use clap::Args;
use std::path::Path;

/// The demo's data folder if the command line names none.
const FOLDER: &str = ".spillway";

const LONG_HELP: &str = "\
Without --embedded, the data is in .spillway. An empty folder gets 24 hours of history, which the pipeline makes in virtual \
time; a folder with data is used as it is.";

/// Options of `demo`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// Without 24 hours of demo history
    #[arg(long)]
    no_history: bool,
    /// Without live traffic
    #[arg(long)]
    no_traffic: bool,
    #[command(flatten)]
    system: system::SystemOptions,
}

/// Runs until the process is asked to end.
pub async fn run(options: &Options, target: &Target, console: &mut Console) -> anyhow::Result<()> {
    let folder = match (&target.embedded, &target.topology) {
        (None, None) => Path::new(FOLDER),
        _ => target.folder()?,
    };
    let made_up = MadeUp { history: !options.no_history, traffic: !options.no_traffic };
    system::run(folder, &options.system, made_up, console).await
}
