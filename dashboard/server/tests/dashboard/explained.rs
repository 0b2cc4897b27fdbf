//! A dead letter explains itself: the failing place, the schema, a good event, where the group comes from, and the advice.

use crate::dead_letters::{TestApp, values};
use serde_json::json;
use std::time::Duration;

/// The page as its reader sees it: without tags, and with characters instead of entities.
fn seen(page: &str) -> String {
    let mut text = String::new();
    for part in page.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#x27;", "'")
        .replace("&amp;", "&")
}

/// The text of the part of a page between two texts.
fn between<'p>(page: &'p str, from: &str, to: &str) -> &'p str {
    let (_, rest) = page.split_once(from).unwrap_or_else(|| panic!("no {from} in {page}"));
    rest.split_once(to).map_or(rest, |(part, _)| part)
}

/// An app with a good order, and bad ones whose amount is a text.
async fn with_bad_orders(amounts: &[&str]) -> TestApp {
    let app = TestApp::start().await;
    app.accept("good", "order.placed", json!({"amount": 12.5, "currency": "EUR"})).await;
    app.settle().await;
    for (number, amount) in amounts.iter().enumerate() {
        let data = json!({"currency": "EUR", "amount": amount});
        app.accept(&format!("bad-{number}"), "order.placed", data).await;
    }
    app.settle().await;
    app
}

#[tokio::test(start_paused = true)]
async fn the_page_of_a_dead_letter_says_what_fails_where_and_what_to_do() {
    let app = with_bad_orders(&["2571.97"]).await;
    let id = app.listed("/dead-letters").await.remove(0);
    let page = app.get(&format!("/dead-letters/{id}")).await;
    let why = seen(between(&page, "id=\"dl-why\"", "</section>"));
    for expected in [
        "/data/amount",
        "\"2571.97\"",
        "string",
        "\"type\": \"number\"",
        "order.placed.json#/properties/amount/type",
        "1 message fails like this: 100 % from /test since 03:00.",
        "Fix the sender and let it send these events again.",
        "before the first of these",
    ] {
        assert!(why.contains(expected), "{expected}: {why}");
    }
    let compared = between(&page, "id=\"dl-compared\"", "</section>");
    let failing = compared.split("<tr").find(|row| row.contains("fails here")).expect("a row");
    let row = seen(failing);
    assert!(row.contains("/data/amount") && row.contains("\"2571.97\"") && row.contains("12.5"), "{row}");
    assert!(failing.contains("data-differs"), "{failing}");
    assert_eq!(compared.matches("data-differs").count(), 1, "{compared}");
    let body = between(&page, "id=\"dl-body\"", "</section>");
    let marked = seen(between(body, "id=\"failing\"", "</div>"));
    assert!(marked.contains("\"amount\": \"2571.97\""), "{marked}");
    assert!(page.contains("href=\"#failing\""), "a link leads to the mark");
    let spread = seen(between(&page, "id=\"dl-spread\"", "</section>"));
    assert!(spread.contains("/test") && spread.contains("Consumer version"), "{spread}");

    app.schemas.fix();
    app.dashboard.pipeline.ports.clock.sleep(Duration::from_secs(60)).await;
    let fixed = seen(&app.get(&format!("/dead-letters/{id}")).await);
    assert!(fixed.contains("It passes the consumer's checks now. Replay it."), "{fixed}");
    assert!(fixed.contains("/data/amount"), "the failure still has its place");
}

#[tokio::test(start_paused = true)]
async fn the_body_as_sent_is_marked_and_stays_exact() {
    let app = with_bad_orders(&["9.90 \u{e9} <b>"]).await;
    let id = app.listed("/dead-letters").await.remove(0);
    let page = app.get(&format!("/dead-letters/{id}?body=raw")).await;
    let letter = app.dashboard.pipeline.ports.archive.get(&id.as_str().into()).await.unwrap().unwrap();
    let pre = between(&page, "class=\"body-view body-raw\">", "</pre>");
    assert_eq!(seen(pre), letter.body);
    assert_eq!(seen(between(pre, "class=\"body-mark\">", "</mark>")), "\"9.90 \u{e9} <b>\"");
    assert!(page.contains("data-copy=\"dl-text\""), "it can be copied");
}

#[tokio::test(start_paused = true)]
async fn the_list_shows_what_differs_and_a_group_its_reason() {
    let app = with_bad_orders(&["1.10", "2.20", "3.30"]).await;
    let list = app.get("/dead-letters").await;
    let messages = seen(between(&list, "id=\"dl-messages\"", "</form>"));
    for amount in ["\"1.10\"", "\"2.20\"", "\"3.30\""] {
        assert!(messages.contains(amount), "{amount}: {messages}");
    }
    assert!(!messages.contains("value is not of type"), "the sentence is in the group: {messages}");
    let group = values(&list, "href=\"").into_iter().find(|link| link.contains("?group=")).expect("a group");
    let page = app.get(&group.replace("&amp;", "&")).await;
    let why = seen(between(&page, "id=\"dl-why\"", "</section>"));
    assert!(why.contains("3 messages fail like this: 100 % from /test since 03:00."), "{why}");
    assert!(why.contains("\"type\": \"number\"") && why.contains("Fix the sender"), "{why}");
    assert!(page.contains("id=\"dl-compared\"") && page.contains("id=\"dl-spread\""), "{page}");
    let copies = values(&page, "data-copy=\"");
    assert!(copies.iter().all(|id| page.matches(&format!("id=\"{id}\"")).count() == 1), "{copies:?}");
}

#[tokio::test(start_paused = true)]
async fn hostile_bodies_are_bounded_and_escaped_on_every_page() {
    let app = TestApp::start().await;
    let long = "n".repeat(200_000);
    let deep = (0..100).fold(json!("\u{202e}"), |inner, _| json!([inner]));
    for (id, data) in [
        ("long", json!({"amount": "x", long.as_str(): 1})),
        ("deep", json!({"amount": deep})),
        ("bidi", json!({"amount": "\u{202e}\u{2066}evil\u{7f}<script>alert(1)</script>"})),
    ] {
        app.accept(id, "order.placed", data).await;
        app.settle().await;
    }
    let list = app.get("/dead-letters").await;
    assert!(list.len() < 60_000, "{} bytes", list.len());
    assert!(!list.contains(['\u{202e}', '\u{2066}', '\u{7f}']) && !list.contains("<script>alert"));
    for id in app.listed("/dead-letters").await {
        for body in ["", "?body=raw"] {
            let letter =
                app.dashboard.pipeline.ports.archive.get(&id.as_str().into()).await.unwrap().unwrap();
            let page = app.get(&format!("/dead-letters/{id}{body}")).await;
            assert!(page.len() < letter.body.len() + 60_000, "{} bytes", page.len());
            assert!(page.contains("id=\"failing\"") && !page.contains("<script>alert"), "{page}");
            let why = between(&page, "id=\"dl-why\"", "id=\"dl-body\"");
            assert!(!why.contains(['\u{202e}', '\u{2066}', '\u{7f}']) && why.len() < 20_000, "{why}");
        }
    }
}
