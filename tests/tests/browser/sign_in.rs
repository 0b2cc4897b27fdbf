//! Signing in.

use crate::{PLAIN, start};
use spillway_tests::browser::{Browser, Options};

#[tokio::test(flavor = "multi_thread")]
async fn a_link_signs_in_once() {
    let system = start().await;
    let first = Browser::signed_in(&system, Options::default()).await;
    first.see("Overview").await;
    first.open(&format!("{}/dead-letters", system.dashboard())).await;
    first.see("No dead letters").await;

    let second = Browser::start(PLAIN).await;
    second.open(system.sign_in()).await;
    second.see("This sign-in link is not valid. Each link works once.").await;
    second.open(&format!("{}/dead-letters", system.dashboard())).await;
    second.see("You are not signed in.").await;
    second.see("spillway sign-in --embedded").await;

    // The command on the page prints another link.
    let link = system.json(&["sign-in"]).await["url"].as_str().expect("a link").to_owned();
    second.open(&link).await;
    second.at("/").await;
    // The first link's session is still valid.
    first.click("Metrics").await;
    first.at("/metrics").await;
}
