//! The addresses of the dashboard's pages, from its table of pages.

use crate::System;
use serde_json::Value;
use spillway_dashboard_pages::PAGES;

/// Every example of every page, and each value of a page's choice, with a name. Ids are those of the system's first dead
/// letter, its group, its event, and the newest replay.
pub async fn addresses(system: &System) -> Vec<(String, String)> {
    let first =
        |list: &Value, of: &str, member: &str| list[of][0][member].as_str().unwrap_or("none").to_owned();
    let letters = system.json(&["dlq", "list"]).await;
    let replays = system.json(&["replays"]).await;
    let incidents = system.json(&["incidents", "list"]).await;
    let ids = [
        ("{dead-letter}", first(&letters, "items", "id")),
        ("{event}", first(&letters, "items", "event_id")),
        ("{group}", first(&letters, "groups", "fingerprint")),
        ("{incident}", first(&incidents, "incidents", "id")),
        ("{replay}", first(&replays, "replays", "id")),
    ];
    let filled = |address: &str| {
        ids.iter().fold(address.to_owned(), |address, (place, id)| address.replace(place, id))
    };
    let mut all = Vec::new();
    for page in PAGES {
        all.extend(page.examples.iter().map(|(name, address)| ((*name).to_owned(), filled(address))));
        let (parameter, values) = page.choice.unwrap_or_default();
        let chosen = |value: &&str| {
            (
                format!("{}-{value}", page.path.trim_start_matches('/')),
                format!("{}?{parameter}={value}", page.path),
            )
        };
        all.extend(values.iter().map(chosen));
    }
    all
}
