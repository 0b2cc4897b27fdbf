//! Disks that accept no more data.

use crate::problem;
use serde_json::json;
use spillway_tests::disk::{IGNORES_SIZE_SIGNAL, Immutable, SmallDisk, limit_files};
use spillway_tests::http::{Answer, Request};
use spillway_tests::{Setup, System, eventually, eventually_within};
use std::time::Duration;

const DISK: u64 = 8 << 20;
const BALLAST: usize = 4 << 20;
/// The size of an event in bytes. The test sends enough of them to fill the disk several times.
const EVENT: usize = 200_000;
const EVENTS: usize = 120;
/// Time limit for several retries of accepted events that could not be stored. Their delays double from 5 s.
const RETRIES: Duration = Duration::from_secs(120);

fn event(n: usize) -> Request {
    let event = json!({"specversion": "1.0", "id": format!("e{n}"), "source": "/s", "type": "t", "data": "x".repeat(EVENT)});
    Request::post("application/cloudevents+json", event.to_string())
}

fn refused(answer: &Answer) {
    let document = problem(answer, "a full disk");
    assert_eq!(answer.status, 503, "{document:#}");
    let seconds: u32 = answer.header("retry-after").expect("it has a Retry-After").parse().expect("seconds");
    assert!((1..=60).contains(&seconds));
}

/// Sends events until the disk is full, and some more. Returns how many were promised.
async fn fill(system: &System) -> u64 {
    let (mut promised, mut refusals) = (0, 0);
    for n in 0..EVENTS {
        let answer = system.send(&event(n)).await;
        if answer.status == 202 {
            promised += 1;
        } else {
            refused(&answer);
            refusals += 1;
            if refusals == 20 {
                return promised;
            }
        }
    }
    panic!("the disk was never full: {promised} events were promised");
}

/// Waits until events are accepted and stored again, and every promised event is stored or in flight. Messages that a
/// consumer was processing when the disk failed come back after a visibility timeout of minutes.
async fn events_are_stored_again(system: &System, promised: u64) {
    let small = Request::post("application/json", "{}");
    let id = eventually("events are accepted again", async || {
        let answer = system.send(&small).await;
        if answer.status == 202 { Ok(answer.id()) } else { Err(answer) }
    })
    .await;
    system.until(&["get", &id], |found| found["state"] == "stored").await;
    eventually_within(RETRIES, "all promised events are stored or in flight", async || {
        let flow = system.ledger().await;
        let settled = flow["stored"].as_u64() >= Some(1) && flow["queued"] == 0;
        let kept = flow["stored"].as_u64().unwrap_or(0) + flow["in_flight"].as_u64().unwrap_or(0);
        if settled && kept == promised + 1 { Ok(()) } else { Err(flow) }
    })
    .await;
    let flow = system.ledger().await;
    assert_eq!((&flow["accepted"], &flow["unaccounted"]), (&json!(promised + 1), &json!(0)));
    assert!(!system.log().contains("panicked"), "{}", system.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_events_and_recovers_automatically() {
    let place = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(place.path(), DISK) else {
        // Users who may not mount a disk test the same with a limit on the size of files.
        return a_limit_on_files(DISK / 4).await;
    };
    let ballast = place.path().join("ballast");
    std::fs::write(&ballast, vec![0; BALLAST]).unwrap();
    let setup = Setup { data: Some(place.path().join("data")), ..Setup::default() };
    let mut system = System::start(setup).await;
    let promised = fill(&system).await;
    assert!(promised > 0);
    std::fs::remove_file(ballast).unwrap();
    events_are_stored_again(&system, promised).await;
    system.kill().await;
    drop(disk);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_on_a_full_disk_loses_no_promise() {
    let place = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(place.path(), DISK) else {
        return a_limit_on_files(DISK / 8).await;
    };
    let ballast = place.path().join("ballast");
    std::fs::write(&ballast, vec![0; BALLAST]).unwrap();
    let setup = Setup { data: Some(place.path().join("data")), ..Setup::default() };
    let mut system = System::start(setup).await;
    let ports = system.ports();
    let promised = fill(&system).await;
    system.kill().await;
    std::fs::remove_file(ballast).unwrap();
    system.start_again(ports).await;
    // Messages that a consumer was processing come back only after their visibility timeout, but they must not be lost.
    let flow = system.ledger().await;
    assert_eq!((&flow["accepted"], &flow["unaccounted"]), (&json!(promised), &json!(0)), "{flow:#}");
    assert_eq!(system.send(&event(EVENTS)).await.status, 202);
    system.kill().await;
    drop(disk);
}

async fn a_limit_on_files(bytes: u64) {
    let system = System::start(Setup { wrapper: IGNORES_SIZE_SIGNAL.to_vec(), ..Setup::default() }).await;
    limit_files(system.pid(), Some(bytes));
    let promised = fill(&system).await;
    limit_files(system.pid(), None);
    events_are_stored_again(&system, promised).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_grow_refuse_events_and_recover_automatically() {
    a_limit_on_files(1 << 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_folder_refuses_events_and_recovers_automatically() {
    let system = System::start(Setup { wrapper: IGNORES_SIZE_SIGNAL.to_vec(), ..Setup::default() }).await;
    system.accept("before", "t", &json!({})).await;
    system.until(&["flow"], |flow| flow["stored"] == 1).await;
    let files: Vec<_> = ["pipeline.db", "pipeline.db-wal"].map(|name| system.data().join(name)).into();
    let immutable = Immutable::make(&files);
    if immutable.is_none() {
        // Only an administrator can do that, and only on some file systems. A size limit of zero has the same effect.
        limit_files(system.pid(), Some(0));
    }
    for n in 0..10 {
        refused(&system.send(&event(n)).await);
    }
    match immutable {
        Some(immutable) => drop(immutable),
        None => limit_files(system.pid(), None),
    }
    events_are_stored_again(&system, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_without_write_permission_is_an_error() {
    // No user can create files in /proc, not even the administrator.
    let output =
        System::refused(&["run", "--embedded", "/proc/spillway", "--api-port", "0", "--dashboard-port", "0"])
            .await;
    let sentence = output.one_sentence();
    assert!(sentence.contains("/proc/spillway"), "{sentence}");
    assert_eq!(output.code, Some(1));
}
