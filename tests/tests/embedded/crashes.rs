//! Crashes of the process while it works.

use serde_json::json;
use spillway_tests::command::finish;
use spillway_tests::{System, eventually};
use std::path::Path;
use std::process::Stdio;

fn promised(ids: &Path) -> usize {
    std::fs::read_to_string(ids).unwrap_or_default().lines().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_kills_under_load_lose_no_promise() {
    let mut system = System::start_empty().await;
    let ports = system.ports();
    let ids = system.folder().join("ids");
    let (url, file) = (system.url(), ids.to_str().expect("a plain name").to_owned());
    let load = ["load", "--url", &url, "--rate", "300", "--seconds", "12", "--out", &file, "--json"];
    let load = system
        .command(&load)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the load can be started");
    for _ in 0..5 {
        let before = promised(&ids);
        eventually("events are promised", async || {
            let now = promised(&ids);
            if now >= before + 150 { Ok(()) } else { Err(now) }
        })
        .await;
        system.kill().await;
        system.start_again(ports).await;
    }
    let loaded = finish(load).await;
    assert_eq!((loaded.code, &loaded.json()["promised"]), (Some(0), &json!(3600)), "{loaded:?}");
    assert!(loaded.json()["no_answer"].as_u64() > Some(0), "the kills had an effect: {loaded:?}");

    let verdict = system.cli(&["load", "--verify", &file, "--json"]).await;
    assert_eq!((verdict.code, &verdict.json()["found"]), (Some(0), &json!(3600)), "{verdict:?}");
    let flow = system.cli(&["flow", "--json"]).await;
    assert_eq!((flow.code, &flow.json()["unaccounted"]), (Some(0), &json!(0)), "{flow:?}");
    assert!(flow.json()["accepted"].as_u64() >= Some(3600), "{flow:?}");
    assert!(!system.log().contains("panicked"), "{}", system.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_faults_and_replays_survive_a_kill() {
    let mut system = System::start_empty().await;
    system.write_schema("order.placed", &json!({"required": ["amount"]}));
    for n in 0..30 {
        system.accept(&format!("o{n}"), "order.placed", &json!({})).await;
    }
    system.until(&["dlq", "list"], |list| list["total"] == 30).await;
    assert_eq!(system.cli(&["fault", "start", "store-outage"]).await.code, Some(0));
    system.write_schema("order.placed", &json!(true));
    // The replay waits for the store, which is down; then the process is killed.
    let started = system.cli(&["dlq", "replay", "--all", "--json"]).await;
    assert_eq!((started.code, &started.json()["replay"]["total"]), (Some(0), &json!(30)), "{started:?}");
    let ports = system.ports();
    system.kill().await;

    let flow = system.ledger().await;
    assert_eq!((&flow["accepted"], &flow["unaccounted"]), (&json!(30), &json!(0)), "{flow:#}");
    system.start_again(ports).await;
    assert_eq!(system.json(&["fault", "list"]).await["faults"][0]["kind"], "store-outage");
    assert_eq!(system.cli(&["fault", "stop", "--all"]).await.code, Some(0));
    let id = started.json()["replay"]["id"].as_str().expect("an id").to_owned();
    // The process that started carries the replay on to its end.
    let shown = system.until(&["replays", &id], |shown| shown["replay"]["state"] == "ended").await;
    assert_eq!(
        (&shown["replay"]["stored"], &shown["replay"]["returned"]),
        (&json!(30), &json!(0)),
        "{shown:#}"
    );
    let flow = system.ledger().await;
    assert_eq!(
        (&flow["stored"], &flow["replaying"], &flow["archived"], &flow["unaccounted"]),
        (&json!(30), &json!(0), &json!(0), &json!(0)),
        "{flow:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requested_end_keeps_all_events() {
    let mut system = System::start_empty().await;
    for n in 0..20 {
        system.accept(&format!("e{n}"), "t", &json!({})).await;
    }
    let ports = system.ports();
    system.stop().await;
    let flow = system.cli(&["flow", "--json"]).await;
    assert_eq!((flow.code, &flow.json()["accepted"]), (Some(0), &json!(20)), "a stopped one is read, too");
    system.start_again(ports).await;
    let flow = system.until(&["flow"], |flow| flow["stored"] == 20).await;
    assert_eq!(flow["unaccounted"], 0);
}
