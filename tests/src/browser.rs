//! The dashboard in Chromium, driven as a person would: by what is written on links and buttons.

mod commands;

use crate::programs::programs;
use crate::system::System;
use crate::wait::{SOON, eventually};
use commands::{Cdp, ConsoleLog};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// Nothing that reaches for the network, needs a screen, or asks questions.
const FLAGS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];
/// Content settings of a profile: 2 blocks.
const BLOCKED: u8 = 2;

/// How the browser is set up.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether pages may run scripts.
    pub javascript: bool,
    /// Width of the page in CSS pixels.
    pub width: u32,
    /// Height of the page in CSS pixels.
    pub height: u32,
    /// Whether the reader's system asks for dark pages.
    pub dark: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { javascript: true, width: 1280, height: 900, dark: false }
    }
}

/// A browser with one tab and a fresh profile; it ends with the test.
#[derive(Debug)]
pub struct Browser {
    /// The WebDriver client, for what has no word of its own here.
    pub client: Client,
    driver_at: SocketAddr,
    session: String,
    _driver: Child,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser.
    ///
    /// # Panics
    /// When Chromium or its driver is not installed or does not start.
    pub async fn start(options: Options) -> Self {
        let profile = tempfile::Builder::new().prefix("spillway-chromium-").tempdir().expect("a folder");
        let (driver, port) = start_driver().await;
        let driver_at = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).into();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        flags.push(format!("--window-size={},{}", options.width, options.height));
        let mut preferences = json!({});
        if !options.javascript {
            preferences["profile.managed_default_content_settings.javascript"] = BLOCKED.into();
        }
        let capabilities = json!({
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"binary": programs().chromium, "args": flags, "prefs": preferences},
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("it is written so") };
        let connected = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://{driver_at}"))
            .await;
        let client = connected.unwrap_or_else(|error| panic!("Chromium does not start: {error}"));
        let session = client.session_id().await.ok().flatten().expect("a session has an id");
        let browser = Self { client, driver_at, session, _driver: driver, _profile: profile };
        browser.resize(options.width, options.height).await;
        if options.dark {
            let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
            browser.cdp("Emulation.setEmulatedMedia", dark).await;
        }
        browser
    }

    /// Starts a browser and signs in by the system's one-time link.
    ///
    /// # Panics
    /// When the overview does not show up.
    pub async fn signed_in(system: &System, options: Options) -> Self {
        let browser = Self::start(options).await;
        browser.open(system.sign_in()).await;
        browser.at("/").await;
        browser
    }

    /// Makes the page this large, smaller than a window could be.
    pub async fn resize(&self, width: u32, height: u32) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.cdp("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Opens an address.
    ///
    /// # Panics
    /// When it can't be loaded.
    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// Where the browser is: path and query.
    ///
    /// # Panics
    /// When the browser does not tell.
    pub async fn place(&self) -> String {
        let url = self.client.current_url().await.expect("a tab has an address");
        url.query().map_or(url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    /// Waits until the browser is at a path.
    ///
    /// # Panics
    /// When it never gets there.
    pub async fn at(&self, path: &str) {
        eventually(&format!("the browser is at {path}"), async || {
            let place = self.place().await;
            if place.split('?').next() == Some(path) { Ok(()) } else { Err(place) }
        })
        .await;
    }

    /// What can be read on the page.
    ///
    /// # Errors
    /// The page is changing.
    pub async fn text(&self) -> Result<String, CmdError> {
        self.client.find(Locator::Css("body")).await?.text().await
    }

    /// Waits until a text can be read on the page.
    ///
    /// # Panics
    /// When it never can.
    pub async fn see(&self, text: &str) {
        eventually(&format!("the page says \"{text}\""), async || {
            let seen = self.text().await.unwrap_or_else(|error| error.to_string());
            if seen.contains(text) { Ok(()) } else { Err(seen) }
        })
        .await;
    }

    /// Waits for an element by a CSS selector.
    ///
    /// # Panics
    /// When it never is there.
    pub async fn find(&self, selector: &str) -> Element {
        let found = self.client.wait().at_most(SOON).for_element(Locator::Css(selector)).await;
        found.unwrap_or_else(|error| panic!("nothing on the page is {selector}: {error}"))
    }

    /// Whether there is an element for a CSS selector now.
    pub async fn has(&self, selector: &str) -> bool {
        self.client.find(Locator::Css(selector)).await.is_ok()
    }

    /// Clicks the first link or button whose words begin like this. Pages that refresh themselves may replace it in
    /// the very moment of the click; then it is tried again.
    ///
    /// # Panics
    /// When there is none that can be clicked.
    pub async fn click(&self, words: &str) {
        let path = format!(
            "//*[self::a or self::button or self::summary][starts-with(normalize-space(.), \"{words}\") or \
             starts-with(@aria-label, \"{words}\") or starts-with(@title, \"{words}\")]"
        );
        eventually(&format!("\"{words}\" can be clicked"), async || {
            for element in self.client.find_all(Locator::XPath(&path)).await? {
                if element.is_displayed().await? {
                    return element.click().await;
                }
            }
            Err(CmdError::NotJson("there is no such link or button".to_owned()))
        })
        .await;
    }

    /// Sends keys to whatever has the focus.
    ///
    /// # Panics
    /// When nothing takes them.
    pub async fn press(&self, keys: &str) {
        let active = self.client.active_element().await.expect("something has the focus");
        active.send_keys(keys).await.expect("it takes keys");
    }

    /// Runs a script in the page and returns its value.
    ///
    /// # Panics
    /// When it fails.
    pub async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits until scripts have brought the page to life.
    pub async fn alive(&self) {
        self.find("html[data-islands]").await;
    }

    /// What went wrong according to the browser's console since this was asked last: errors, failed requests, and
    /// violations of the content security policy.
    ///
    /// # Panics
    /// When the browser does not tell.
    pub async fn troubles(&self) -> Vec<String> {
        let entries = self.client.issue_cmd(ConsoleLog).await.expect("the console can be read");
        let entries = entries.as_array().cloned().unwrap_or_default();
        let said = entries.iter().filter_map(|entry| {
            let message = entry["message"].as_str()?;
            let bad = entry["level"] == "SEVERE" || message.contains("Content Security Policy");
            bad.then(|| message.to_owned())
        });
        said.collect()
    }

    /// How many CSS pixels the page is wider than the window.
    pub async fn overflow(&self) -> i64 {
        let script = "const root = document.documentElement; return root.scrollWidth - root.clientWidth;";
        self.run(script).await.as_i64().unwrap_or(i64::MAX)
    }

    /// The whole page as a PNG, however long it is.
    ///
    /// # Panics
    /// When the browser does not draw it.
    pub async fn picture(&self, width: u32) -> Vec<u8> {
        self.cdp("Emulation.setScrollbarsHidden", json!({"hidden": true})).await;
        let height = self.run("return document.documentElement.scrollHeight").await.as_u64().unwrap_or(900);
        self.resize(width, u32::try_from(height.clamp(600, 8_000)).unwrap_or(900)).await;
        self.client.screenshot().await.expect("a page can be drawn")
    }

    async fn cdp(&self, command: &'static str, parameters: Value) -> Value {
        let done = self.client.issue_cmd(Cdp { command, parameters }).await;
        done.unwrap_or_else(|error| panic!("{command}: {error}"))
    }
}

impl Drop for Browser {
    /// Asks the driver to end the browser, which would live on without it. Also while a failed test unwinds, so
    /// without anything asynchronous.
    fn drop(&mut self) {
        let Ok(mut stream) = TcpStream::connect(self.driver_at) else { return };
        let request = format!(
            "DELETE /session/{} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
            self.session, self.driver_at
        );
        let asked = stream.set_read_timeout(Some(SOON)).and_then(|()| stream.write_all(request.as_bytes()));
        if asked.is_ok() {
            // Whatever it answers: the browser has ended then, or nothing more can be done.
            let _ = stream.read(&mut [0; 1024]);
        }
    }
}

async fn start_driver() -> (Child, u16) {
    let program = &programs().chromedriver;
    let mut command = Command::new(program);
    command
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut driver = command.spawn().unwrap_or_else(|error| {
        panic!(
            "{}: {error}; install it (Debian: apt-get install chromium chromium-driver)",
            program.display()
        )
    });
    let mut lines = BufReader::new(driver.stdout.take().expect("it is piped")).lines();
    let port = async {
        while let Ok(Some(line)) = lines.next_line().await {
            let port = line.split_once("successfully on port ").map(|(_, port)| port.trim_end_matches('.'));
            if let Some(port) = port.and_then(|port| port.parse().ok()) {
                return port;
            }
        }
        panic!("chromedriver did not say its port");
    };
    let port = tokio::time::timeout(Duration::from_secs(60), port).await.expect("chromedriver starts");
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (driver, port)
}
