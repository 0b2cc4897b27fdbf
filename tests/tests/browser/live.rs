//! Pages that refresh themselves.

use crate::{no_console_errors, number, start};
use serde_json::json;
use spillway_tests::browser::{Browser, Options};
use spillway_tests::{System, eventually};

/// Waits until the page shows a number, without a page load.
async fn shows(browser: &Browser, term: &str, wanted: u64) {
    eventually(&format!("{term} shows {wanted}"), async || {
        let seen = number(browser, term).await;
        if seen.as_ref().is_ok_and(|seen| *seen == wanted) { Ok(()) } else { Err(seen) }
    })
    .await;
    let marker = browser.run("return window.spillwayMarker ?? null").await;
    assert_eq!(marker, "still here", "the page was loaded again");
}

async fn send(system: &System, ids: std::ops::Range<u32>) {
    for n in ids {
        system.accept(&format!("e{n}"), "order.placed", &json!({"amount": n})).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_updates_without_a_reload() {
    let system = start().await;
    send(&system, 0..1).await;
    let browser = Browser::signed_in(&system, Options::default()).await;
    browser.alive().await;
    browser.run("window.spillwayMarker = 'still here'").await;
    shows(&browser, "accepted", 1).await;
    send(&system, 1..8).await;
    shows(&browser, "accepted", 8).await;
    shows(&browser, "stored", 8).await;
    shows(&browser, "unaccounted", 0).await;

    system.accept("bad", "order.placed", &json!({"amount": "much"})).await;
    shows(&browser, "dead-lettered", 1).await;
    browser.see("/amount").await;
    no_console_errors(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_page_stays_as_it_is() {
    let system = start().await;
    send(&system, 0..1).await;
    let browser = Browser::signed_in(&system, Options::default()).await;
    browser.alive().await;
    browser.click("Live refresh").await;
    browser.find("button[name=live][value=on]").await;
    browser.alive().await;
    browser.run("window.spillwayMarker = 'still here'").await;
    send(&system, 1..3).await;
    // There is nothing to wait for: a page that does not refresh itself makes no requests.
    let asked = browser.run("return performance.getEntriesByType('resource').filter(e => e.initiatorType === 'fetch' && !e.name.includes('/pkg/')).length").await;
    assert_eq!(asked, 0);
    shows(&browser, "accepted", 1).await;
    browser.click("Live refresh").await;
    browser.find("button[name=live][value=off]").await;
    browser.run("window.spillwayMarker = 'still here'").await;
    shows(&browser, "accepted", 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_page_shows_it_and_recovers_when_the_server_is_back() {
    let mut system = start().await;
    send(&system, 0..1).await;
    let browser = Browser::signed_in(&system, Options::default()).await;
    browser.alive().await;
    browser.run("window.spillwayMarker = 'still here'").await;
    shows(&browser, "accepted", 1).await;
    let ports = system.ports();
    system.kill().await;
    browser.find("html[data-stale]").await;
    browser.see("Stale since").await;
    shows(&browser, "accepted", 1).await;
    system.start_again(ports).await;
    send(&system, 1..4).await;
    // The session is kept in the data folder, so the user need not sign in again.
    shows(&browser, "accepted", 4).await;
    assert!(!browser.has("html[data-stale]").await);
}
