//! `spillway dashboard`: the dashboard without a pipeline.

#[cfg(feature = "aws")]
mod aws;

use crate::console::Console;
use crate::system::{self, PageOptions};
use crate::target::{Place, Target};
use clap::Args;
use spillway_embedded::Pipeline;
use std::path::Path;

/// Options of `dashboard`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    #[command(flatten)]
    pages: PageOptions,
}

/// Runs until the process is asked to end.
pub async fn run(options: &Options, target: &Target, console: &mut Console) -> anyhow::Result<()> {
    match target.place()? {
        Place::Embedded(folder) => beside_a_pipeline(options, folder, console).await,
        #[cfg(feature = "aws")]
        Place::Topology(file) => aws::run(options, file, console).await,
        #[cfg(not(feature = "aws"))]
        Place::Topology(_) => Err(crate::backend::built_without_aws().into()),
    }
}

/// The dashboard of a pipeline that another process runs on the folder.
async fn beside_a_pipeline(options: &Options, folder: &Path, console: &mut Console) -> anyhow::Result<()> {
    let asked_to_end = system::asked_to_end()?;
    system::log_to_standard_error();
    let pages = options.pages.open().await?;
    let (pipeline, local) = Pipeline::attach(folder).await?;
    let url = system::announce_beside(folder, (&pipeline, &local), &pages.url).await?;
    system::announce_to(console, None, &url);
    system::serve_pages((&pipeline, &local), pages, asked_to_end).await
}
