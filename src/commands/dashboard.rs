//! `spillway dashboard`: the dashboard without a pipeline.

#[cfg(feature = "aws")]
mod aws;

use crate::system::{self, PageOptions, print_line};
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
pub async fn run(options: &Options, target: &Target) -> anyhow::Result<()> {
    match target.place()? {
        Place::Embedded(folder) => beside_a_pipeline(options, folder).await,
        #[cfg(feature = "aws")]
        Place::Topology(file) => aws::run(options, file).await,
        #[cfg(not(feature = "aws"))]
        Place::Topology(_) => Err(crate::backend::built_without_aws().into()),
    }
}

/// The dashboard of a pipeline that another process runs on the folder.
async fn beside_a_pipeline(options: &Options, folder: &Path) -> anyhow::Result<()> {
    system::log_to_standard_error();
    let pages = options.pages.open().await?;
    let (pipeline, local) = Pipeline::attach(folder).await?;
    let url = system::announce_beside(folder, (&pipeline, &local), &pages.url).await?;
    let asked_to_end = system::asked_to_end()?;
    print_line(&format!("Dashboard {url}"));
    system::serve_pages((&pipeline, &local), pages, asked_to_end).await
}
