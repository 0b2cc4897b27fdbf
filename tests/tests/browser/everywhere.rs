//! Checks for every page.

use crate::{PLAIN, no_console_errors, start_with_dead_letters_and};
use serde_json::{Value, json};
use spillway_tests::addresses::addresses;
use spillway_tests::browser::{Browser, Options};
use spillway_tests::{Setup, System};

/// A system with something on every page. Its time is fast, so that its dead letters soon are an incident.
async fn start_with_all() -> System {
    let words = vec!["--speed", "20"];
    let system = start_with_dead_letters_and(Setup { site: true, words, ..Setup::default() }).await;
    let is_there = |list: &Value| list["incidents"].as_array().is_some_and(|all| !all.is_empty());
    system.until(&["incidents", "list"], is_there).await;
    system
}

/// The addresses of all pages, on a system with two dead letters. One was replayed and came back.
async fn pages(system: &System) -> Vec<String> {
    system.cli(&["dlq", "replay", "bad-1", "--wait", "--json"]).await;
    let mut pages: Vec<String> = addresses(system).await.into_iter().map(|(_, address)| address).collect();
    pages.push("/metrics?stage=nonsense".to_owned());
    pages
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_is_wider_than_a_phone_or_logs_to_the_console() {
    let system = start_with_all().await;
    let browser =
        Browser::signed_in(&system, Options { width: 380, height: 800, ..Options::default() }).await;
    let mut wrong = Vec::new();
    for page in pages(&system).await {
        browser.open(&format!("{}{page}", system.dashboard())).await;
        browser.alive().await;
        let overflow = browser.overflow().await;
        if overflow > 0 {
            wrong.push(format!("{page} is {overflow} px too wide: {}", widest(&browser).await));
        }
        for error in browser.errors().await {
            wrong.push(format!("{page}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The first element that extends beyond the window.
async fn widest(browser: &Browser) -> String {
    let script = "const width = document.documentElement.clientWidth; \
                  const one = [...document.querySelectorAll('main *, header *, footer *')] \
                  .find(e => e.getBoundingClientRect().right > width + 0.5 && !e.closest('.table-scroll')); \
                  return one ? one.tagName + '.' + one.getAttribute('class') : 'no visible element';";
    browser.run(script).await.as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_complete_with_javascript_off() {
    let system = start_with_all().await;
    let browser = Browser::signed_in(&system, PLAIN).await;
    for page in pages(&system).await {
        browser.open(&format!("{}{page}", system.dashboard())).await;
        let heading = browser.find("main h1").await.text().await.expect("a heading has words");
        assert!(!heading.is_empty(), "{page}");
        let inline = browser
            .run("return document.querySelectorAll('[style], script:not([src]), [onclick]').length")
            .await;
        assert_eq!(inline, 0, "{page} has inline styles or scripts");
        no_console_errors(&browser).await;
    }
}

/// The minimum that a screen reader needs.
#[tokio::test(flavor = "multi_thread")]
async fn every_control_has_a_name_and_every_page_one_heading() {
    let system = start_with_all().await;
    let browser = Browser::signed_in(&system, Options::default()).await;
    let script = "const named = e => (e.getAttribute('aria-label') || e.textContent || e.title || \
                  [...(e.labels || [])].map(l => l.textContent).join('') || e.getAttribute('aria-labelledby') || '').trim(); \
                  const bare = [...document.querySelectorAll('a[href], button, select, textarea, summary, input:not([type=hidden]), [role=img], img')] \
                  .filter(e => !named(e)).map(e => e.outerHTML.slice(0, 200)); \
                  const ids = [...document.querySelectorAll('[id]')].map(e => e.id); \
                  const twice = ids.filter((id, i) => ids.indexOf(id) !== i).map(id => 'the id ' + id + ' appears twice'); \
                  const headings = document.querySelectorAll('h1').length; \
                  return [...bare, ...twice, ...(headings === 1 ? [] : [headings + ' headings of the first level'])];";
    let mut wrong = Vec::new();
    for page in pages(&system).await {
        browser.open(&format!("{}{page}", system.dashboard())).await;
        let found = browser.run(script).await;
        if found != json!([]) {
            wrong.push(format!("{page}: {found:#}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_pages_and_items_are_reported() {
    let system = start_with_all().await;
    let browser = Browser::signed_in(&system, PLAIN).await;
    for (page, words) in [
        ("/no-such-page", "There is no page at this address."),
        ("/dead-letters/no-such-id", "There is no dead letter with this id."),
        ("/replays/no-such-id", "There is no replay with this id."),
        ("/dead-letters/%ff%00", "There is no dead letter with this id."),
    ] {
        browser.open(&format!("{}{page}", system.dashboard())).await;
        browser.see(words).await;
    }
    assert!(!system.log().contains("panicked"), "{}", system.log());
}
