//! From a dead letter to a stored event, with clicks.

use crate::{
    PHONE, PLAIN, WIDE, all_is_stored, no_console_errors, refreshed, start_with_dead_letters, values,
};
use fantoccini::Locator;
use serde_json::json;
use spillway_tests::browser::{Browser, Options};
use spillway_tests::{System, eventually};

fn fix_schema(system: &System) {
    system.write_schema("order.placed", &json!({"properties": {"amount": {"type": ["number", "string"]}}}));
}

/// Waits until the replay's page shows the result. Without JavaScript the test loads the page again, as a user would.
async fn ended(browser: &Browser, options: Options, sentence: &str) {
    eventually(&format!("the replay's page shows \"{sentence}\""), async || {
        let seen = browser.text().await.unwrap_or_else(|error| error.to_string());
        if seen.contains(sentence) {
            return Ok(());
        }
        if !options.javascript {
            browser.client.refresh().await.expect("a page can be loaded again");
        }
        Err(seen)
    })
    .await;
}

async fn replay_by_clicks(options: Options) {
    let system = start_with_dead_letters().await;
    let browser = Browser::signed_in(&system, options).await;
    browser.click("Dead letters").await;
    browser.at("/dead-letters").await;
    browser.see("/amount").await;
    browser.see("would fail again").await;
    fix_schema(&system);

    browser.click("Replay 2 messages").await;
    browser.at("/dead-letters/replay").await;
    browser.see("passes the checks").await;
    browser.click("Replay 2 messages").await;
    eventually("the browser is at the replay", async || {
        let place = browser.place().await;
        if place.starts_with("/replays/") { Ok(()) } else { Err(place) }
    })
    .await;
    ended(&browser, options, "All 2 are stored.").await;
    all_is_stored(&system, 3).await;

    browser.click("Dead letters").await;
    browser.see("No dead letters.").await;
    browser.click("Replayed and stored").await;
    browser.see("bad-1").await;
    no_console_errors(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_replayed_until_they_are_stored() {
    replay_by_clicks(Options::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_works_with_javascript_off() {
    replay_by_clicks(PLAIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_works_on_a_phone() {
    replay_by_clicks(Options { width: 380, height: 800, ..Options::default() }).await;
}

async fn one_by_its_page(options: Options) {
    let system = start_with_dead_letters().await;
    let browser = Browser::signed_in(&system, options).await;
    browser.open(&format!("{}/dead-letters?contains=bad-1", system.dashboard())).await;
    browser.click("order.placed").await;
    browser.see("History").await;
    browser.see("9.90").await;
    // The dead letter is replayed unchanged, and comes back.
    browser.click("Replay this message").await;
    ended(&browser, options, "The message failed again and is back among the dead letters.").await;
    let flow = system.ledger().await;
    assert_eq!((&flow["archived"], &flow["unaccounted"]), (&json!(2), &json!(0)));
    fix_schema(&system);
    browser.open(&format!("{}/dead-letters?contains=bad-1", system.dashboard())).await;
    browser.click("order.placed").await;
    browser.click("Replay this message").await;
    ended(&browser, options, "The message is stored.").await;
    system.until(&["get", "bad-1"], |found| found["state"] == "stored").await;
    assert_eq!(system.json(&["get", "bad-2"]).await["state"], "archived");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_is_replayed_from_its_own_page() {
    one_by_its_page(Options::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_is_replayed_from_its_own_page_with_javascript_off() {
    one_by_its_page(PLAIN).await;
}

async fn discard_and_undo(options: Options) {
    let system = start_with_dead_letters().await;
    let browser = Browser::signed_in(&system, options).await;
    browser.open(&format!("{}/dead-letters", system.dashboard())).await;
    browser.click("Discard 2 messages").await;
    browser.at("/dead-letters/discard").await;
    browser
        .find("textarea[name=reason]")
        .await
        .send_keys("sent by a test")
        .await
        .expect("the field accepts text");
    browser.click("Discard 2 messages").await;
    browser.see("The messages were discarded.").await;
    let flow = system.ledger().await;
    assert_eq!((&flow["discarded"], &flow["unaccounted"]), (&json!(2), &json!(0)));
    browser.click("Undo").await;
    browser.see("The messages were restored.").await;
    let flow = system.ledger().await;
    assert_eq!((&flow["archived"], &flow["discarded"]), (&json!(2), &json!(0)));
    let audit = system.json(&["dlq", "show", "bad-1"]).await["audit"].clone();
    let noted: Vec<_> = audit.as_array().expect("a list").iter().map(|entry| &entry["action"]).collect();
    assert!(noted.contains(&&json!("discard")) && noted.contains(&&json!("restore")), "{audit:#}");
    assert!(audit.to_string().contains("sent by a test"), "{audit:#}");
    no_console_errors(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discard_asks_for_a_reason_and_can_be_undone() {
    discard_and_undo(Options::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discard_can_be_undone_with_javascript_off() {
    discard_and_undo(PLAIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selection_is_made_and_replayed_with_the_keyboard() {
    let system = start_with_dead_letters().await;
    let browser = Browser::signed_in(&system, Options::default()).await;
    browser.open(&format!("{}/dead-letters", system.dashboard())).await;
    browser.alive().await;
    // Move down past the group to the first message, and select it.
    browser.press("jjx").await;
    let chosen = browser.find("input[type=checkbox][name=id]:checked").await;
    assert!(
        chosen
            .attr("aria-label")
            .await
            .expect("it is there")
            .is_some_and(|label| label.starts_with("Select"))
    );
    // The selection is kept when the page refreshes itself and a message appears above it.
    let value = chosen.attr("value").await.expect("it is there").expect("a box has a value");
    system.accept("bad-3", "order.placed", &json!({"amount": "many"})).await;
    browser.see("bad-3").await;
    refreshed(&browser, 2).await;
    let checked = "[...document.querySelectorAll('input[name=id]:checked')].map(box => box.value)";
    assert_eq!(values(&browser, checked).await, [value]);
    fix_schema(&system);
    browser.click("Replay 1 message").await;
    browser.at("/dead-letters/replay").await;
    browser.click("Replay 1 message").await;
    ended(&browser, Options::default(), "The message is stored.").await;
    let flow = system.until(&["flow"], |flow| flow["stored"] == 2).await;
    assert_eq!((&flow["archived"], &flow["unaccounted"]), (&json!(2), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_are_in_the_address() {
    let system = start_with_dead_letters().await;
    let browser = Browser::signed_in(&system, PLAIN).await;
    browser.open(&format!("{}/dead-letters", system.dashboard())).await;
    browser
        .find("input[name=contains]")
        .await
        .send_keys("bad-2\u{e007}")
        .await
        .expect("the field accepts text");
    eventually("the filter is in the address", async || {
        let place = browser.place().await;
        if place.contains("contains=bad-2") { Ok(()) } else { Err(place) }
    })
    .await;
    let shown = browser.client.find_all(Locator::Css("tr[data-row]")).await.expect("a list");
    assert_eq!(shown.len(), 1);
    browser.see("bad-2").await;
    browser.open(&format!("{}/dead-letters?contains=nothing-like-it", system.dashboard())).await;
    browser.see("No dead letter matches").await;
}

/// From Overview to the reason of a bad release, as a person would click.
async fn a_bad_release_is_explained(options: Options) {
    let system = start_with_dead_letters().await;
    let browser = Browser::signed_in(&system, options).await;
    browser.open(system.dashboard()).await;
    // The first click.
    browser.click("Dead letters").await;
    browser.at("/dead-letters").await;
    browser.see("\"9.90\"").await;
    browser.see("\"12.50\"").await;
    // The second: the group says what fails where, since when and from whom, and what to do.
    browser.click("/amount: value is not of type").await;
    browser.see("Why it failed").await;
    browser.see("\"type\": \"number\"").await;
    browser.see("100 % from").await;
    browser.see("Fix the sender").await;
    browser.see("Beside a good event").await;
    browser.see("order.placed.json").await;
    // The third: one message, marked in its body.
    browser.click("order.placed").await;
    eventually("the browser is at a message", async || {
        let place = browser.place().await;
        if place.starts_with("/dead-letters/") { Ok(()) } else { Err(place) }
    })
    .await;
    browser.see("Show in the body").await;
    let marked = browser.find("#failing").await.text().await.expect("a mark has a text");
    assert!(marked.contains("\"amount\"") && marked.contains("\""), "{marked}");
    assert_eq!(browser.overflow().await, 0, "nothing is wider than the screen");
    no_console_errors(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_release_is_explained_in_three_clicks() {
    a_bad_release_is_explained(WIDE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_release_is_explained_in_three_taps_on_a_phone() {
    a_bad_release_is_explained(PHONE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_release_is_explained_with_javascript_off() {
    a_bad_release_is_explained(PLAIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_are_copied_with_a_click() {
    let system = start_with_dead_letters().await;
    let browser = Browser::signed_in(&system, Options::default()).await;
    browser.open(&format!("{}/dead-letters?contains=bad-1", system.dashboard())).await;
    browser.click("order.placed").await;
    browser.alive().await;
    // A test may not read the clipboard, so it notes what the page writes.
    browser
        .run("window.copied = []; navigator.clipboard.writeText = text => { window.copied.push(text); return Promise.resolve(); }")
        .await;
    browser.run("document.querySelector('[data-copy=copy-event]').click()").await;
    browser.see("Copied").await;
    assert_eq!(values(&browser, "window.copied").await, ["bad-1"]);
}
