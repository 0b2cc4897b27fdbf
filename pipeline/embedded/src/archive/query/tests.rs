use super::*;
use crate::{Options, Pipeline, RealClock};
use spillway_core::dead_letter::DeadLetterStatus;
use spillway_core::failure::FailureClass::{Schema, StoreUnavailable};
use spillway_testkit::letters::{ids, letter, put};
use std::sync::Arc;

async fn open(folder: &std::path::Path) -> Pipeline {
    Pipeline::open(folder, Options::at(Arc::new(RealClock))).await.unwrap()
}

fn archived() -> DeadLetterFilter {
    DeadLetterFilter { states: vec![DeadLetterStatus::Archived], ..DeadLetterFilter::default() }
}

#[tokio::test]
async fn lists_and_groups_of_a_large_archive_read_indexes_and_counts() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    let plan = async |sql: String| {
        let explain = move |connection: &Connection| {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            // The values do not matter.
            let lines = plan.raw_query().mapped(|row| row.get::<_, String>(3));
            lines.collect::<rusqlite::Result<Vec<_>>>()
        };
        pipeline.local.db().read(explain).await.unwrap().join("\n")
    };
    let condition = Condition::of(&archived());
    let groups = plan(largest_groups(&condition)).await;
    let ends =
        "SEARCH d USING COVERING INDEX dead_letters_ends (state=? AND fingerprint=? AND class=? AND type=?)";
    assert!(groups.contains(ends) && !groups.contains("SCAN d"), "{groups}");
    let list = plan(newest_first("id", &archived(), &condition)).await;
    assert!(list.contains("dead_letters_state") && !list.contains("TEMP B-TREE FOR ORDER BY"), "{list}");
    let typed = DeadLetterFilter { event_type: Some("t".to_owned()), ..archived() };
    let rare = plan(of_few("id", &typed, &mut Condition::of(&typed))).await;
    assert!(rare.contains(ends) && !rare.contains("SCAN d"), "{rare}");
    let words = DeadLetterFilter { contains: Some("x".to_owned()), ..archived() };
    let search = plan(newest_first("id", &words, &Condition::of(&words))).await;
    assert!(search.contains("USING COVERING INDEX dead_letters_ends (state=?)"), "{search}");
}

#[tokio::test]
async fn groups_by_counts_are_those_of_the_letters_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    let kinds = [
        ("order.placed", Schema, "a"),
        ("order.placed", StoreUnavailable, "b"),
        ("user.seen", StoreUnavailable, "b"),
    ];
    let letters: Vec<_> = (0..60)
        .map(|second| {
            let (event_type, class, message) = kinds[second as usize * 7 % 5 % 3];
            let mut letter = letter(second % 40, event_type, class, message);
            letter.event_type.take_if(|_| second % 11 == 0);
            letter
        })
        .collect();
    put(&*pipeline.workers.sink, &letters).await;
    pipeline.ports.replayer().discard(&ids(&letters[20..45]), "ada", "x").await.unwrap();
    pipeline.ports.replayer().start(&ids(&letters[..9]), "ada").await.unwrap();
    let none = DeadLetterFilter::default();
    for filter in [
        none.clone(),
        archived(),
        DeadLetterFilter {
            states: vec![DeadLetterStatus::Discarded, DeadLetterStatus::Replaying],
            ..none.clone()
        },
        DeadLetterFilter { event_type: Some("order.placed".to_owned()), ..archived() },
        DeadLetterFilter { class: Some(StoreUnavailable), ..none.clone() },
        DeadLetterFilter { fingerprint: Some(letters[3].fingerprint.clone()), ..none },
    ] {
        let shown = format!("{filter:?}");
        let both = move |connection: &Connection| {
            let part = [Value::from(2_i64), Value::from(0_i64)];
            let mut condition = Condition::of(&filter);
            let counted = counted_groups(connection, &condition, part.clone())?;
            condition.values.extend(part);
            Ok((counted, searched_groups(connection, &condition)?))
        };
        let (mut counted, mut searched) = pipeline.local.db().read(both).await.unwrap();
        assert!(!counted.is_empty(), "{shown}");
        // Of letters that were archived at the same time, any is the newest.
        for group in counted.iter_mut().chain(&mut searched) {
            group.example = MessageId::new("");
        }
        assert_eq!(counted, searched, "{shown}");
    }
}

#[tokio::test]
async fn only_the_first_page_of_a_list_counts() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    let letters: Vec<_> = (0..30).map(|second| letter(second, "order.placed", Schema, "bad")).collect();
    put(&*pipeline.workers.sink, &letters).await;
    let words = DeadLetterFilter { contains: Some("bad".to_owned()), ..archived() };
    let first = pipeline.ports.archive.list(&words, None, 10).await.unwrap();
    assert_eq!((first.total, first.items.len()), (30, 10));
    // A count would find fewer now.
    pipeline.ports.replayer().discard(&ids(&letters[25..]), "ada", "x").await.unwrap();
    let second = pipeline.ports.archive.list(&words, first.next.as_deref(), 10).await.unwrap();
    assert_eq!(
        (second.total, ids(&second.items)),
        (30, ids(&letters).into_iter().rev().skip(10).take(10).collect())
    );
    assert_eq!(pipeline.ports.archive.list(&words, None, 10).await.unwrap().total, 25);
}
