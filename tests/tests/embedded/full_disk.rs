//! A full disk is told to everybody who asks, while it lasts.

use serde_json::{Value, json};
use spillway_tests::disk::{IGNORES_SIZE_SIGNAL, SmallDisk, limit_files};
use spillway_tests::http::Request;
use spillway_tests::session::Session;
use spillway_tests::webhook::Receiver;
use spillway_tests::{Setup, System, eventually, eventually_within};
use std::path::PathBuf;
use std::time::Duration;

const DISK: u64 = 40 << 20;
const BALLAST: usize = 16 << 20;
/// How much faster the system's time passes: alarms need some minutes.
const SPEED: &str = "20";
/// The high rules about an API that refuses events.
const REFUSALS: [&str; 2] = ["api-5xx-high", "api-5xx-hourly-high"];
/// Time limit for a notification, and for what is said for a minute after the last failed write.
const MINUTES: Duration = Duration::from_secs(150);

/// A disk that the test fills and empties.
enum Disk {
    /// A small one of its own.
    Small { _disk: SmallDisk, ballast: PathBuf },
    /// For users who may not mount one: a limit on the size of the system's files.
    Limited,
}

impl Disk {
    fn make_room(&self, system: &System) {
        match self {
            Self::Small { ballast, .. } => std::fs::remove_file(ballast).expect("it is there"),
            Self::Limited => limit_files(system.pid(), None),
        }
    }
}

fn event(n: usize, bytes: usize) -> Request {
    let event = json!({"specversion": "1.0", "id": format!("e{n}"), "source": "/s", "type": "t", "data": "x".repeat(bytes)});
    Request::post("application/cloudevents+json", event.to_string())
}

async fn start(webhook: &Receiver) -> (tempfile::TempDir, System, Disk) {
    let place = tempfile::tempdir().expect("a folder");
    let url: &'static str = webhook.url().to_owned().leak();
    let words = vec!["--speed", SPEED, "--alarm-webhook", url];
    let ballast = place.path().join("ballast");
    match SmallDisk::mount(place.path(), DISK) {
        Some(disk) => {
            std::fs::write(&ballast, vec![0; BALLAST]).expect("there is room");
            let data = Some(place.path().join("data"));
            let system = System::start(Setup { data, words, ..Setup::default() }).await;
            (place, system, Disk::Small { _disk: disk, ballast })
        }
        None => {
            let wrapper = IGNORES_SIZE_SIGNAL.to_vec();
            let system = System::start(Setup { wrapper, words, ..Setup::default() }).await;
            (place, system, Disk::Limited)
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_by_webhook_pages_and_commands_and_heals() {
    let webhook = Receiver::start().await;
    let (_place, mut system, disk) = start(&webhook).await;
    system.accept("before", "t", &json!({})).await;
    system.until(&["get", "before"], |found| found["state"] == "stored").await;
    if matches!(disk, Disk::Limited) {
        limit_files(system.pid(), Some(1 << 20));
    }
    let mut promised = 1;
    for n in 0.. {
        match system.send(&event(n, 200_000)).await.status {
            202 => promised += 1,
            status => {
                assert_eq!(status, 503);
                break;
            }
        }
        assert!(n < 1_000, "the disk is never full");
    }

    // Clients continue to send until the webhook is notified: once for the incident, by the first rule that sees it.
    let mut number = 10_000;
    eventually_within(MINUTES, "the webhook is notified that the API refuses events", async || {
        for _ in 0..10 {
            number += 1;
            promised += u64::from(system.send(&event(number, 200_000)).await.status == 202);
        }
        if REFUSALS.iter().any(|rule| webhook.has_fired(rule)) { Ok(()) } else { Err(webhook.received()) }
    })
    .await;

    // An operator signs in: with the link from the start, and with a new one.
    let operator = Session::open(system.sign_in()).await;
    let new_link = system.json(&["sign-in"]).await["url"].as_str().expect("a link").to_owned();
    let other = Session::open(&new_link).await;
    let overview = operator.page("/").await;
    let named = match disk {
        Disk::Small { .. } => "The disk of the data folder is full",
        Disk::Limited => "no event can be accepted or stored",
    };
    assert!(overview.contains(named), "{overview}");
    assert!(overview.contains("5xx") && !overview.contains("no 5xx"), "the API's box has the errors");
    let alarms = other.page("/alarms").await;
    assert!(alarms.contains("api-5xx-high") && !alarms.contains("have not been evaluated"), "{alarms}");
    if matches!(disk, Disk::Small { .. }) {
        let flow = system.ledger().await;
        assert!(flow["trouble"].as_str().is_some_and(|why| why.contains("full")), "{flow:#}");
    }

    disk.make_room(&system);
    eventually("events are accepted again", async || {
        let answer = system.send(&event(0, 10)).await;
        if answer.status == 202 { Ok(()) } else { Err(answer) }
    })
    .await;
    promised += 1;
    eventually_within(MINUTES, "the headline names no disk", async || {
        let overview = operator.page("/").await;
        if overview.contains("no event can be accepted or stored") { Err(overview) } else { Ok(()) }
    })
    .await;
    eventually_within(MINUTES, "the alarm is in the data folder", async || {
        let history = system.json(&["alarms", "list", "--all"]).await;
        let is_known =
            |alarm: &Value| REFUSALS.iter().any(|rule| alarm["rule"] == *rule) && !alarm["since"].is_null();
        let is_known = history["alarms"].as_array().is_some_and(|alarms| alarms.iter().any(is_known));
        if is_known { Ok(()) } else { Err(history) }
    })
    .await;
    eventually_within(MINUTES, "all promised events are stored", async || {
        let flow = system.ledger().await;
        if flow["stored"] == json!(promised) { Ok(()) } else { Err(flow) }
    })
    .await;
    let flow = system.ledger().await;
    assert_eq!((&flow["unaccounted"], &flow["trouble"]), (&json!(0), &Value::Null), "{flow:#}");
    assert!(!system.log().contains("panicked"), "{}", system.log());
    eventually("the sessions of the full disk continue", async || {
        if other.page("/").await.contains("Overview") { Ok(()) } else { Err(()) }
    })
    .await;
    system.kill().await;
}
