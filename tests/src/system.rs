//! One running system with a separate folder.

use crate::command::{Output, clean, run};
use crate::http::{Answer, Request, send};
use crate::programs::programs;
use crate::wait::{SOON, eventually};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};

/// Time limit for the two start lines of a system, including a day of history if it makes one.
const START: Duration = Duration::from_secs(120);

/// The settings of a system. The default is an empty system with the usual options.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// JSON Schemas by event type.
    pub schemas: Vec<(&'static str, Value)>,
    /// The data folder; `None` is a temporary folder.
    pub data: Option<PathBuf>,
    /// Whether the browser's part is served.
    pub site: bool,
    /// Whether it is the demo: history and traffic, unless `words` say otherwise.
    pub demo: bool,
    /// Additional words on the command line, such as `--no-traffic`.
    pub words: Vec<&'static str>,
    /// Words in front of the command line: a program that starts the system in a special way.
    pub wrapper: Vec<&'static str>,
}

/// A running system; it ends with the test.
#[derive(Debug)]
pub struct System {
    folder: TempDir,
    setup: Setup,
    running: Option<Running>,
    log: Log,
}

/// A dashboard that runs no pipeline; it ends when this is dropped.
#[derive(Debug)]
pub struct Beside {
    /// The sign-in link.
    pub url: String,
    _child: Child,
}

impl Beside {
    /// Starts the dashboard that a command runs, and waits until it prints its address.
    pub async fn start(command: Command) -> Self {
        Self::logging(command, &Log::default()).await
    }

    async fn logging(mut command: Command, log: &Log) -> Self {
        clean(&mut command).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a dashboard can be started");
        log.follow(child.stderr.take().expect("it is piped"));
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let said = tokio::time::timeout(START, lines.next_line()).await;
        let line = said.ok().and_then(Result::ok).flatten().unwrap_or_default();
        let Some(url) = line.strip_prefix("Dashboard ") else {
            panic!("the dashboard did not print its address, but \"{line}\":\n{}", log.text());
        };
        Self { url: url.to_owned(), _child: child }
    }

    /// Gets a page by its path or by its URL, with a cookie.
    pub async fn get(&self, path: &str, cookie: &str) -> Answer {
        let (host, _) =
            self.url.trim_start_matches("http://").split_once('/').expect("the line is as documented");
        let path = path.strip_prefix("http://").and_then(|url| url.strip_prefix(host)).unwrap_or(path);
        let request = Request::to("GET", path).header("host", host).header("accept", "text/html");
        let request = request.header("cookie", cookie).header("connection", "close");
        let address = host.parse().expect("an address");
        send(address, &request).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

#[derive(Debug)]
struct Running {
    child: Child,
    api: SocketAddr,
    sign_in: String,
}

/// The system's standard error, over all its restarts.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn follow(&self, stream: impl AsyncRead + Send + Unpin + 'static) {
        let log = self.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(stream).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let mut text = log.0.lock().unwrap_or_else(PoisonError::into_inner);
                text.push_str(&line);
                text.push('\n');
            }
        });
    }

    fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl System {
    /// An empty system in a temporary folder.
    pub async fn start_empty() -> Self {
        Self::start(Setup::default()).await
    }

    /// Starts a system and waits until it prints its addresses.
    pub async fn start(setup: Setup) -> Self {
        let folder = tempfile::Builder::new().prefix("spillway-journey-").tempdir().expect("a folder");
        let mut system = Self { folder, setup, running: None, log: Log::default() };
        if !system.setup.schemas.is_empty() {
            std::fs::create_dir_all(system.schemas()).expect("a folder for schemas");
        }
        for (event_type, schema) in &system.setup.schemas {
            system.write_schema(event_type, schema);
        }
        system.launch(0, 0).await;
        system
    }

    /// Starts a system that is expected to refuse, and returns its output.
    pub async fn refused(words: &[&str]) -> Output {
        let mut command = Command::new(programs().spillway());
        run(command.args(words)).await
    }

    /// Ends the system suddenly, like a power cut.
    pub async fn kill(&mut self) {
        let mut running = self.running.take().expect("it runs");
        running.child.kill().await.expect("the test may kill its own process");
    }

    /// Asks the system to end, and waits for it.
    pub async fn stop(&mut self) {
        let mut running = self.running.take().expect("it runs");
        let pid = running.child.id().expect("it runs").to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status().await.expect("every system has kill");
        assert!(asked.success());
        let ended = tokio::time::timeout(SOON, running.child.wait()).await;
        let status = ended.expect("it ends when it is asked to").expect("it can be waited for");
        assert!(status.success(), "{status}: {}", self.log.text());
    }

    /// The ports of the API and the dashboard.
    pub fn ports(&self) -> (u16, u16) {
        let dashboard = self.dashboard().rsplit(':').next().and_then(|port| port.parse().ok());
        (self.api().port(), dashboard.expect("the line is as documented"))
    }

    /// Starts the system again on the same ports, where its clients expect it.
    pub async fn start_again(&mut self, (api, dashboard): (u16, u16)) {
        assert!(self.running.is_none(), "it runs already");
        self.launch(api, dashboard).await;
    }

    async fn launch(&mut self, api_port: u16, dashboard_port: u16) {
        let program = programs().spillway();
        let mut command = match self.setup.wrapper.split_first() {
            None => Command::new(program),
            Some((wrapper, words)) => {
                let mut command = Command::new(wrapper);
                command.args(words).arg(program);
                command
            }
        };
        command.arg(if self.setup.demo { "demo" } else { "run" });
        command.arg("--embedded").arg(self.data());
        command.arg("--api-port").arg(api_port.to_string());
        command.arg("--dashboard-port").arg(dashboard_port.to_string());
        if self.setup.site {
            command.arg("--site").arg(programs().site());
        }
        command.args(&self.setup.words);
        clean(&mut command).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the system can be started");
        self.log.follow(child.stderr.take().expect("it is piped"));
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let both = async {
            let mut said = (None, None);
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(url) = line.strip_prefix("API ") {
                    said.0 = Some(url.to_owned());
                } else if let Some(url) = line.strip_prefix("Dashboard ") {
                    said.1 = Some(url.to_owned());
                }
                if let (Some(api), Some(dashboard)) = &said {
                    return Some((api.clone(), dashboard.clone()));
                }
            }
            None
        };
        let said = tokio::time::timeout(START, both).await.ok().flatten();
        let Some((api, sign_in)) = said else {
            panic!("the system did not print its addresses, but:\n{}", self.log.text());
        };
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let address = api.strip_prefix("http://").and_then(|url| url.strip_suffix("/events"));
        let api = address.and_then(|address| address.parse().ok()).expect("the API's line is as documented");
        self.running = Some(Running { child, api, sign_in });
    }

    /// Starts another dashboard on this system's folder, and waits until it prints its address.
    pub async fn attach(&self) -> Beside {
        let mut command = Command::new(programs().spillway());
        command.arg("dashboard").arg("--embedded").arg(self.data()).args(["--dashboard-port", "0"]);
        Beside::logging(command, &self.log).await
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("the system runs")
    }

    /// The address of the API.
    pub fn api(&self) -> SocketAddr {
        self.running().api
    }

    /// The API's URL.
    pub fn url(&self) -> String {
        format!("http://{}/events", self.api())
    }

    /// The one-time link that signs in to the dashboard.
    pub fn sign_in(&self) -> &str {
        &self.running().sign_in
    }

    /// The dashboard's URL, without a slash at the end.
    pub fn dashboard(&self) -> &str {
        let (base, _) = self.sign_in().split_once("/sign-in?token=").expect("the line is as documented");
        base
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.running().child.id().expect("the system runs")
    }

    /// The largest part of the machine's memory that the process has had at any time, in MB.
    pub fn peak_memory_mb(&self) -> u64 {
        peak_memory_mb(self.pid())
    }

    /// The folder that contains all others, for the test's files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.setup.data.clone().unwrap_or_else(|| self.folder.path().join("data"))
    }

    /// The schemas' folder.
    pub fn schemas(&self) -> PathBuf {
        self.data().join("schemas")
    }

    /// Writes or replaces the schema of an event type.
    pub fn write_schema(&self, event_type: &str, schema: &Value) {
        let file = self.schemas().join(format!("{event_type}.json"));
        std::fs::write(file, schema.to_string()).expect("a schema can be written");
    }

    /// The system's standard error so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Sends a request to the API.
    pub async fn send(&self, request: &Request) -> Answer {
        send(self.api(), request).await.unwrap_or_else(|error| panic!("{error}: {request:?}"))
    }

    /// Sends one CloudEvent, which the API must accept.
    pub async fn accept(&self, id: &str, event_type: &str, data: &Value) {
        let event = serde_json::json!({"specversion": "1.0", "id": id, "source": "/journey", "type": event_type,
            "data": data});
        let answer = self.send(&Request::post("application/cloudevents+json", event.to_string())).await;
        assert_eq!(answer.id(), id);
    }

    /// Runs a command of the tool on this system's folder, running or not.
    pub async fn cli(&self, words: &[&str]) -> Output {
        run(&mut self.command(words)).await
    }

    /// The tool on this system's folder; the test starts it.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(programs().spillway());
        clean(&mut command).args(words).arg("--embedded").arg(self.data());
        command
    }

    /// The same with `--json`; returns the parsed output.
    pub async fn json(&self, words: &[&str]) -> Value {
        self.cli(&[words, &["--json"]].concat()).await.json()
    }

    /// Runs a command with `--json` until its answer is as expected, and returns that answer.
    pub async fn until(&self, words: &[&str], wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(&words.join(" "), async || {
            let answer = self.json(words).await;
            if wanted(&answer) { Ok(answer) } else { Err(answer) }
        })
        .await
    }

    /// The ledger.
    pub async fn ledger(&self) -> Value {
        self.json(&["flow"]).await
    }
}

/// The largest part of the machine's memory that a process has had at any time, in MB (`VmHWM`).
fn peak_memory_mb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs, on Linux");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("every process has it");
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
    kilobytes / 1024
}

impl Drop for System {
    fn drop(&mut self) {
        if std::thread::panicking() {
            #[expect(clippy::print_stderr, reason = "a failed test shows the system's log")]
            {
                eprintln!("--- the system's log ---\n{}---", self.log.text());
            }
        }
    }
}
