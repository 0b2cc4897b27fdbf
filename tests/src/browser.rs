//! The dashboard in Chromium, operated as a user does: by the text on links and buttons.

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

/// Flags without which Chromium would access the network, need a screen, or ask questions.
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
/// The value in a profile's content settings that blocks a feature.
const BLOCKED: u8 = 2;
/// How often the driver is started until it listens.
const DRIVER_STARTS: u32 = 3;

/// The browser's settings.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether pages may run scripts.
    pub javascript: bool,
    /// Width of the page in CSS pixels.
    pub width: u32,
    /// Height of the page in CSS pixels.
    pub height: u32,
    /// Whether the user's system prefers dark pages.
    pub dark: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { javascript: true, width: 1280, height: 900, dark: false }
    }
}

/// A browser with one tab and a new profile; it ends with the test.
#[derive(Debug)]
pub struct Browser {
    /// The WebDriver client, for actions that this type does not offer.
    pub client: Client,
    driver_at: SocketAddr,
    session: String,
    _driver: Child,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser.
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
        let Value::Object(capabilities) = capabilities else { unreachable!("the value is a JSON object") };
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

    /// Starts a browser and signs in with the system's one-time link.
    pub async fn signed_in(system: &System, options: Options) -> Self {
        let browser = Self::start(options).await;
        browser.open(system.sign_in()).await;
        browser.at("/").await;
        browser
    }

    /// Signs in with a new one-time link in another tab, and returns to this one.
    pub async fn sign_in_in_another_tab(&self, system: &System) {
        let link = system.json(&["sign-in"]).await["url"].as_str().expect("a link").to_owned();
        let here = self.client.window().await.expect("a tab has a handle");
        let tab = self.client.new_window(true).await.expect("a tab can be opened").handle;
        self.client.switch_to_window(tab).await.expect("it can be shown");
        self.open(&link).await;
        self.at("/").await;
        self.client.close_window().await.expect("it can be closed");
        self.client.switch_to_window(here).await.expect("the first tab is still there");
    }

    /// Sets the size of the page, which may be smaller than a window can be.
    pub async fn resize(&self, width: u32, height: u32) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.cdp("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Opens an address.
    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// The browser's current path and query.
    pub async fn place(&self) -> String {
        let url = self.client.current_url().await.expect("a tab has an address");
        url.query().map_or(url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    /// Waits until the browser is at a path.
    pub async fn at(&self, path: &str) {
        eventually(&format!("the browser is at {path}"), async || {
            let place = self.place().await;
            if place.split('?').next() == Some(path) { Ok(()) } else { Err(place) }
        })
        .await;
    }

    /// The visible text of the page.
    pub async fn text(&self) -> Result<String, CmdError> {
        self.client.find(Locator::Css("body")).await?.text().await
    }

    /// Waits until the page shows a text.
    pub async fn see(&self, text: &str) {
        eventually(&format!("the page shows \"{text}\""), async || {
            let seen = self.text().await.unwrap_or_else(|error| error.to_string());
            if seen.contains(text) { Ok(()) } else { Err(seen) }
        })
        .await;
    }

    /// Waits for an element by a CSS selector.
    pub async fn find(&self, selector: &str) -> Element {
        let found = self.client.wait().at_most(SOON).for_element(Locator::Css(selector)).await;
        found.unwrap_or_else(|error| panic!("no element of the page matches {selector}: {error}"))
    }

    /// Whether the page has an element for a CSS selector now.
    pub async fn has(&self, selector: &str) -> bool {
        self.client.find(Locator::Css(selector)).await.is_ok()
    }

    /// Clicks the first link or button whose text begins with these words. A page that refreshes itself may replace the
    /// element at the moment of the click; then the click is repeated.
    pub async fn click(&self, words: &str) {
        let path = format!(
            "//*[self::a or self::button or self::summary][starts-with(normalize-space(.), \"{words}\") or \
             starts-with(@aria-label, \"{words}\") or starts-with(@title, \"{words}\")]"
        );
        eventually(&format!("\"{words}\" can be clicked"), async || {
            for element in self.client.find_all(Locator::XPath(&path)).await? {
                if element.is_displayed().await? {
                    let clicked = element.click().await;
                    if clicked.is_err() {
                        // A bar at the window's edge may cover it. A reader would scroll.
                        let center = "arguments[0].scrollIntoView({ block: 'center' })";
                        self.client.execute(center, vec![json!(element)]).await?;
                    }
                    return clicked;
                }
            }
            Err(CmdError::NotJson("there is no such link or button".to_owned()))
        })
        .await;
    }

    /// Sends keys to the element that has the focus.
    pub async fn press(&self, keys: &str) {
        let active = self.client.active_element().await.expect("an element has the focus");
        active.send_keys(keys).await.expect("it accepts keys");
    }

    /// Runs a script in the page and returns its value.
    pub async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits until the page's scripts have started.
    pub async fn alive(&self) {
        self.find("html[data-islands]").await;
    }

    /// Problems in the browser's console since the last call: errors, failed requests, and violations of the content
    /// security policy.
    pub async fn errors(&self) -> Vec<String> {
        let entries = self.client.issue_cmd(ConsoleLog).await.expect("the console can be read");
        let entries = entries.as_array().cloned().unwrap_or_default();
        let said = entries.iter().filter_map(|entry| {
            let message = entry["message"].as_str()?;
            let bad = entry["level"] == "SEVERE" || message.contains("Content Security Policy");
            bad.then(|| message.to_owned())
        });
        said.collect()
    }

    /// The number of CSS pixels by which the page is wider than the window.
    pub async fn overflow(&self) -> i64 {
        let script = "const root = document.documentElement; return root.scrollWidth - root.clientWidth;";
        self.run(script).await.as_i64().unwrap_or(i64::MAX)
    }

    /// The whole page as a PNG, at any height.
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
    /// Asks the driver to end the browser, which would otherwise continue without the driver. This may run while a
    /// failed test unwinds, so it uses no asynchronous code.
    fn drop(&mut self) {
        let Ok(mut stream) = TcpStream::connect(self.driver_at) else { return };
        let request = format!(
            "DELETE /session/{} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
            self.session, self.driver_at
        );
        let asked = stream.set_read_timeout(Some(SOON)).and_then(|()| stream.write_all(request.as_bytes()));
        if asked.is_ok() {
            // The content of the answer does not matter: either the browser has ended, or nothing more can be done.
            let _ = stream.read(&mut [0; 1024]);
        }
    }
}

/// Starts the driver. It chooses a port itself, and ends if another program takes that port first.
async fn start_driver() -> (Child, u16) {
    for _ in 0..DRIVER_STARTS {
        if let Some(driver) = try_driver().await {
            return driver;
        }
    }
    panic!("chromedriver ended {DRIVER_STARTS} times without printing its port");
}

/// `None` if the driver ended before it listened.
async fn try_driver() -> Option<(Child, u16)> {
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
                return Some(port);
            }
        }
        None
    };
    let port = tokio::time::timeout(Duration::from_secs(60), port).await.expect("chromedriver starts")?;
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Some((driver, port))
}
