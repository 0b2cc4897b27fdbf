//! `events`.

use crate::answer::ExitStatus;
use crate::testing::{FakePipeline, ago, run};
use spillway_core::ids::EventKey;
use spillway_core::ports::StoredEvent;
use std::sync::Arc;

const BODY: &str = "{ \"z\":12345678901234567890123,\n\"a\" : [0.10, -0] }";

/// Events from `e1`, stored a minute ago, to `e4`, stored four minutes ago.
fn pipeline() -> Arc<FakePipeline> {
    FakePipeline::new(|state| {
        for number in 1..=4 {
            let source = if number == 4 { "/app" } else { "/shop" };
            let key = EventKey::new(source, format!("e{number}"));
            let event = StoredEvent {
                key: key.clone(),
                event_type: if number % 2 == 0 { "user.seen" } else { "order.placed" }.into(),
                body: BODY.to_owned(),
                accepted_at: ago(number * 60 + 1),
                stored_at: ago(number * 60),
                message_id: "m".into(),
            };
            state.stored.insert(key, event);
        }
    })
}

async fn ids(filter: &str) -> Vec<String> {
    let list = run(&format!("events list {filter} --json"), &pipeline()).await.json();
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn events_are_listed_by_type_time_and_source() {
    for (filter, expected) in [
        ("--limit 10", vec!["e1", "e2", "e3", "e4"]),
        ("--type order.placed", vec!["e1", "e3"]),
        ("--source /app", vec!["e4"]),
        ("--type order.placed --source /app", vec![]),
        ("--since 2m", vec!["e1", "e2"]),
        ("--until 2m", vec!["e3", "e4"]),
        ("--oldest-first --limit 2", vec!["e4", "e3"]),
        ("--limit 2", vec!["e1", "e2"]),
        ("--limit 2 --after 2", vec!["e3", "e4"]),
        ("--sort source", vec!["e4", "e1", "e2", "e3"]),
    ] {
        assert_eq!(ids(filter).await, expected, "{filter}");
    }
    let table = run("events list --limit 1", &pipeline()).await;
    assert!(table.out.contains("  e1  1 min ago"), "{table}");
    assert!(table.out.ends_with("1 shown; the next: --after 1\n"), "{table}");
    assert_eq!(run("events list --type other", &pipeline()).await.out, "No stored event matches\n");
    let garbage = run("events list --after garbage", &pipeline()).await;
    assert_eq!(garbage.status, ExitStatus::Usage, "{garbage}");
    let lines = run("events list -o tsv --source /app", &pipeline()).await.out;
    assert!(
        lines.starts_with("id\tstored_at\taccepted_at\tbytes\t") && lines.contains("\ne4\t2026-03-02T"),
        "{lines}"
    );
}

#[tokio::test]
async fn an_export_has_each_event_as_it_was_accepted_on_one_line() {
    let output = run("events export --source /shop", &pipeline()).await;
    assert_eq!((output.status, output.err.as_str()), (ExitStatus::Ok, ""));
    assert_eq!(output.out, "{\"z\":12345678901234567890123,\"a\":[0.10,-0]}\n".repeat(3));
    let some = run("events export --limit 2", &pipeline()).await;
    assert_eq!(some.out.lines().count(), 2);
    assert!(some.err.contains("continue with --after 2"), "{some}");
    assert_eq!(run("events export -o tsv", &pipeline()).await.status, ExitStatus::Usage);
}
