//! What a refresh must not take from the reader: focus, typed text, and what they confirm.

use crate::{PHONE, WIDE, no_console_errors, refreshed, start, start_with_dead_letters, values};
use serde_json::{Value, json};
use spillway_tests::browser::{Browser, Options};
use spillway_tests::{System, eventually};

/// The keys of the rows of the table, from top to bottom.
async fn rows(browser: &Browser) -> Vec<String> {
    values(browser, "[...document.querySelectorAll('tr[data-row]')].map(row => row.dataset.key)").await
}

async fn discard(system: &System, id: &str) {
    let done = system.cli(&["dlq", "discard", id, "--reason", "a test", "--by", "anna"]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
}

/// Waits until a row has left the table.
async fn leaves(browser: &Browser, key: &str) {
    eventually(&format!("{key} leaves the list"), async || {
        let rows = rows(browser).await;
        if rows.iter().any(|row| row == key) { Err(rows) } else { Ok(()) }
    })
    .await;
}

async fn focused(browser: &Browser) -> Value {
    browser.run("return document.activeElement.dataset.key ?? document.activeElement.id").await
}

async fn a_row_leaves(options: Options) {
    let system = start().await;
    for id in ["bad-1", "bad-2", "bad-3"] {
        system.accept(id, "order.placed", &json!({"amount": "many"})).await;
    }
    system.until(&["flow"], |flow| flow["archived"] == 3).await;
    let browser = Browser::signed_in(&system, options).await;
    browser.open(&format!("{}/dead-letters", system.dashboard())).await;
    browser.alive().await;
    let rows: [String; 3] = rows(&browser).await.try_into().expect("three rows");
    // Past the group to the second message.
    browser.press("jjj").await;
    assert_eq!(focused(&browser).await, rows[1]);
    browser.run("document.activeElement.spillwayMarker = 'the same node'").await;

    discard(&system, &rows[0]).await;
    leaves(&browser, &rows[0]).await;
    assert_eq!(focused(&browser).await, rows[1], "the row above has left");
    assert_eq!(browser.run("return document.activeElement.spillwayMarker ?? null").await, "the same node");

    discard(&system, &rows[1]).await;
    leaves(&browser, &rows[1]).await;
    assert_eq!(focused(&browser).await, rows[2], "the focus moves to the next row");

    discard(&system, &rows[2]).await;
    leaves(&browser, &rows[2]).await;
    assert_eq!(focused(&browser).await, "main", "no row is left");
    no_console_errors(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_focus_stays_when_a_row_leaves() {
    a_row_leaves(WIDE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_focus_stays_when_a_row_leaves_on_a_phone() {
    a_row_leaves(PHONE).await;
}

async fn text_is_typed(options: Options) {
    let system = start_with_dead_letters().await;
    let browser = Browser::signed_in(&system, options).await;
    browser.open(&format!("{}/dead-letters", system.dashboard())).await;
    let [first, second]: [String; 2] = rows(&browser).await.try_into().expect("two rows");
    browser.open(&format!("{}/dead-letters/discard?id={first}&id={second}", system.dashboard())).await;
    browser.alive().await;
    browser.find("textarea[name=reason]").await.send_keys("half a rea").await.expect("it accepts text");
    browser.run("document.activeElement.spillwayMarker = 'the same node'").await;
    let kept = async |what: &str| {
        let field = "const fields = document.querySelectorAll('main textarea'); \
                     return [fields.length, fields[0].value, fields[0] === document.activeElement, \
                     fields[0].spillwayMarker ?? null]";
        let wanted = json!([1, "half a rea", true, "the same node"]);
        assert_eq!(browser.run(field).await, wanted, "{what}");
    };

    // A sentence appears in front of the form, and the button says what would happen now.
    discard(&system, &first).await;
    browser.see("1 of the selected messages is no longer in the archive").await;
    browser.find("button.danger").await;
    browser.see("1 message will be discarded.").await;
    kept("a sibling has appeared").await;
    let button = browser.find("button.danger").await.text().await.expect("a button has words");
    assert_eq!(button, "Discard 1 message");

    // It vanishes again.
    assert_eq!(system.cli(&["dlq", "restore", &first, "--by", "anna"]).await.code, Some(0));
    browser.see("2 messages will be discarded.").await;
    kept("a sibling has vanished").await;
    browser.press("son").await;
    refreshed(&browser, 2).await;
    let value = browser.run("return document.querySelector('main textarea').value").await;
    assert_eq!(value, "half a reason");
    browser.click("Discard 2 messages").await;
    browser.see("The messages were discarded.").await;
    system.until(&["flow"], |flow| flow["discarded"] == 2).await;
    no_console_errors(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn typed_text_and_its_field_stay_when_siblings_come_and_go() {
    text_is_typed(WIDE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn typed_text_and_its_field_stay_when_siblings_come_and_go_on_a_phone() {
    text_is_typed(PHONE).await;
}

/// The sum of what the page offers to confirm, by its button.
async fn offered(browser: &Browser) -> String {
    let button = browser.find(".dl-confirm form button:not([name=passing])").await;
    button.text().await.expect("a button has words")
}

async fn more_arrive(options: Options) {
    let system = start_with_dead_letters().await;
    let browser = Browser::signed_in(&system, options).await;
    browser.open(&format!("{}/dead-letters", system.dashboard())).await;
    browser.click("Discard 2 messages").await;
    browser.at("/dead-letters/discard").await;
    browser.alive().await;
    assert_eq!(offered(&browser).await, "Discard 2 messages");

    system.accept("bad-3", "order.placed", &json!({"amount": "many"})).await;
    system.until(&["flow"], |flow| flow["archived"] == 3).await;
    refreshed(&browser, 2).await;
    assert_eq!(offered(&browser).await, "Discard 2 messages");
    browser.see("2 messages will be discarded.").await;
    browser.find("textarea[name=reason]").await.send_keys("a test").await.expect("it accepts text");
    browser.click("Discard 2 messages").await;
    browser.see("The messages were discarded.").await;
    let flow = system.until(&["flow"], |flow| flow["discarded"] == 2).await;
    assert_eq!(flow["archived"], 1, "the one that arrived later still waits");

    // An address without a moment gets one.
    browser.open(&format!("{}/dead-letters/replay?all=matching", system.dashboard())).await;
    browser.at("/dead-letters/replay").await;
    assert!(browser.place().await.contains("before="), "{}", browser.place().await);
    assert_eq!(offered(&browser).await, "Replay 1 message");
    no_console_errors(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_confirmed_does_not_grow() {
    more_arrive(WIDE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_confirmed_does_not_grow_on_a_phone() {
    more_arrive(PHONE).await;
}
