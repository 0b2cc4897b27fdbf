//! The demo, and dashboards that watch a running pipeline.

use serde_json::json;
use spillway_tests::http::{Request, send};
use spillway_tests::programs::programs;
use spillway_tests::{Setup, System, eventually};
use std::net::SocketAddr;
use std::process::Stdio;
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_has_a_balanced_day_of_history_and_dead_letters_to_replay() {
    let setup = Setup { demo: true, ..Setup::default() };
    let mut system = System::start(setup).await;
    let flow = system.ledger().await;
    assert!(flow["accepted"].as_u64() > Some(50_000), "{flow:#}");
    assert_eq!(flow["unaccounted"], 0, "{flow:#}");
    let before = system.json(&["dlq", "list"]).await["total"].as_u64().expect("a number");
    assert!(before > 1, "there are dead letters");
    // Live traffic continues.
    system.until(&["flow"], |now| now["accepted"].as_u64() > flow["accepted"].as_u64()).await;

    let replay = system.cli(&["dlq", "replay", "--all", "--skip-failing", "--wait", "--json"]).await.json();
    let left_out = replay["left_out"].as_u64().expect("a number");
    assert!(left_out > 0 && left_out < before, "some would fail again, some would not: {replay:#}");
    assert_eq!(replay["replay"]["stored"], before - left_out, "{replay:#}");

    // After a restart the demo continues where it stopped, without a second day of history.
    let ports = system.ports();
    system.stop().await;
    let stopped = system.ledger().await;
    system.start_again(ports).await;
    let flow = system.ledger().await;
    let new = flow["accepted"].as_u64().unwrap_or(0) - stopped["accepted"].as_u64().unwrap_or(0);
    assert!(new < 1_000, "{stopped:#} {flow:#}");
    assert_eq!(flow["unaccounted"], 0, "{flow:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_history_is_created_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut making = Command::new(programs().spillway())
        .args(["demo", "--embedded"])
        .arg(&data)
        .args(["--api-port", "0", "--dashboard-port", "0", "--no-traffic"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    eventually("history is being made", async || {
        let log = data.join("pipeline.db-wal");
        std::fs::metadata(log).map(|log| log.len()).ok().filter(|bytes| *bytes > 1 << 20).ok_or("no log yet")
    })
    .await;
    making.kill().await.unwrap();

    let words = vec!["--no-traffic"];
    let system = System::start(Setup { demo: true, words, data: Some(data), ..Setup::default() }).await;
    let flow = system.ledger().await;
    assert!(flow["accepted"].as_u64() > Some(50_000), "a whole day: {flow:#}");
    assert_eq!(flow["unaccounted"], 0, "{flow:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_separate_dashboard_shows_a_running_pipeline() {
    let system = System::start_empty().await;
    system.accept("e1", "t", &json!({})).await;
    system.until(&["flow"], |flow| flow["stored"] == 1).await;
    let beside = system.attach().await;
    let (base, token) = beside.url.split_once("/sign-in").expect("a link");
    let address: SocketAddr =
        base.strip_prefix("http://").and_then(|at| at.parse().ok()).expect("an address");
    let get = |path: &str, cookie: &str| {
        Request::to("GET", path)
            .header("host", base.trim_start_matches("http://"))
            .header("cookie", cookie)
            .header("connection", "close")
    };
    assert_eq!(send(address, &get("/", "")).await.expect("it answers").status, 401);
    let door = send(address, &get(&format!("/sign-in{token}"), "")).await.expect("it answers");
    let cookie = door.header("set-cookie").expect("a session").split(';').next().expect("a pair").to_owned();
    let page = send(address, &get("/", &cookie)).await.expect("it answers");
    assert_eq!(page.status, 200);
    let page = String::from_utf8(page.body).expect("pages are UTF-8");
    assert!(page.contains("accounted for"), "{page}");
}
