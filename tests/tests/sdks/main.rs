//! The official SDKs of CloudEvents as clients. What they send in every mode is accepted, and what is stored is the same event
//! to them.

use serde_json::{Map, Value};
use spillway_tests::System;
use spillway_tests::command::run;
use spillway_tests::programs::programs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Starts a script with the SDK installed.
fn python() -> Command {
    let mut command = Command::new(&programs().sdk_python);
    command.arg(script("client.py"));
    command
}

fn javascript() -> Command {
    let mut command = Command::new("node");
    command.env("NODE_PATH", programs().sdk_javascript.join("node_modules")).arg(script("client.cjs"));
    command
}

fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sdks").join(name)
}

/// Events as the SDK reads them.
fn read(mut client: Command, lines: &str) -> Vec<Map<String, Value>> {
    let client = client.arg("read").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut client = client.expect("the SDK is installed");
    client.stdin.take().expect("it is piped").write_all(lines.as_bytes()).expect("it reads");
    let output = client.wait_with_output().expect("it ends");
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).expect("events")
}

async fn every_event_is_accepted_and_read_back(client: fn() -> Command) {
    let system = System::start_empty().await;
    let mut send = tokio::process::Command::from(client());
    let sent = run(send.arg("send").arg(system.url())).await;
    assert_eq!(sent.code, Some(0), "{sent:?}");
    let sent: Vec<Map<String, Value>> = serde_json::from_value(sent.json()).expect("events");
    assert!(sent.len() >= 8, "{sent:?}");
    for event in &sent {
        assert_eq!(event["status"], 202, "{event:?}");
    }
    system.until(&["flow"], |flow| flow["stored"] == sent.len() && flow["unaccounted"] == 0).await;

    let lines = system.cli(&["events", "export"]).await;
    let stored = read(client(), &lines.out);
    assert_eq!(stored.len(), sent.len());
    for event in &sent {
        let wanted = &event["attributes"];
        let there = stored.iter().find(|stored| stored["attributes"]["id"] == wanted["id"]);
        let mut there = there.unwrap_or_else(|| panic!("{wanted} is not stored")).clone();
        assert_eq!(there["data"], event["data"], "{wanted}");
        // Without data an HTTP client names a media type of its own.
        if wanted["datacontenttype"].is_null() {
            there["attributes"].as_object_mut().expect("attributes").remove("datacontenttype");
        }
        assert_eq!(&there["attributes"], wanted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_the_python_sdk_are_accepted_in_every_mode_and_read_back() {
    every_event_is_accepted_and_read_back(python).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_the_javascript_sdk_are_accepted_in_every_mode_and_read_back() {
    every_event_is_accepted_and_read_back(javascript).await;
}
