//! The dashboard of a data folder.

use crate::answer::CommandError;
use anyhow::{Context as _, Result};
use spillway_core::{Pipeline, one_line};
use spillway_dashboard_embedded::SignInTokens;
use spillway_dashboard_server::embedded::{self, EmbeddedTokens};
use spillway_dashboard_server::{Assets, Deps, Environment, Sessions, bind, serve};
use spillway_embedded::Local;
use spillway_embedded::db::DataFolder;
use spillway_embedded::listener::{Hosts, is_host_name};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;

/// The dashboard's port, the names of this machine, and the files for the browser.
#[derive(Clone, Debug, clap::Args)]
pub struct PageOptions {
    /// Loopback port of the dashboard
    #[arg(long, value_name = "PORT", default_value_t = 3000)]
    pub(super) dashboard_port: u16,

    /// Further host name under which requests may come, such as that of a proxy on this machine; may be given more than
    /// once. With NAME.localhost, sign-in links have that name
    #[arg(long = "host", value_name = "NAME", value_parser = host_name)]
    hosts: Vec<String>,

    /// Folder with the browser's part of the dashboard, as `cargo xtask wasm` makes it. Without it, pages do not
    /// refresh automatically
    #[arg(long, value_name = "DIR")]
    site: Option<PathBuf>,
}

/// What the dashboard serves, and where.
pub struct OpenPages {
    /// Its open port.
    pub listener: TcpListener,
    /// Its files for the browser.
    pub assets: Assets,
    /// The names of this machine.
    pub hosts: Hosts,
    /// The dashboard's address.
    pub url: String,
    /// Where clients send events to, if this process serves the API.
    pub api: Option<String>,
}

impl PageOptions {
    /// Opens the port, and reads the files for the browser.
    pub async fn open(&self) -> Result<OpenPages> {
        let listener = bind(super::loopback(self.dashboard_port)).await?;
        let assets = match &self.site {
            Some(site) => Assets::with_site(site)
                .map_err(|error| CommandError::Usage(format!("--site: {}", one_line(&error))))?,
            None => Assets::without_scripts(),
        };
        let port = listener.local_addr()?.port();
        // Browsers send a host's cookies to all its ports. Under a name of its own, the dashboard's reach no other program.
        let own_name = self.hosts.iter().find(|name| name.ends_with(".localhost"));
        let url = format!("http://{}:{port}", own_name.map_or("127.0.0.1", String::as_str));
        Ok(OpenPages { listener, assets, hosts: self.hosts(), url, api: None })
    }

    /// The names of this machine.
    pub fn hosts(&self) -> Hosts {
        Hosts::new(&self.hosts)
    }
}

fn host_name(text: &str) -> Result<String, &'static str> {
    let text = text.to_ascii_lowercase();
    if is_host_name(&text) { Ok(text) } else { Err("write a host name only, such as events.example.com") }
}

/// Records the dashboard's address, and makes a one-time sign-in link.
pub async fn announce(folder: &Path, (pipeline, local): (&Pipeline, &Local), url: &str) -> Result<String> {
    let link = spillway_dashboard_embedded::announce(local, &pipeline.clock, url).await;
    link.with_context(|| format!("no sign-in link for {}", folder.display()))
}

/// A one-time sign-in link to a dashboard on a data folder. While a pipeline runs there, the folder keeps the address of the
/// pipeline's own dashboard: notifications and `spillway sign-in` link to it.
pub async fn announce_beside(folder: &Path, ports: (&Pipeline, &Local), url: &str) -> Result<String> {
    if !DataFolder::is_in_use(folder) {
        return announce(folder, ports, url).await;
    }
    let link = spillway_dashboard_embedded::sign_in_link_at(ports.1, &ports.0.clock, url).await;
    link.with_context(|| format!("no sign-in link for {}", folder.display()))
}

/// Serves the pages until `shutdown`.
pub async fn serve_pages(
    (pipeline, local): (&Pipeline, &Local),
    pages: OpenPages,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let demo = local.fact(crate::demo::DEMO).await?.is_some();
    let OpenPages { listener, assets, hosts, url: _, api } = pages;
    let environment = Environment { name: "this machine".to_owned(), demo, api, refresh_every: None };
    let deps = Deps {
        ports: embedded::ports(pipeline, local, environment),
        tokens: Arc::new(EmbeddedTokens(SignInTokens::open(local, &pipeline.clock).await?)),
        sessions: Arc::new(Sessions::new(Arc::clone(&pipeline.clock))),
        assets: Arc::new(assets),
        port: listener.local_addr()?.port(),
        hosts,
        sign_in_command: "spillway sign-in --embedded DIR",
    };
    Ok(serve(listener, deps, shutdown).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_below_localhost_is_the_name_in_links() {
        let open = async |hosts: &[&str]| {
            let hosts = hosts.iter().map(|name| host_name(name).unwrap()).collect();
            let options = PageOptions { dashboard_port: 0, hosts, site: None };
            let pages = options.open().await.unwrap();
            let port = pages.listener.local_addr().unwrap().port();
            pages.url.strip_suffix(&format!(":{port}")).unwrap().to_owned()
        };
        assert_eq!(open(&[]).await, "http://127.0.0.1");
        assert_eq!(open(&["events.example.com"]).await, "http://127.0.0.1");
        assert_eq!(open(&["events.example.com", "Shop-7f3a.localhost"]).await, "http://shop-7f3a.localhost");
        for wrong in ["", "http://a", "a:80", "a b", "a..b", "[::1]"] {
            assert!(host_name(wrong).is_err(), "{wrong}");
        }
    }
}
