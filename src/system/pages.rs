//! The dashboard of a data folder.

use anyhow::{Context as _, Result};
use spillway_core::Pipeline;
use spillway_dashboard_embedded::SignIns;
use spillway_dashboard_server::embedded::{self, EmbeddedSignIns};
use spillway_dashboard_server::{Assets, Deps, Environment, bind, serve};
use spillway_embedded::Local;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;

/// The dashboard's port, and its files for the browser.
#[derive(Clone, Debug, clap::Args)]
pub struct PageOptions {
    /// Loopback port of the dashboard
    #[arg(long, value_name = "PORT", default_value_t = 3000)]
    dashboard_port: u16,

    /// Folder with the browser's part of the dashboard, as `cargo xtask wasm` makes it. Without it, pages do not
    /// refresh automatically
    #[arg(long, value_name = "DIR")]
    site: Option<PathBuf>,
}

impl PageOptions {
    /// Opens the port, and reads the files for the browser.
    pub async fn open(&self) -> Result<(TcpListener, Assets)> {
        let listener = bind(super::loopback(self.dashboard_port)).await?;
        let assets = match &self.site {
            Some(site) => Assets::with_site(site)?,
            None => Assets::without_scripts(),
        };
        Ok((listener, assets))
    }
}

/// Records the dashboard's address, and makes a one-time sign-in link.
pub async fn announce(
    folder: &Path,
    (pipeline, local): (&Pipeline, &Local),
    listener: &TcpListener,
) -> Result<String> {
    let url = format!("http://127.0.0.1:{}", listener.local_addr()?.port());
    let link = spillway_dashboard_embedded::announce(local, &pipeline.clock, &url).await;
    link.with_context(|| format!("no sign-in link for {}", folder.display()))
}

/// Serves the pages until `shutdown`.
pub async fn serve_pages(
    folder: &Path,
    (pipeline, local): (&Pipeline, &Local),
    assets: Assets,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let demo = local.fact(crate::demo::DEMO).await?.is_some();
    let environment = Environment { name: "this machine".to_owned(), demo, refresh_every: None };
    let deps = Deps {
        ports: embedded::ports(folder, pipeline, local, environment),
        sign_ins: Arc::new(EmbeddedSignIns(SignIns::open(local, &pipeline.clock).await?)),
        assets: Arc::new(assets),
        port: listener.local_addr()?.port(),
        sign_in_command: format!("spillway sign-in --embedded {}", folder.display()),
    };
    Ok(serve(listener, deps, shutdown).await?)
}
