//! The audit log.

use super::EmptyPipeline;
use crate::letters::{at, audit_entry as entry};
use spillway_core::ports::AuditEntry;

suite! { $ ops:
    entries_are_found_newest_first_and_by_subject,
    an_entry_is_kept_character_by_character,
    thousands_are_added_as_one,
    a_document_changes_only_with_its_audit_entry_and_only_from_what_was_read,
    of_changes_at_the_same_time_one_wins,
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

async fn a_document_changes_only_with_its_audit_entry_and_only_from_what_was_read(pipeline: &EmptyPipeline) {
    let ops = &*pipeline.ops;
    let names = ["incident/1".to_owned(), "incident/2 ö#%".to_owned()];
    assert!(ops.documents(&names).await.unwrap().is_empty());
    assert!(ops.documents(&[]).await.unwrap().is_empty());
    let [first, second] = ["1", "2"].map(|detail| entry(1, "incident", detail));
    assert!(!ops.replace_document(&names[0], Some("{}"), "{1}", &first).await.unwrap(), "it is not there");
    assert!(ops.replace_document(&names[0], None, "{1}", &first).await.unwrap());
    assert!(!ops.replace_document(&names[0], None, "{2}", &second).await.unwrap(), "it is there");
    assert!(!ops.replace_document(&names[0], Some("{0}"), "{2}", &second).await.unwrap(), "it is another");
    assert_eq!(ops.entries(Some("incident"), 10).await.unwrap(), std::slice::from_ref(&first));
    assert!(ops.replace_document(&names[0], Some("{1}"), "{2}", &second).await.unwrap());
    assert!(ops.replace_document(&names[1], None, "日本", &first).await.unwrap());
    let found: Vec<_> = ops.documents(&names).await.unwrap().into_iter().collect();
    let expected = [(names[0].clone(), "{2}".to_owned()), (names[1].clone(), "日本".to_owned())];
    assert_eq!(found, expected);
    assert_eq!(ops.entries(None, 10).await.unwrap(), [first.clone(), second, first]);
}

async fn of_changes_at_the_same_time_one_wins(pipeline: &EmptyPipeline) {
    let change = |number: usize| {
        let ops = &*pipeline.ops;
        async move {
            let entry = entry(1, "incident", &number.to_string());
            ops.replace_document("incident/1", None, &number.to_string(), &entry).await.unwrap()
        }
    };
    let won = futures::future::join_all((0..5).map(change)).await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
    let winner = won.iter().position(|won| *won).unwrap().to_string();
    let found = pipeline.ops.documents(&["incident/1".to_owned()]).await.unwrap();
    assert_eq!(found.values().collect::<Vec<_>>(), [&winner]);
    let entries = pipeline.ops.entries(None, 10).await.unwrap();
    assert_eq!(entries.iter().map(|entry| &entry.detail).collect::<Vec<_>>(), [&winner]);
}
