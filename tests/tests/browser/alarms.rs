//! Alarms: from a fault to the low alarm, the high alarm, the runbook and the cause, until both have cleared. Also the
//! pages of an artificial day.

use crate::{PLAIN, no_console_errors};
use spillway_tests::browser::{Browser, Options};
use spillway_tests::{Setup, System, eventually_within};
use std::time::Duration;

/// An hour passes in a minute: an alarm that needs ten minutes fires in ten seconds.
const FAST: [&str; 3] = ["--speed", "60", "--no-history"];
/// Time limit for steps that take up to an hour of the system's time.
const AN_HOUR: Duration = Duration::from_secs(120);

/// The names of the alarms that a section of the list shows now.
async fn listed(browser: &Browser, section: &str) -> Vec<String> {
    let script = format!(
        "return [...document.querySelectorAll('section[aria-labelledby={section}] li.alarm')].map(li => li.dataset.key)"
    );
    let names = browser.run(&script).await;
    names.as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// Waits until a section of the list has all of these, without a page load.
async fn lists(browser: &Browser, section: &str, wanted: &[&str]) {
    eventually_within(AN_HOUR, &format!("{section} has {wanted:?}"), async || {
        let seen = listed(browser, section).await;
        if wanted.iter().all(|name| seen.iter().any(|seen| seen == name)) { Ok(()) } else { Err(seen) }
    })
    .await;
    assert_eq!(
        browser.run("return window.spillwayMarker ?? null").await,
        "still here",
        "the page was loaded again"
    );
}

async fn open(browser: &Browser, system: &System, page: &str) {
    browser.open(&format!("{}{page}", system.dashboard())).await;
    browser.alive().await;
    browser.run("window.spillwayMarker = 'still here'").await;
}

/// The journey of an engineer on call. The low alarm and then the high alarm notify them of a fault, and the runbook
/// leads them to the cause. Afterwards the page shows that the fault is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_fault_notifies_low_then_high_its_runbook_leads_to_the_cause_and_both_clear() {
    let (low, high) = ("records-retried-low", "records-retried-high");
    let system =
        System::start(Setup { site: true, demo: true, words: FAST.to_vec(), ..Setup::default() }).await;
    let browser = Browser::signed_in(&system, Options::default()).await;
    open(&browser, &system, "/alarms").await;
    // A slow machine may have an alarm about slowness.
    let active = listed(&browser, "active").await;
    assert!(!active.iter().any(|name| name == low || name == high), "{active:?}");

    assert_eq!(system.cli(&["fault", "start", "store-outage", "--by", "anna"]).await.code, Some(0));
    lists(&browser, "active", &[low]).await;
    assert!(!listed(&browser, "active").await.contains(&high.to_owned()), "the low one comes first");
    lists(&browser, "active", &[low, high]).await;
    assert_eq!(
        listed(&browser, "active").await.first().map(String::as_str),
        Some(high),
        "the high one is on top"
    );

    // The page says what is wrong, whether events are lost, and what to do.
    browser.click("More than 60 % of the records").await;
    browser.at(&format!("/alarms/{high}")).await;
    browser.see("In alarm for").await;
    browser.see("accepted are accounted for").await;
    browser.see("It last fired").await;
    browser.find(".alarm-shade.high").await;
    let lead = browser.text().await.expect("a page can be read");
    assert!(lead.contains("min before this alarm"), "{lead}");
    // The runbook's first step.
    browser.find(".alarm-runbook a[href^='/metrics']").await.click().await.expect("a link can be clicked");
    browser.at("/metrics").await;
    browser.see("every write to the table fails").await;
    no_console_errors(&browser).await;

    open(&browser, &system, "/alarms").await;
    assert_eq!(system.cli(&["fault", "stop", "store-outage", "--by", "anna"]).await.code, Some(0));
    lists(&browser, "cleared", &[low, high]).await;
    let active = listed(&browser, "active").await;
    assert!(!active.iter().any(|name| name == low || name == high), "{active:?}");
    open(&browser, &system, &format!("/alarms/{high}")).await;
    browser.see("OK, cleared").await;
    let flow = system.until(&["flow"], |flow| flow["unaccounted"] == 0).await;
    assert!(flow["stored"].as_u64() > Some(0));
    no_console_errors(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_has_its_alarms_in_the_list_on_their_pages_and_on_the_charts() {
    let words = vec!["--no-traffic"];
    let system = System::start(Setup { site: true, demo: true, words, ..Setup::default() }).await;
    let browser = Browser::signed_in(&system, Options::default()).await;
    open(&browser, &system, "/alarms").await;
    // The day's outage was notified and has cleared.
    lists(&browser, "cleared", &["records-retried-high", "table-system-errors-high"]).await;
    browser.press("ga").await;
    browser.at("/alarms").await;

    let select = browser.find("select[name=subsystem]").await;
    select.select_by_value("table").await.expect("a subsystem can be chosen");
    browser.find(".alarm-filters button").await.click().await.expect("a form can be sent");
    browser.see("Clear the filters").await;
    assert!(browser.place().await.contains("subsystem=table"), "the filter is in the address");
    let cleared = listed(&browser, "cleared").await;
    assert!(cleared.iter().all(|name| name.starts_with("table-")) && !cleared.is_empty(), "{cleared:?}");

    browser.click("More than 20 % of the writes end in an error").await;
    browser.at("/alarms/table-system-errors-high").await;
    browser.find(".alarm-shade.high").await;
    browser.find(".threshold.high").await;
    browser.see("It last fired").await;
    // The same chart among others, with the time of the alarm shaded.
    browser.click("Table metrics: Share of writes refused").await;
    browser.at("/metrics").await;
    browser.find("#error-share .alarm-shade.high").await;
    browser.find("#error-share .threshold.low").await;
    no_console_errors(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_in_a_message_works_on_a_phone_and_without_javascript() {
    let words = vec!["--no-traffic"];
    let system = System::start(Setup { site: true, demo: true, words, ..Setup::default() }).await;
    let link = format!("{}/alarms/records-retried-high?range=24h", system.dashboard());
    let phone = Browser::signed_in(&system, Options { width: 380, height: 800, dark: true, ..PLAIN }).await;
    phone.open(&link).await;
    for said in ["OK, cleared", "Is anything lost?", "First look", "Mitigate", "Measurements", "Changes"] {
        phone.see(said).await;
    }
    // The first steps are within the first two screens, and the chart is the one for phones.
    let top = phone.find(".alarm-runbook h2").await;
    let (_, y, _, _) = top.rectangle().await.expect("it has a position");
    assert!(y < 1_000.0, "the runbook begins at {y}");
    assert_eq!(phone.overflow().await, 0);
    let narrow = phone.find(".plot.chart-when-narrow").await;
    assert!(narrow.is_displayed().await.expect("the browser answers"));
    // Runbooks link to each other, and to the alarms.
    phone.click("table-system-errors").await;
    phone.at("/runbooks/table-system-errors").await;
    phone.see("Alarms that link here").await;
    assert_eq!(phone.overflow().await, 0);
    no_console_errors(&phone).await;
}
