//! The audit log.

use super::EmptyPipeline;
use crate::letters::{at, audit_entry as entry};
use spillway_core::ports::AuditEntry;

suite! { $ ops:
    entries_are_found_newest_first_and_by_subject,
    an_entry_is_kept_character_by_character,
    thousands_are_added_as_one,
}

async fn entries_are_found_newest_first_and_by_subject(pipeline: &EmptyPipeline) {
    let ops = &*pipeline.ops;
    assert!(ops.entries(None, 10).await.unwrap().is_empty());
    ops.append(&[]).await.unwrap();
    let first = [entry(1, "a", "1"), entry(1, "b", "2")];
    let second = [entry(1, "a", "3")];
    ops.append(&first).await.unwrap();
    ops.append(&second).await.unwrap();
    let details =
        |entries: Vec<AuditEntry>| entries.into_iter().map(|entry| entry.detail).collect::<Vec<_>>();
    assert_eq!(details(ops.entries(None, 10).await.unwrap()), ["3", "2", "1"]);
    assert_eq!(details(ops.entries(None, 2).await.unwrap()), ["3", "2"]);
    assert_eq!(details(ops.entries(Some("a"), 10).await.unwrap()), ["3", "1"]);
    assert_eq!(details(ops.entries(Some("a"), 1).await.unwrap()), ["3"]);
    assert!(ops.entries(Some("c"), 10).await.unwrap().is_empty());
}

async fn an_entry_is_kept_character_by_character(pipeline: &EmptyPipeline) {
    let odd = AuditEntry {
        at: at(1),
        by: "Ädä O'Neil \"x\"".to_owned(),
        action: "fault start".to_owned(),
        subject: "日本#1%_".to_owned(),
        detail: String::new(),
    };
    pipeline.ops.append(std::slice::from_ref(&odd)).await.unwrap();
    assert_eq!(pipeline.ops.entries(Some("日本#1%_"), 10).await.unwrap(), [odd]);
    assert!(pipeline.ops.entries(Some("日本#1"), 10).await.unwrap().is_empty(), "a subject is whole");
}

async fn thousands_are_added_as_one(pipeline: &EmptyPipeline) {
    let many: Vec<_> = (0..2500).map(|n| entry(1, &format!("letter-{n}"), &"why ".repeat(50))).collect();
    pipeline.ops.append(&many).await.unwrap();
    let mut newest = pipeline.ops.entries(None, 10_000).await.unwrap();
    newest.reverse();
    assert_eq!(newest, many);
    assert_eq!(pipeline.ops.entries(Some("letter-1234"), 10).await.unwrap(), many[1234..1235]);
}
