//! One deployment, from apply to destroy.

use super::aws::{Aws, CREDENTIALS};
use super::daemon::Daemon;
use super::metrics::LogMetrics;
use super::process::{Emulator, Sandbox};
use super::terraform::Terraform;
use crate::command::{Output, clean, run};
use crate::eventually_within;
use crate::fault_proxy::FaultProxy;
use crate::http::{Answer, Request, send};
use crate::programs::programs;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::Mutex;

/// Time limit for several retries, with the emulator's pauses between them.
pub const RETRIES: Duration = Duration::from_secs(240);

/// The applied root module, with everything around it.
#[derive(Debug)]
pub struct Deployment {
    // Fields are dropped in this order: the emulator first, then the servers that its functions call, then its files.
    emulator: Emulator,
    /// The proxy between the functions and the emulator.
    pub proxy: FaultProxy,
    /// Receives the functions' trace segments.
    pub daemon: Daemon,
    /// The emulator's services, without the proxy.
    pub aws: Aws,
    terraform: Terraform,
    topology: Value,
    metrics: Mutex<LogMetrics>,
    folder: TempDir,
}

/// What remains after the deployment was destroyed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Resources in Terraform's state.
    pub resources: Vec<String>,
    /// Processes that still run.
    pub processes: Vec<u32>,
    /// Its folder, if it is still there.
    pub folder: Option<PathBuf>,
}

impl Deployment {
    /// Starts an emulator and applies the root module to it.
    pub async fn apply() -> Self {
        let folder = tempfile::Builder::new().prefix("spillway-emulator-").tempdir().expect("a folder");
        let address = free_address();
        let proxy = FaultProxy::start(address).await.expect("a port");
        let daemon = Daemon::start().await.expect("a port");
        let emulator = Emulator::start(folder.path(), address, &proxy.url(), daemon.address()).await;
        let terraform = Terraform::init(folder.path(), format!("http://{address}")).await;
        let topology = terraform.apply().await;
        std::fs::write(folder.path().join(TOPOLOGY), topology.to_string()).expect("a file");
        let (aws, metrics) = (Aws::new(address), Mutex::default());
        Self { emulator, proxy, daemon, aws, terraform, topology, metrics, folder }
    }

    /// Destroys the whole deployment.
    pub async fn destroy(self) -> Leftovers {
        let resources = self.terraform.destroy().await;
        let processes = self.emulator.stop().await;
        let folder = self.folder.path().to_owned();
        self.folder.close().expect("the folder can be removed");
        Leftovers { resources, processes, folder: folder.exists().then_some(folder) }
    }

    /// Ends everything at once, after a user has interrupted the tests.
    pub fn abandon(&self) {
        self.emulator.kill();
        // The process ends next. Files that can't be removed now remain in the system's temporary folder.
        let _ = std::fs::remove_dir_all(self.folder.path());
    }

    /// The changes that Terraform would make now.
    pub async fn changes(&self) -> BTreeMap<String, Value> {
        self.terraform.changes().await
    }

    /// The output `topology`.
    pub fn topology(&self) -> &Value {
        &self.topology
    }

    /// A text in the topology, by a pointer such as `/queues/primary/url`.
    pub fn named(&self, pointer: &str) -> &str {
        let found = self.topology.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("the topology has no {pointer}: {:#}", self.topology))
    }

    /// The topology as a file.
    pub fn topology_file(&self) -> PathBuf {
        self.folder.path().join(TOPOLOGY)
    }

    /// A folder for the test's files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The address on which the emulator answers.
    pub fn address(&self) -> SocketAddr {
        self.emulator.address()
    }

    /// The path of the API on the emulator, which supports no host names for APIs.
    pub fn path(&self) -> String {
        let (id, stage) = (self.named("/api/id"), self.named("/api/stage"));
        format!("/restapis/{id}/{stage}/_user_request_/events")
    }

    /// The API's URL.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address(), self.path())
    }

    /// Sends a request to the API. The path of the request, which [`Request::post`] sets, is replaced.
    pub async fn send(&self, request: &Request) -> Answer {
        let request = request.clone().path(&self.path());
        send(self.address(), &request).await.unwrap_or_else(|error| panic!("{error}: {request:?}"))
    }

    /// Sends one CloudEvent, which the API must accept.
    pub async fn accept(&self, id: &str, event_type: &str, data: &Value) {
        let event = serde_json::json!({"specversion": "1.0", "id": id, "source": "/journey", "type": event_type,
            "data": data});
        let answer = self.send(&Request::post("application/cloudevents+json", event.to_string())).await;
        assert_eq!(answer.id(), id);
    }

    /// The processes of a function: `ingest`, `consumer` or `archiver`.
    pub fn sandboxes(&self, function: &str) -> Vec<Sandbox> {
        self.emulator.sandboxes(self.named(&format!("/functions/{function}/name")))
    }

    /// The tool on this deployment, without the proxy; the test starts it.
    pub fn command(&self, words: &[&str]) -> Command {
        self.command_at(&format!("http://{}", self.address()), words)
    }

    /// The tool with a different endpoint of AWS.
    pub fn command_at(&self, endpoint: &str, words: &[&str]) -> Command {
        let mut command = Command::new(programs().spillway());
        clean(&mut command).envs(CREDENTIALS).env("AWS_ENDPOINT_URL", endpoint);
        command
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .args(words)
            .arg("--topology")
            .arg(self.topology_file());
        command
    }

    /// Runs a command of the tool on this deployment.
    pub async fn cli(&self, words: &[&str]) -> Output {
        run(&mut self.command(words)).await
    }

    /// The same with `--json`; returns the parsed output.
    pub async fn json(&self, words: &[&str]) -> Value {
        self.cli(&[words, &["--json"]].concat()).await.json()
    }

    /// Runs a command with `--json` until its answer is as expected, and returns that answer.
    pub async fn until(&self, words: &[&str], wanted: impl Fn(&Value) -> bool) -> Value {
        eventually_within(RETRIES, &words.join(" "), async || {
            let answer = self.json(words).await;
            if wanted(&answer) { Ok(answer) } else { Err(answer) }
        })
        .await
    }

    /// The ledger, after CloudWatch has read all logs.
    pub async fn ledger(&self) -> Value {
        self.catch_up().await;
        self.json(&["flow"]).await
    }

    /// Lets CloudWatch read the functions' logs. Returns the total number of values that it took from them.
    pub async fn catch_up(&self) -> u64 {
        let functions = ["ingest", "consumer", "archiver"];
        let functions =
            functions.map(|function| self.named(&format!("/functions/{function}/name")).to_owned());
        self.metrics.lock().await.catch_up(&self.aws, &functions).await
    }

    /// Invokes consumer and ingest without work. The emulator holds back lines that a function wrote just before it
    /// answered, until the function's next invocation.
    pub async fn nudge(&self) {
        let nothing = serde_json::json!({"Records": []});
        let health = serde_json::json!({"resource": "/{proxy+}", "path": "/warm-up", "httpMethod": "GET", "headers": {},
            "multiValueHeaders": {}, "queryStringParameters": {}, "multiValueQueryStringParameters": {},
            "pathParameters": {}, "stageVariables": {}, "body": null, "isBase64Encoded": false,
            "requestContext": {"path": "/v1/warm-up", "stage": "v1", "httpMethod": "GET", "requestId": "nudge",
                "resourcePath": "/{proxy+}", "protocol": "HTTP/1.1", "identity": {"sourceIp": "127.0.0.1"},
                "requestTimeEpoch": 0}});
        // The number of concurrent calls equals the number of sandboxes, so that each sandbox gets one.
        let many = |function: &'static str, payload: Value| async move {
            let name = self.named(&format!("/functions/{function}/name")).to_owned();
            let invoke = || self.aws.invoke(&name, &payload);
            let calls = self.sandboxes(function).iter().map(|_| invoke()).collect::<Vec<_>>();
            futures::future::join_all(calls).await;
        };
        tokio::join!(many("consumer", nothing), many("ingest", health));
    }

    /// The emulator's last output.
    pub fn log(&self) -> String {
        self.emulator.log()
    }
}

const TOPOLOGY: &str = "topology.json";

/// A loopback address that no program uses now.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("a bound socket has an address")
}
