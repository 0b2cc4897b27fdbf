//! Parts that fail while events continue to arrive.

use serde_json::{Value, json};
use spillway_tests::command::Output;
use spillway_tests::{System, eventually_within};
use std::time::Duration;

/// Time limit for several retries, whose delays double from 5 s, with some reserve.
const RETRIES: Duration = Duration::from_secs(120);

async fn load(system: &System, rate: &str, seconds: &str) -> Output {
    let ids = system.folder().join("ids");
    let words = [
        "load",
        "--url",
        &system.url(),
        "--rate",
        rate,
        "--seconds",
        seconds,
        "--seed",
        "7",
        "--json",
        "--out",
    ];
    system.cli(&[&words[..], &[ids.to_str().expect("a plain name")]].concat()).await
}

async fn verify(system: &System) -> Output {
    let ids = system.folder().join("ids");
    system.cli(&["load", "--json", "--verify", ids.to_str().expect("a plain name")]).await
}

/// Waits until no event is in a queue, then checks that each promise was kept.
async fn all_is_stored(system: &System, promised: u64) {
    eventually_within(RETRIES, "everything is stored", async || {
        let flow = system.ledger().await;
        if flow["stored"] == flow["accepted"] { Ok(()) } else { Err(flow) }
    })
    .await;
    let verdict = verify(system).await;
    assert_eq!(verdict.code, Some(0), "{verdict:?}");
    assert_eq!(verdict.json()["places"], json!({"stored": promised}), "{verdict:?}");
    assert_eq!(system.ledger().await["unaccounted"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_accepted_during_a_store_outage_are_stored_after_it() {
    let system = System::start_empty().await;
    assert_eq!(system.cli(&["fault", "start", "store-outage", "--by", "anna"]).await.code, Some(0));
    let loaded = load(&system, "200", "5").await;
    assert_eq!((loaded.code, &loaded.json()["promised"]), (Some(0), &json!(1000)), "{loaded:?}");
    let during = verify(&system).await;
    assert_eq!(during.code, Some(0), "{during:?}");
    let stored = during.json()["places"]["stored"].as_u64().unwrap_or(0);
    assert!(stored < 500, "the fault has an effect within a second: {during:?}");
    let stopped = system.json(&["fault", "stop", "store-outage", "--by", "anna"]).await;
    assert_eq!(stopped["stopped"], 1);
    all_is_stored(&system, 1000).await;

    // The verification would find a lost event.
    let ids = system.folder().join("ids");
    let all = std::fs::read_to_string(&ids).unwrap();
    std::fs::write(&ids, format!("{all}never-accepted\n")).unwrap();
    let verdict = verify(&system).await;
    assert_eq!(
        (verdict.code, &verdict.json()["missing"]),
        (Some(1), &json!(["never-accepted"])),
        "{verdict:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_is_promised_while_the_queue_is_down() {
    let system = System::start_empty().await;
    assert_eq!(system.cli(&["fault", "start", "queue-outage"]).await.code, Some(0));
    let request = spillway_tests::http::Request::post("application/json", "{}");
    let refused = eventually_within(RETRIES, "the fault has an effect", async || {
        let answer = system.send(&request).await;
        if answer.status == 202 { Err(answer) } else { Ok(answer) }
    })
    .await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("5")));
    let before = system.ledger().await["accepted"].clone();
    assert_eq!(system.send(&request).await.status, 503);
    assert_eq!(system.ledger().await["accepted"], before);
    assert_eq!(system.cli(&["fault", "stop", "--all"]).await.code, Some(0));
    eventually_within(RETRIES, "the API accepts events again", async || {
        let answer = system.send(&request).await;
        if answer.status == 202 { Ok(()) } else { Err(answer) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_and_throttling_store_loses_no_event() {
    let system = System::start_empty().await;
    for words in [
        &["fault", "start", "store-throttle", "--capacity", "0.01"][..],
        &["fault", "start", "store-latency", "--added-ms", "50"][..],
    ] {
        assert_eq!(system.cli(words).await.code, Some(0));
    }
    let faults = system.json(&["fault", "list"]).await;
    let on = |fault: &Value| fault["on"] == true;
    assert_eq!(faults["faults"].as_array().expect("a list").iter().filter(|fault| on(fault)).count(), 2);
    let loaded = load(&system, "200", "3").await;
    assert_eq!(loaded.code, Some(0), "{loaded:?}");
    let flow = system.ledger().await;
    assert_eq!(flow["unaccounted"], 0, "{flow:#}");
    assert_eq!(system.cli(&["fault", "stop", "--all"]).await.code, Some(0));
    all_is_stored(&system, 600).await;
}
