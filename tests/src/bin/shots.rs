//! Saves a picture of every page of a demo system to `target/shots`: light and dark, in the size of a desktop and of a
//! phone.
//!
//! `cargo run -p spillway-tests --bin shots` after `cargo build --release` and
//! `cargo xtask wasm`. Arguments select pages by the beginning of their address: `… --bin shots -- /metrics`.

#![expect(clippy::print_stdout, reason = "a program that people start talks to them")]

use spillway_tests::browser::{Browser, Options};
use spillway_tests::programs::programs;
use spillway_tests::{Setup, System};
use std::path::Path;

const STAGES: [&str; 8] = ["api", "ingest", "queue", "consumer", "table", "dlq", "archiver", "account"];

#[tokio::main]
async fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let folder = programs().target.join("shots");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    let system = System::start(Setup { site: true, demo: true, ..Setup::default() }).await;
    let pages = pages(&system).await;
    for (look, options) in [
        ("light-1280", Options::default()),
        ("dark-1280", Options { dark: true, ..Options::default() }),
        ("light-380", Options { width: 380, height: 800, ..Options::default() }),
        ("dark-380", Options { width: 380, height: 800, dark: true, ..Options::default() }),
    ] {
        let browser = Browser::start(options).await;
        let link = system.json(&["sign-in"]).await["url"].as_str().expect("a link").to_owned();
        browser.open(&link).await;
        browser.at("/").await;
        for (name, page) in &pages {
            if wanted.is_empty() || wanted.iter().any(|wanted| page.starts_with(wanted.as_str())) {
                browser.resize(options.width, options.height).await;
                browser.open(&format!("{}{page}", system.dashboard())).await;
                browser.alive().await;
                save(&folder.join(format!("{name}-{look}.png")), &browser.picture(options.width).await);
            }
        }
    }
}

/// Every page, with a name for its picture.
async fn pages(system: &System) -> Vec<(String, String)> {
    let first = |list: &serde_json::Value, of: &str, member: &str| {
        list[of][0][member].as_str().unwrap_or("none").to_owned()
    };
    let letters = system.json(&["dlq", "list"]).await;
    let replays = system.json(&["replays"]).await;
    let (letter, event) = (first(&letters, "items", "id"), first(&letters, "items", "event_id"));
    let group = first(&letters, "groups", "fingerprint");
    let replay = first(&replays, "replays", "id");
    let mut pages = vec![
        ("overview".to_owned(), "/".to_owned()),
        ("dead-letters".to_owned(), "/dead-letters".to_owned()),
        ("dead-letters-group".to_owned(), format!("/dead-letters?group={group}")),
        ("dead-letter".to_owned(), format!("/dead-letters/{letter}")),
        ("replay-confirm".to_owned(), "/dead-letters/replay?all=matching".to_owned()),
        ("discard-confirm".to_owned(), format!("/dead-letters/discard?id={letter}")),
        ("event".to_owned(), format!("/events/{event}")),
        ("replays".to_owned(), "/replays".to_owned()),
        ("replay".to_owned(), format!("/replays/{replay}")),
        ("alarms".to_owned(), "/alarms".to_owned()),
        ("alarm".to_owned(), "/alarms/records-retried-high".to_owned()),
        ("alarm-composite".to_owned(), "/alarms/availability-burn-14x-high".to_owned()),
        ("runbook".to_owned(), "/runbooks/queue-age".to_owned()),
        ("not-found".to_owned(), "/no-such-page".to_owned()),
    ];
    pages.extend(STAGES.map(|stage| (format!("metrics-{stage}"), format!("/metrics?stage={stage}"))));
    pages
}

fn save(file: &Path, picture: &[u8]) {
    std::fs::write(file, picture).expect("the target folder can be written");
    println!("{}", file.display());
}
