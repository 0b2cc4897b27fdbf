//! Range, theme and keyboard shortcuts.

use crate::{PLAIN, no_console_errors, start, start_with_dead_letters};
use spillway_tests::browser::{Browser, Options};
use spillway_tests::eventually;

async fn place_has(browser: &Browser, wanted: &str) {
    eventually(&format!("the address has {wanted}"), async || {
        let place = browser.place().await;
        if place.contains(wanted) { Ok(()) } else { Err(place) }
    })
    .await;
}

async fn range(options: Options) {
    let system = start_with_dead_letters().await;
    let browser = Browser::signed_in(&system, options).await;
    browser.click("Range:").await;
    browser.click("1 h").await;
    place_has(&browser, "range=1h").await;
    browser.find(".range-presets a[aria-current=true][href*='range=1h']").await;
    browser.click("Metrics").await;
    browser.at("/metrics").await;
    place_has(&browser, "range=1h").await;
    browser.click("Range:").await;
    browser.click("7 d").await;
    place_has(&browser, "range=7d").await;
    browser.client.refresh().await.expect("a page can be loaded again");
    place_has(&browser, "range=7d").await;
    browser.find(".range-presets a[aria-current=true][href*='range=7d']").await;
    browser.client.back().await.expect("there is a page before");
    place_has(&browser, "range=1h").await;
    no_console_errors(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_that_is_chosen_stays_in_the_address() {
    range(Options::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_is_chosen_with_javascript_off() {
    range(PLAIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_range_is_reported_and_replaced_by_the_default() {
    let system = start_with_dead_letters().await;
    let browser = Browser::signed_in(&system, Options::default()).await;
    for query in
        ["range=soon", "from=2026-01-02T00:00&to=2026-01-01T00:00", "from=%ff&to=", "range=1h&range=2h"]
    {
        for path in ["/", "/metrics", "/dead-letters", "/replays"] {
            browser.open(&format!("{}{path}?{query}", system.dashboard())).await;
            browser.find("main h1").await;
        }
    }
    browser.open(&format!("{}/?range=soon", system.dashboard())).await;
    browser.see("The range in the address cannot be used").await;
}

/// The brightness of the page's background, from 0 to 255.
async fn lightness(browser: &Browser) -> f64 {
    let script = "const shown = [document.body, document.documentElement].map(e => getComputedStyle(e).backgroundColor) \
                  .find(color => color !== 'rgba(0, 0, 0, 0)'); \
                  const canvas = new OffscreenCanvas(1, 1).getContext('2d'); canvas.fillStyle = shown; \
                  canvas.fillRect(0, 0, 1, 1); const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data; \
                  return (r + g + b) / 3;";
    browser.run(script).await.as_f64().expect("a colour has numbers")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_theme_follows_the_system_until_it_is_chosen() {
    let system = start().await;
    let browser = Browser::signed_in(&system, Options { dark: true, ..Options::default() }).await;
    assert!(lightness(&browser).await < 80.0);
    browser.click("Theme").await;
    browser.click("Light").await;
    browser.find("html[data-theme=light]").await;
    assert!(lightness(&browser).await > 200.0);
    browser.click("Dead letters").await;
    browser.at("/dead-letters").await;
    assert!(lightness(&browser).await > 200.0, "it is kept");
    browser.click("Theme").await;
    browser.click("Dark").await;
    browser.find("html[data-theme=dark]").await;
    assert!(lightness(&browser).await < 80.0);
    assert_eq!(browser.place().await, "/dead-letters", "it returns to the page of the choice");
    browser.click("Theme").await;
    browser.click("System").await;
    browser.find("html:not([data-theme])").await;
    no_console_errors(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_lead_everywhere() {
    let system = start_with_dead_letters().await;
    let browser = Browser::signed_in(&system, Options::default()).await;
    for (keys, path) in [
        ("gd", "/dead-letters"),
        ("gm", "/metrics"),
        ("gr", "/replays"),
        ("go", "/"),
        ("gd", "/dead-letters"),
    ] {
        browser.alive().await;
        browser.press(keys).await;
        browser.at(path).await;
    }
    browser.alive().await;
    browser.press("?").await;
    browser.find("dialog#keys[open]").await;
    // Escape closes the help.
    browser.press("\u{e00c}").await;
    browser.find("dialog#keys:not([open])").await;
    browser.press("/").await;
    let at = browser.client.active_element().await.expect("an element has the focus");
    assert_eq!(at.attr("name").await.expect("it is there").as_deref(), Some("contains"));
    at.send_keys("gm").await.expect("it accepts letters");
    assert_eq!(browser.place().await, "/dead-letters", "letters in a field are letters");
    no_console_errors(&browser).await;
}
