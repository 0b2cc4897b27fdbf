//! The dashboard in Chromium, as users operate it, with and without JavaScript.

mod alarms;
mod crosshair;
mod dead_letters;
mod everywhere;
mod live;
mod morph;
mod sign_in;
mod switches;

use serde_json::{Value, json};
use spillway_tests::browser::{Browser, Options};
use spillway_tests::{Setup, System, eventually};

/// Options without JavaScript.
const PLAIN: Options = Options { javascript: false, width: 1280, height: 900, dark: false };

/// A wide screen.
const WIDE: Options = Options { javascript: true, width: 1440, height: 900, dark: false };
/// A phone.
const PHONE: Options = Options { javascript: true, width: 380, height: 800, dark: false };

/// A system with the browser's part of the dashboard, in which an order's amount must be a number.
async fn start() -> System {
    start_with(Setup { site: true, ..Setup::default() }).await
}

/// The same with other settings.
async fn start_with(setup: Setup) -> System {
    let schema = json!({"properties": {"amount": {"type": "number"}}});
    System::start(Setup { schemas: vec![("order.placed", schema)], ..setup }).await
}

/// The same, with one order stored and two dead-lettered.
async fn start_with_dead_letters() -> System {
    start_with_dead_letters_and(Setup { site: true, ..Setup::default() }).await
}

/// The same with other settings.
async fn start_with_dead_letters_and(setup: Setup) -> System {
    let system = start_with(setup).await;
    for (id, amount) in [("good", json!(1)), ("bad-1", json!("9.90")), ("bad-2", json!("12.50"))] {
        system.accept(id, "order.placed", &json!({"amount": amount})).await;
    }
    system.until(&["flow"], |flow| flow["archived"] == 2 && flow["stored"] == 1).await;
    system
}

/// The number beside a word in a list of terms.
async fn number(browser: &Browser, term: &str) -> Result<Value, String> {
    let script = "const term = [...document.querySelectorAll('dt')].find(dt => dt.textContent.trim() === arguments[0]); \
                  return term?.nextElementSibling?.querySelector('data')?.value ?? null;";
    let value = browser.client.execute(script, vec![json!(term)]).await.map_err(|error| error.to_string())?;
    Ok(value.as_str().and_then(|text| text.parse().ok()).unwrap_or(value))
}

/// Checks that the ledger balances and every accepted event is stored.
async fn all_is_stored(system: &System, accepted: u64) {
    let flow = system.until(&["flow"], |flow| flow["stored"] == accepted).await;
    assert_eq!((&flow["accepted"], &flow["unaccounted"]), (&json!(accepted), &json!(0)));
}

/// Waits until the page has refreshed itself this many times more, without a page load.
async fn refreshed(browser: &Browser, times: u64) {
    let count = "window.refreshes ??= (document.addEventListener('spillway:refreshed', () => window.refreshes++), 0); \
                 return window.refreshes";
    let before = browser.run(count).await.as_u64().expect("a count");
    eventually(&format!("{times} refreshes"), async || {
        match browser.run("return window.refreshes ?? 'the page was loaded again'").await {
            seen if seen.as_u64() >= Some(before + times) => Ok(()),
            seen => Err(seen),
        }
    })
    .await;
}

/// The texts of a list that a script computes.
async fn values(browser: &Browser, list: &str) -> Vec<String> {
    let values = browser.run(&format!("return {list}")).await;
    values.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

async fn no_console_errors(browser: &Browser) {
    let errors = browser.errors().await;
    assert!(errors.is_empty(), "the console has errors: {errors:#?}");
}
