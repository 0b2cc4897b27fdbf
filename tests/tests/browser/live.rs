//! Pages that refresh themselves.

use crate::{PHONE, WIDE, no_console_errors, number, refreshed, start, start_with_dead_letters_and};
use serde_json::json;
use spillway_tests::browser::{Browser, Options};
use spillway_tests::programs::programs;
use spillway_tests::{Setup, System, eventually};
use std::path::Path;

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

/// The same on a page that may be loaded again.
async fn shows_now(browser: &Browser, term: &str, wanted: u64) {
    let seen = number(browser, term).await;
    assert!(seen.as_ref().is_ok_and(|seen| *seen == wanted), "{term}: {seen:?}");
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
    // A page that refreshes itself would have done so as often as the one beside it.
    let live = Browser::start(Options::default()).await;
    let link = system.json(&["sign-in"]).await["url"].as_str().expect("a link").to_owned();
    live.open(&link).await;
    live.alive().await;
    refreshed(&live, 3).await;
    shows_now(&live, "accepted", 3).await;
    let asked = browser.run("return performance.getEntriesByType('resource').filter(e => e.initiatorType === 'fetch' && !e.name.includes('.wasm')).length").await;
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
    // Sessions end with the process. After the next sign-in the page continues without a load.
    browser.see("Signed out.").await;
    browser.sign_in_in_another_tab(&system).await;
    shows(&browser, "accepted", 4).await;
    browser.find("html:not([data-stale])").await;
}

async fn signed_out(options: Options) {
    let system = start().await;
    send(&system, 0..1).await;
    let browser = Browser::signed_in(&system, options).await;
    browser.alive().await;
    browser.run("window.spillwayMarker = 'still here'").await;
    shows(&browser, "accepted", 1).await;
    let cookies = browser.client.get_all_cookies().await.expect("a session");
    browser.client.delete_all_cookies().await.expect("cookies can be deleted");
    browser.find("html[data-stale]").await;
    browser.see("Signed out.").await;
    // The reader signs in again, in another tab.
    send(&system, 1..3).await;
    for cookie in cookies {
        browser.client.add_cookie(cookie).await.expect("a cookie can be set");
    }
    shows(&browser, "accepted", 3).await;
    browser.find("html:not([data-stale])").await;
    browser.find(".live-status:not(.shown)").await;
    let text = browser.text().await.expect("the page has text");
    assert!(!text.contains("Signed out"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_signed_out_recovers_after_the_next_sign_in() {
    signed_out(WIDE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_signed_out_recovers_after_the_next_sign_in_on_a_phone() {
    signed_out(PHONE).await;
}

/// Gives the first file of the browser's part another name, as a new version does.
fn new_version(site: &Path, name: &str) {
    let folder = site.join("pkg");
    let manifest = folder.join("manifest.json");
    let text = std::fs::read_to_string(&manifest).expect("a build has a manifest");
    let mut listed: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let start = listed["start"].as_str().expect("the manifest names it").to_owned();
    std::fs::copy(folder.join(start), folder.join(name)).expect("it can be copied");
    listed["start"] = name.into();
    std::fs::write(manifest, listed.to_string()).expect("it can be written");
}

async fn upgraded(options: Options) {
    let folder = tempfile::tempdir().expect("a folder");
    let site = folder.path().join("site");
    std::fs::create_dir_all(site.join("pkg")).expect("a folder");
    for file in std::fs::read_dir(programs().site().join("pkg")).expect("a build").flatten() {
        std::fs::copy(file.path(), site.join("pkg").join(file.file_name())).expect("it can be copied");
    }
    // The program's arguments are constants in all other tests.
    let words = vec!["--site", &*site.to_string_lossy().into_owned().leak()];
    let mut system = start_with_dead_letters_and(Setup { words, ..Setup::default() }).await;
    let browser = Browser::signed_in(&system, options).await;
    browser.alive().await;
    browser.run("window.spillwayMarker = 'still here'").await;
    let ports = system.ports();

    system.kill().await;
    new_version(&site, "start.second.js");
    system.start_again(ports).await;
    browser.sign_in_in_another_tab(&system).await;
    browser.find("script[src='/assets/start.second.js']").await;
    browser.alive().await;
    assert_eq!(browser.run("return window.spillwayMarker ?? null").await, json!(null), "it is loaded again");

    // A reader who writes loses nothing.
    browser.open(&format!("{}/dead-letters/discard?all=matching", system.dashboard())).await;
    browser.alive().await;
    let field = browser.find("textarea[name=reason]").await;
    field.send_keys("half a reason").await.expect("it accepts text");
    system.kill().await;
    new_version(&site, "start.third.js");
    system.start_again(ports).await;
    browser.sign_in_in_another_tab(&system).await;
    browser.see("Spillway was updated.").await;
    assert_eq!(field.prop("value").await.expect("it is there").as_deref(), Some("half a reason"));
    assert!(!browser.has("script[src='/assets/start.third.js']").await);
    field.clear().await.expect("it can be cleared");
    browser.find("script[src='/assets/start.third.js']").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_loaded_again_after_an_upgrade() {
    upgraded(WIDE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_loaded_again_after_an_upgrade_on_a_phone() {
    upgraded(PHONE).await;
}
