//! The demo as a separate process, as users start it.

use crate::Setting;
use crate::client::{Answer, Connection};
use anyhow::{Context, Result, bail};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

/// Maximum time that a demo takes to make its history and to start.
const START_TIMEOUT: Duration = Duration::from_secs(180);

/// A running demo; it ends when this is dropped.
pub struct Demo {
    child: Child,
    /// The address to which events are sent; that of the dashboard if there is no API.
    pub api: SocketAddr,
    /// The address of the dashboard.
    pub dashboard: SocketAddr,
    /// Time from the start of the process until it prints the dashboard's address.
    pub ready_s: f64,
    sign_in: String,
}

impl Demo {
    /// Starts the demo on an empty folder, with free ports, and waits until it prints its addresses.
    pub async fn start(setting: &Setting, folder: &Path, flags: &[&str]) -> Result<Self> {
        Self::start_as(setting, "demo", folder, flags).await
    }

    /// The same with another command: `run` has no demo's data. `dashboard` runs no pipeline, and so it has no API.
    pub async fn start_as(setting: &Setting, how: &str, folder: &Path, flags: &[&str]) -> Result<Self> {
        let has_api = how != "dashboard";
        let program = setting.program();
        let log = folder.with_extension("log");
        let mut command = Command::new(&program);
        command.args([how, "--embedded"]).arg(folder).args(["--dashboard-port", "0"]).args(flags);
        if has_api {
            command.args(["--api-port", "0"]);
        }
        if let Some(site) = &setting.site {
            command.arg("--site").arg(site);
        }
        let begun = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log)?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| {
                format!("cannot start {}; build it with `cargo build --release`", program.display())
            })?;
        let stdout = child.stdout.take().context("the demo has no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let mut api = None;
        let addresses = async {
            while let Some(line) = lines.next_line().await? {
                if let Some(url) = line.strip_prefix("API ") {
                    api = Some(address(url)?.0);
                }
                if let Some(url) = line.strip_prefix("Dashboard ") {
                    let (dashboard, path) = address(url)?;
                    if !has_api {
                        api = Some(dashboard);
                    }
                    return Ok((api.context("the demo does not say where its API is")?, dashboard, path));
                }
            }
            bail!("the demo ended before it was ready")
        };
        let printed = match timeout(START_TIMEOUT, addresses).await {
            Ok(printed) => printed,
            Err(_) => bail!("the demo was not ready within {START_TIMEOUT:?}"),
        };
        let (api, dashboard, sign_in) = printed.with_context(|| {
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            format!("{} printed: {}", program.display(), log.trim())
        })?;
        Ok(Self { child, api, dashboard, ready_s: begun.elapsed().as_secs_f64(), sign_in })
    }

    /// Its process id.
    pub fn process(&self) -> Result<u32> {
        self.child.id().context("the demo has ended unexpectedly")
    }

    /// Signs in with the printed link, which works once. Returns the session's cookie.
    pub async fn sign_in(&self) -> Result<Session> {
        let mut connection = Connection::open(self.dashboard).await?;
        let request = format!("GET {} HTTP/1.1\r\nhost: {}\r\n\r\n", self.sign_in, self.dashboard);
        let answer = connection.answer(request.as_bytes()).await?;
        let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
        let cookie =
            cookie.with_context(|| format!("signing in returned no session but {}", answer.status))?;
        Ok(Session { host: self.dashboard, cookie: cookie.to_owned() })
    }
}

#[derive(Clone)]
pub struct Session {
    host: SocketAddr,
    cookie: String,
}

impl Session {
    /// A request for a page.
    pub fn request(&self, path: &str, encoding: &str) -> Vec<u8> {
        format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\naccept: text/html\r\naccept-encoding: {encoding}\r\n\r\n",
            self.host, self.cookie
        )
        .into_bytes()
    }

    /// Gets a page over a new connection.
    pub async fn get(&self, path: &str, encoding: &str) -> Result<Answer> {
        let mut connection = Connection::open(self.host).await?;
        connection.answer(&self.request(path, encoding)).await.with_context(|| format!("GET {path}"))
    }
}

/// Host and path of a URL.
fn address(url: &str) -> Result<(SocketAddr, String)> {
    let rest = url.trim().strip_prefix("http://").with_context(|| format!("{url} is no address"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    Ok((host.parse().with_context(|| format!("{host} is no address"))?, format!("/{path}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_from_what_the_demo_prints() {
        let (host, path) = address("http://127.0.0.1:3000/sign-in?token=abc").unwrap();
        assert_eq!((host.port(), &*path), (3000, "/sign-in?token=abc"));
        assert_eq!(address("http://127.0.0.1:8080").unwrap().1, "/");
        assert!(address("https://example.com/").is_err());
    }
}
