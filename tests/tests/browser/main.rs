//! The dashboard in Chromium, as users operate it, with and without JavaScript.

mod alarms;
mod dead_letters;
mod everywhere;
mod live;
mod sign_in;
mod switches;

use serde_json::{Value, json};
use spillway_tests::browser::{Browser, Options};
use spillway_tests::{Setup, System};

/// Options without JavaScript.
const PLAIN: Options = Options { javascript: false, width: 1280, height: 900, dark: false };

/// A system with the browser's part of the dashboard, in which an order's amount must be a number.
async fn start() -> System {
    let schema = json!({"properties": {"amount": {"type": "number"}}});
    System::start(Setup { site: true, schemas: vec![("order.placed", schema)], ..Setup::default() }).await
}

/// The same, with one order stored and two dead-lettered.
async fn start_with_dead_letters() -> System {
    let system = start().await;
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

async fn no_console_errors(browser: &Browser) {
    let errors = browser.errors().await;
    assert!(errors.is_empty(), "the console has errors: {errors:#?}");
}
