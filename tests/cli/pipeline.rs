//! The `spillway` binary on the data folder of a real pipeline, which runs in this process.

use crate::common::{Output, spillway, spillway_words};
use serde_json::{Value, json};
use spillway_core::names::Names;
use spillway_core::settings::PipelineSettings;
use spillway_dashboard_embedded::{SignInTokens, announce};
use spillway_embedded::gateway::{self, Gateway};
use spillway_embedded::pipeline::SCHEMAS;
use spillway_embedded::{Options, Pipeline, RealClock, runtime};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

struct Running {
    folder: tempfile::TempDir,
    url: String,
    pipeline: Arc<Pipeline>,
    _running: runtime::Running,
    _api: JoinSet<()>,
}

impl Running {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let schemas = folder.path().join("schemas");
        std::fs::create_dir(&schemas).expect("a folder");
        std::fs::write(schemas.join("order.placed.json"), r#"{"properties":{"amount":{"type":"number"}}}"#)
            .expect("a schema");
        let settings = PipelineSettings::default();
        let options = Options {
            settings: settings.clone(),
            names: Names::default(),
            schemas: Arc::new(spillway_embedded::schemas::SchemaFolder::open(&schemas).expect("schemas")),
            clock: Arc::new(RealClock),
            simulated_latency: None,
        };
        let pipeline = Pipeline::open(&folder.path().join("data"), options).await.expect("a pipeline");
        pipeline.local.note(SCHEMAS, &schemas.display().to_string()).await.expect("noted");
        let pipeline = Arc::new(pipeline);
        let running = runtime::start(&pipeline);
        let ports = gateway::Ports::of(&pipeline);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let gateway = Arc::new(Gateway::new(ports, &settings, &Names::default()));
        let mut api = JoinSet::new();
        api.spawn(gateway::serve(listener, gateway, std::future::pending()));
        Self { folder, url, pipeline, _running: running, _api: api }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Runs a command on the folder.
    async fn run(&self, line: &str) -> Output {
        spillway(&format!("{line} --embedded {}", self.data().display())).await
    }

    async fn json(&self, line: &str) -> Value {
        self.run(&format!("{line} --json")).await.json()
    }

    async fn send(&self, words: &[&str]) -> String {
        let output = spillway_words(["send", "--url", &self.url].iter().chain(words).copied()).await;
        assert_eq!(output.code, Some(0), "{output:?}");
        output.out.trim_end().to_owned()
    }

    /// Runs a command until its answer is as expected.
    async fn until(&self, line: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..200 {
            let output = self.run(&format!("{line} --json")).await;
            last = output.json();
            if wanted(&last) {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{line} never gave the expected answer; the last one: {last:#}")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_sent_in_any_mode_is_stored_once() {
    let running = Running::start().await;
    let plain = running.send(&[r#"{"hello":"world"}"#]).await;
    let mut ids = vec![plain];
    for mode in ["structured", "binary", "batch"] {
        ids.push(running.send(&["{\"a\":1}", "--type", "t", "--mode", mode, "--id", mode]).await);
    }
    ids.push(running.send(&["{\"a\":2}", "--type", "t", "--id", "batch"]).await);
    for id in &ids {
        let found = running.until(&format!("get {id}"), |found| found["state"] == "stored").await;
        assert_eq!(found["locations"].as_array().unwrap().len(), 1, "{found:#}");
    }
    assert_eq!(running.json("get batch").await["locations"][0]["event"]["data"], json!({"a": 1}));
    let flow = running.until("flow", |flow| flow["stored"] == 5).await;
    assert_eq!((&flow["duplicates"], &flow["unaccounted"]), (&1.into(), &0.into()));
    let text = running.run("get structured").await;
    assert!(text.out.starts_with("structured is stored\n"), "{text:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_has_reason_and_position() {
    let running = Running::start().await;
    let line = ["send", "--url", &running.url, r#"{"specversion":"1.0","id":"1"}"#, "--mode", "structured"];
    let output = spillway_words(line).await;
    assert_eq!(output.code, Some(1));
    assert!(output.err.starts_with("refused (400): ") && output.err.contains("  /source: "), "{output:?}");
    assert_eq!(running.run("get 1").await.code, Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_found_fixed_and_replayed() {
    let running = Running::start().await;
    let order = ["--type", "order.placed", "--id", "o1", r#"{"amount":"9.90"}"#];
    running.send(&order).await;
    let list = running.until("dlq list", |list| list["total"] == 1).await;
    assert_eq!((&list["items"][0]["class"], &list["items"][0]["event_id"]), (&"schema".into(), &"o1".into()));
    assert!(list["items"][0]["reason"].as_str().unwrap().starts_with("/amount: "));
    assert_eq!(running.json("get o1").await["state"], "archived");

    let back = running.run("dlq replay o1 --wait --by anna").await;
    assert_eq!(back.code, Some(1), "{back:?}");
    assert!(back.out.contains("0 would pass, 1 would fail again"), "{back:?}");

    let discarded = running.run("dlq discard o1 --reason junk --by anna").await;
    assert_eq!(discarded.code, Some(0), "{discarded:?}");
    assert_eq!(running.json("get o1").await["state"], "discarded");
    assert_eq!(running.run("dlq restore o1 --by anna").await.code, Some(0));

    let schema = running.folder.path().join("schemas/order.placed.json");
    std::fs::write(schema, r#"{"properties":{"amount":{"type":["number","string"]}}}"#).unwrap();
    let stored = running.run("dlq replay --all --wait --by anna --json").await;
    assert_eq!(stored.code, Some(0), "{stored:?}");
    assert_eq!(stored.json()["replay"]["stored"], 1);
    assert_eq!(running.json("get o1").await["state"], "stored");
    let replays = running.json("replays").await;
    assert_eq!(replays["replays"].as_array().unwrap().len(), 2);
    let shown = running.run("dlq show o1").await;
    assert!(shown.out.contains("discard by anna: junk"), "{shown:?}");
    assert_eq!(running.run("flow").await.code, Some(0));
}

/// Valid JSON that a reader of values cannot keep.
const ODD: &str = "{ \"specversion\":\"1.0\", \"id\":\"odd\",\"source\":\"/s\",\"type\":\"t\",\n\"data\":[12345678901234567890123, 1E+2, \
                   0.10,-0,{\"z\":\"a\u{7f}b\",\"a\":1}] }";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_is_printed_exported_and_sent_again_as_it_was() {
    let running = Running::start().await;
    running.send(&[ODD, "--mode", "structured"]).await;
    running.until("get odd", |found| found["state"] == "stored").await;
    assert_eq!(running.run("get odd --body").await.out, ODD);
    assert!(running.run("get odd --json").await.out.contains(&format!("\"event\": {ODD}")));
    let list = running.json("events list --type t").await;
    assert_eq!((&list["items"][0]["id"], &list["items"][0]["bytes"]), (&"odd".into(), &ODD.len().into()));
    let export = running.run("events export --source /s").await;
    assert_eq!(export.out.lines().count(), 1, "{export:?}");
    assert!(
        export.out.contains("\"data\":[12345678901234567890123,1E+2,0.10,-0,{\"z\":\"a\u{7f}b\",\"a\":1}]}"),
        "{export:?}"
    );

    // A page that never ended there, and a table that another program reads.
    assert_eq!(running.run("events list --after 999999999999").await.code, Some(2));
    let long = "long.".repeat(40);
    running.send(&["{}", "--type", &long, "--id", "long"]).await;
    running.until("get long", |found| found["state"] == "stored").await;
    let table = running.run("events list").await;
    assert!(table.out.contains(&long), "{table:?}");

    let other = Running::start().await;
    let file = other.folder.path().join("export.ndjson");
    std::fs::write(&file, &export.out).expect("written");
    other.send(&["--ndjson", &format!("@{}", file.display())]).await;
    other.until("get odd", |found| found["state"] == "stored").await;
    assert_eq!(other.run("get odd --body").await.out, export.out.trim_end());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_s_body_is_byte_for_byte_what_was_sent() {
    let running = Running::start().await;
    let body = ODD
        .replace("\"type\":\"t\"", "\"type\":\"order.placed\"")
        .replace("[1234", "{\"amount\":\"x\",\"n\":[1234");
    let body = body.replace("}] }", "}]} }");
    running.send(&[&body, "--mode", "structured"]).await;
    running.until("get odd", |found| found["state"] == "archived").await;
    assert_eq!(running.run("dlq show odd --body").await.out, body);
    assert_eq!(running.json("dlq show odd").await["body"], body);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_accepted_during_an_outage_are_stored_after_it() {
    let running = Running::start().await;
    assert_eq!(running.run("fault start store-outage --by anna").await.code, Some(0));
    assert_eq!(running.json("fault list").await["faults"][0]["kind"], "store-outage");
    // A pipeline checks for faults four times a second. This call checks at once.
    running.pipeline.local.faults.refresh().await.unwrap();
    let ids = running.folder.path().join("ids");
    let line =
        format!("load --url {} --rate 100 --seconds 2 --seed 1 --out {} --json", running.url, ids.display());
    let load = spillway(&line).await;
    assert_eq!((load.code, &load.json()["promised"]), (Some(0), &200.into()), "{load:?}");
    let verify = format!("load --verify {}", ids.display());
    let during = running.run(&format!("{verify} --json")).await;
    assert_eq!(during.code, Some(0), "{during:?}");
    assert_eq!(during.json()["places"]["stored"], Value::Null, "{during:?}");
    assert_eq!(running.json("fault stop --all --by anna").await["stopped"], 1);
    running.until(&verify, |verdict| verdict["places"]["stored"] == 200).await;
    assert_eq!(running.json("flow").await["unaccounted"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_link_leads_to_the_dashboard_once() {
    let running = Running::start().await;
    assert_eq!(running.run("sign-in").await.code, Some(4));
    let (local, clock) = (&running.pipeline.local, &running.pipeline.ports.clock);
    announce(local, clock, "http://127.0.0.1:3000").await.unwrap();
    let url = running.json("sign-in").await["url"].as_str().unwrap().to_owned();
    let token = url.strip_prefix("http://127.0.0.1:3000/sign-in?token=").expect("a link");
    let tokens = SignInTokens::open(local, clock).await.unwrap();
    assert!(tokens.redeem(token).await.unwrap());
    assert!(!tokens.redeem(token).await.unwrap());
}

#[tokio::test]
async fn a_wrong_command_line_or_folder_is_one_clear_sentence() {
    for (line, code, words) in [
        ("flow", 2, "add --embedded DIR"),
        ("flow --embedded no-such-folder", 4, "no-such-folder has no Spillway data"),
        ("send {} --url 127.0.0.1:8080", 2, "write it like http://127.0.0.1:8080/events"),
        ("load --url http://127.0.0.1:1", 2, "--out"),
        ("load --verify f --out g", 2, "cannot be used with"),
        ("fault start store-fire --embedded d", 2, "possible values"),
        ("fault stop --embedded d", 2, "required"),
        ("dlq list --class wrong --embedded d", 2, "not a class of failure"),
        ("fault start store-outage --for soon --embedded d", 2, "not a duration"),
        ("dlq discard x --embedded d", 2, "--reason"),
        ("dlq list --group abc --embedded d", 2, "not a fingerprint"),
        ("send {} --source /s --url http://127.0.0.1:1", 2, "--source would have no effect"),
        ("send {} -o tsv --url http://127.0.0.1:1", 2, "prints no list"),
        ("fault start store-latency --for 99999999h --embedded d", 2, "ten years"),
    ] {
        let output = spillway(line).await;
        assert_eq!(output.code, Some(code), "{line}: {output:?}");
        assert!(output.err.contains(words), "{line}: {output:?}");
        assert!(output.out.is_empty(), "{line}: {output:?}");
    }
}
