//! The crosshair over all charts of a page: by pointer, by keys, and through refreshes.

use crate::{PHONE, WIDE, no_console_errors, refreshed, start_with_dead_letters};
use fantoccini::actions::{InputSource as _, MouseActions, PointerAction};
use serde_json::{Value, json};
use spillway_tests::browser::{Browser, Options};
use spillway_tests::eventually;

const END: &str = "\u{e010}";
const LEFT: &str = "\u{e012}";
const ESCAPE: &str = "\u{e00c}";

/// The number of lines and of tooltips.
async fn shown(browser: &Browser) -> (u64, u64) {
    let count = async |selector: &str| {
        let script = format!("return document.querySelectorAll('{selector}').length");
        browser.run(&script).await.as_u64().expect("a count")
    };
    (count(".crosshair-line").await, count(".crosshair-tip").await)
}

async fn said(browser: &Browser) -> String {
    let said = browser.run("return document.querySelector('.crosshair-said').textContent").await;
    said.as_str().unwrap_or_default().to_owned()
}

/// Checks that the tooltip is inside the window, with one row for each series of the chart.
async fn tooltip_fits(browser: &Browser, chart: &str) {
    let script = format!(
        "const tip = document.querySelector('.crosshair-tip'), area = tip.getBoundingClientRect(); \
         const series = JSON.parse(document.querySelector('{chart}').dataset.series).s.length; \
         return [area.left >= 0, area.right <= document.documentElement.clientWidth, area.top >= 0, \
                 tip.querySelectorAll('.crosshair-row').length === series, \
                 tip.querySelector('.crosshair-time').textContent.length > 0]"
    );
    assert_eq!(browser.run(&script).await, json!([true, true, true, true, true]));
}

async fn crosshair(options: Options) {
    let system = start_with_dead_letters().await;
    let browser = Browser::signed_in(&system, options).await;
    browser.open(&format!("{}/metrics?stage=queue&range=1h", system.dashboard())).await;
    browser.alive().await;
    let charts = browser.run("return document.querySelectorAll('[data-series]').length").await;
    let charts = charts.as_u64().filter(|charts| *charts > 1).expect("several charts");

    // By keys.
    let chart = "figure:nth-of-type(2) [data-series]";
    browser.run(&format!("document.querySelector('{chart}').focus()")).await;
    browser.press(END).await;
    assert_eq!(shown(&browser).await, (charts, 1), "a line in each chart, and a tooltip at one");
    tooltip_fits(&browser, chart).await;
    let newest = said(&browser).await;
    browser.press(LEFT).await;
    let before = said(&browser).await;
    assert!(newest != before && before.contains(": "), "{newest} / {before}");

    // A refresh removes neither the lines nor the focus.
    refreshed(&browser, 2).await;
    assert_eq!(shown(&browser).await, (charts, 1));
    let has_focus = format!("return document.activeElement === document.querySelector('{chart}')");
    assert_eq!(browser.run(&has_focus).await, Value::Bool(true));
    browser.press(LEFT).await;
    assert!(said(&browser).await != before);
    browser.press(ESCAPE).await;
    assert_eq!(shown(&browser).await, (0, 0));

    // By the pointer: near both edges the tooltip stays in the window.
    let middle = format!(
        "const chart = document.querySelector('{chart}'); chart.scrollIntoView({{block: 'center'}}); \
         const area = chart.getBoundingClientRect(); return [area.left, area.right, area.top + area.height / 2]"
    );
    let area = browser.run(&middle).await;
    let [left, right, y] = [0, 1, 2].map(|index| area[index].as_f64().expect("a length"));
    for x in [right - 20.0, left + 60.0] {
        let to = PointerAction::MoveTo { duration: None, x, y };
        browser.client.perform_actions(MouseActions::new("mouse".into()).then(to)).await.expect("it moves");
        eventually("the crosshair follows", async || match shown(&browser).await {
            (lines, 1) if lines == charts => Ok(()),
            seen => Err(seen),
        })
        .await;
        tooltip_fits(&browser, chart).await;
    }
    let away = PointerAction::MoveTo { duration: None, x: 1.0, y: 1.0 };
    browser.client.perform_actions(MouseActions::new("mouse".into()).then(away)).await.expect("it moves");
    eventually("the crosshair leaves", async || match shown(&browser).await {
        (0, 0) => Ok(()),
        seen => Err(seen),
    })
    .await;
    no_console_errors(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_crosshair_shows_one_time_in_all_charts() {
    crosshair(WIDE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_crosshair_shows_one_time_in_all_charts_on_a_phone() {
    crosshair(PHONE).await;
}
