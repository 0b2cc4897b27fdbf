//! The audit log.

use crate::letters::at;
use crate::place::deployment;
use aws_sdk_dynamodb::types::AttributeValue;
use spillway_core::ports::AuditEntry;

fn entry(second: i64, subject: &str, detail: &str) -> AuditEntry {
    let text = |text: &str| text.to_owned();
    AuditEntry {
        at: at(second),
        by: text("ada"),
        action: text("discard"),
        subject: text(subject),
        detail: text(detail),
    }
}

#[tokio::test]
async fn entries_are_found_newest_first_and_by_subject() {
    let place = deployment().await;
    assert!(place.ports.ops.entries(None, 10).await.unwrap().is_empty());
    place.ports.ops.append(&[]).await.unwrap();
    let first = [entry(1, "a", "1"), entry(1, "b", "2")];
    let second = [entry(1, "a", "3")];
    place.ports.ops.append(&first).await.unwrap();
    place.ports.ops.append(&second).await.unwrap();
    let details =
        |entries: Vec<AuditEntry>| entries.into_iter().map(|entry| entry.detail).collect::<Vec<_>>();
    assert_eq!(details(place.ports.ops.entries(None, 10).await.unwrap()), ["3", "2", "1"]);
    assert_eq!(details(place.ports.ops.entries(None, 2).await.unwrap()), ["3", "2"]);
    assert_eq!(details(place.ports.ops.entries(Some("a"), 10).await.unwrap()), ["3", "1"]);
    assert_eq!(details(place.ports.ops.entries(Some("a"), 1).await.unwrap()), ["3"]);
    assert!(place.ports.ops.entries(Some("c"), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn thousands_are_added_as_one() {
    let place = deployment().await;
    let many: Vec<_> = (0..2500).map(|n| entry(1, &format!("letter-{n}"), &"why ".repeat(50))).collect();
    place.ports.ops.append(&many).await.unwrap();
    let mut newest = place.ports.ops.entries(None, 10_000).await.unwrap();
    newest.reverse();
    assert_eq!(newest, many);
    assert_eq!(place.ports.ops.entries(Some("letter-1234"), 10).await.unwrap(), many[1234..1235]);
}

#[tokio::test]
async fn what_was_added_in_part_is_not_there() {
    let place = deployment().await;
    place.ports.ops.append(&[entry(1, "a", "whole")]).await.unwrap();
    place.ports.ops.append(&[entry(2, "a", "part")]).await.unwrap();
    // As if its writer had died before the last write.
    let db = place.clients.dynamodb();
    let table = &place.topology.ops_log.name;
    let heads = db
        .query()
        .table_name(table)
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S("audit".to_owned()))
        .scan_index_forward(false)
        .send()
        .await
        .unwrap();
    let newest = &heads.items()[0];
    let call = db.delete_item().table_name(table);
    call.key("pk", newest["pk"].clone()).key("sk", newest["sk"].clone()).send().await.unwrap();
    for entries in [
        place.ports.ops.entries(None, 10).await.unwrap(),
        place.ports.ops.entries(Some("a"), 10).await.unwrap(),
    ] {
        assert_eq!(entries, [entry(1, "a", "whole")]);
    }
}
