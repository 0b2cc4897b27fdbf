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

/// What takes several retries, with the emulator's pauses between them.
pub const RETRIES: Duration = Duration::from_secs(240);

/// The root module as it was applied, and everything around it.
#[derive(Debug)]
pub struct Deployment {
    // In this order they end: the emulator first, then what its functions talk to, then its files.
    emulator: Emulator,
    /// What stands between the functions and the emulator.
    pub proxy: FaultProxy,
    /// What the functions report of traces.
    pub daemon: Daemon,
    /// The emulator's services, past the proxy.
    pub aws: Aws,
    terraform: Terraform,
    topology: Value,
    metrics: Mutex<LogMetrics>,
    folder: TempDir,
}

/// What a deployment left behind.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Resources in Terraform's state.
    pub resources: Vec<String>,
    /// Processes.
    pub processes: Vec<u32>,
    /// Its folder, if it is still there.
    pub folder: Option<PathBuf>,
}

impl Deployment {
    /// Starts an emulator and applies the root module to it.
    ///
    /// # Panics
    /// When something of it does not work.
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

    /// Takes everything away again.
    ///
    /// # Panics
    /// When Terraform can't, or the emulator does not end.
    pub async fn destroy(self) -> Leftovers {
        let resources = self.terraform.destroy().await;
        let processes = self.emulator.stop().await;
        let folder = self.folder.path().to_owned();
        self.folder.close().expect("the folder can be removed");
        Leftovers { resources, processes, folder: folder.exists().then_some(folder) }
    }

    /// Ends everything at once, for when somebody has interrupted the tests.
    pub fn abandon(&self) {
        self.emulator.kill();
        // The process ends next; what can't be removed now stays in the system's folder for such things.
        let _ = std::fs::remove_dir_all(self.folder.path());
    }

    /// What Terraform would change now.
    pub async fn changes(&self) -> BTreeMap<String, Value> {
        self.terraform.changes().await
    }

    /// The output `topology`.
    pub fn topology(&self) -> &Value {
        &self.topology
    }

    /// A text in the topology, by a pointer such as `/queues/primary/url`.
    ///
    /// # Panics
    /// When there is none.
    pub fn named(&self, pointer: &str) -> &str {
        let found = self.topology.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("the topology has no {pointer}: {:#}", self.topology))
    }

    /// The topology as a file.
    pub fn topology_file(&self) -> PathBuf {
        self.folder.path().join(TOPOLOGY)
    }

    /// A folder for files of the test.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the emulator answers.
    pub fn address(&self) -> SocketAddr {
        self.emulator.address()
    }

    /// The path of the API on the emulator, which has no host names of its own for APIs.
    pub fn path(&self) -> String {
        let (id, stage) = (self.named("/api/id"), self.named("/api/stage"));
        format!("/restapis/{id}/{stage}/_user_request_/events")
    }

    /// The API's URL.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address(), self.path())
    }

    /// Sends a request to the API; it is one of [`Request::post`], whose path is replaced.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(&self, request: &Request) -> Answer {
        let request = request.clone().path(&self.path());
        send(self.address(), &request).await.unwrap_or_else(|error| panic!("{error}: {request:?}"))
    }

    /// Sends one CloudEvent, which must be accepted.
    ///
    /// # Panics
    /// When it is not.
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

    /// The tool on this deployment, past the proxy, to be started by the test.
    pub fn command(&self, words: &[&str]) -> Command {
        self.command_at(&format!("http://{}", self.address()), words)
    }

    /// The tool with another address of AWS.
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

    /// The same with `--json`, read.
    ///
    /// # Panics
    /// When it prints no JSON.
    pub async fn json(&self, words: &[&str]) -> Value {
        self.cli(&[words, &["--json"]].concat()).await.json()
    }

    /// Runs a command with `--json` until its answer is as wanted, and returns that answer.
    ///
    /// # Panics
    /// When it never is.
    pub async fn until(&self, words: &[&str], wanted: impl Fn(&Value) -> bool) -> Value {
        eventually_within(RETRIES, &words.join(" "), async || {
            let answer = self.json(words).await;
            if wanted(&answer) { Ok(answer) } else { Err(answer) }
        })
        .await
    }

    /// The ledger, once CloudWatch has all that was logged.
    pub async fn ledger(&self) -> Value {
        self.catch_up().await;
        self.json(&["flow"]).await
    }

    /// Lets CloudWatch read the functions' logs. Returns how many values it took from them in all.
    pub async fn catch_up(&self) -> u64 {
        let functions = ["ingest", "consumer", "archiver"];
        let functions =
            functions.map(|function| self.named(&format!("/functions/{function}/name")).to_owned());
        self.metrics.lock().await.catch_up(&self.aws, &functions).await
    }

    /// Invokes consumer and ingest with nothing to do. The emulator keeps lines that a function wrote just before it
    /// answered for the function's next invocation.
    pub async fn nudge(&self) {
        let nothing = serde_json::json!({"Records": []});
        let health = serde_json::json!({"resource": "/{proxy+}", "path": "/warm-up", "httpMethod": "GET", "headers": {},
            "multiValueHeaders": {}, "queryStringParameters": {}, "multiValueQueryStringParameters": {},
            "pathParameters": {}, "stageVariables": {}, "body": null, "isBase64Encoded": false,
            "requestContext": {"path": "/v1/warm-up", "stage": "v1", "httpMethod": "GET", "requestId": "nudge",
                "resourcePath": "/{proxy+}", "protocol": "HTTP/1.1", "identity": {"sourceIp": "127.0.0.1"},
                "requestTimeEpoch": 0}});
        // As many at once as there are sandboxes, so that each gets one.
        let many = |function: &'static str, payload: Value| async move {
            let name = self.named(&format!("/functions/{function}/name")).to_owned();
            let invoke = || self.aws.invoke(&name, &payload);
            let calls = self.sandboxes(function).iter().map(|_| invoke()).collect::<Vec<_>>();
            futures::future::join_all(calls).await;
        };
        tokio::join!(many("consumer", nothing), many("ingest", health));
    }

    /// What the emulator said last.
    pub fn log(&self) -> String {
        self.emulator.log()
    }
}

const TOPOLOGY: &str = "topology.json";

/// A loopback address that nobody uses just now.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("a bound socket has an address")
}
