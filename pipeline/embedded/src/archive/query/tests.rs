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
    assert!(!groups.contains("dead_letters"), "it looks at no dead letter: {groups}");
    let ends =
        "SEARCH d USING COVERING INDEX dead_letters_ends (state=? AND fingerprint=? AND class=? AND type=?)";
    let newest = plan(newest_of_group(&condition)).await;
    assert!(newest.contains(ends) && !newest.contains("SCAN d"), "{newest}");
    let list = plan(newest_first("id", &archived(), &condition)).await;
    assert!(list.contains("dead_letters_state") && !list.contains("TEMP B-TREE FOR ORDER BY"), "{list}");
    let of_one = plan(NEWEST_OF_ONE.to_owned()).await;
    let until =
        ends.replace("SEARCH d", "SEARCH dead_letters").replace("type=?)", "type=? AND archived_at<?)");
    assert!(of_one.contains(&until) && !of_one.contains("TEMP B-TREE FOR ORDER BY"), "{of_one}");
    // A search looks at each, but only once, and not at bodies.
    let words = DeadLetterFilter { contains: Some("x".to_owned()), ..archived() };
    let condition = Condition::of(&words);
    for search in [
        newest_first("id", &words, &condition),
        format!("SELECT count(*) FROM dead_letters WHERE {}", condition.sql),
        largest_found(&condition),
    ] {
        let search = plan(search).await;
        let covering = "USING COVERING INDEX dead_letters_ends (state=?)";
        assert_eq!(search.matches(covering).count(), 1, "{search}");
        assert!(!search.contains("SCAN dead_letters") && !search.contains("GROUP BY"), "{search}");
    }
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
            let condition = Condition::of(&filter);
            let counted = counted_groups(connection, &condition, part.clone())?;
            let total = count_groups(connection, &condition)?;
            let (found, searched) = searched_groups(connection, condition, part)?;
            assert_eq!(total, found);
            Ok((counted, searched))
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

#[tokio::test]
async fn a_list_of_a_type_a_class_or_a_group_is_that_of_all_without_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    let letters: Vec<_> = (0..90)
        .map(|number| {
            let event_type = ["order.placed", "user.seen", "user.gone"][number as usize % 3];
            let class = if number % 5 == 0 { StoreUnavailable } else { Schema };
            // Three at a time were archived in the same moment.
            let mut letter = letter(number / 3, event_type, class, ["a", "b"][number as usize % 2]);
            letter.event_type.take_if(|_| number % 7 == 0);
            letter
        })
        .collect();
    put(&*pipeline.workers.sink, &letters).await;
    pipeline.ports.replayer().discard(&ids(&letters[10..40]), "ada", "x").await.unwrap();
    let all = pipeline.ports.archive.list(&archived(), None, 100).await.unwrap().items;
    assert_eq!(all.len(), 60);
    let fingerprint = letters[2].fingerprint.clone();
    for filter in [
        DeadLetterFilter { event_type: Some("user.seen".to_owned()), ..archived() },
        DeadLetterFilter { class: Some(StoreUnavailable), ..archived() },
        DeadLetterFilter { fingerprint: Some(fingerprint), ..archived() },
        DeadLetterFilter { event_type: Some("user.gone".to_owned()), class: Some(Schema), ..archived() },
    ] {
        let expected = all.iter().filter(|letter| {
            let of_type = letter.event_type.as_ref().map(EventType::as_str);
            filter.event_type.as_ref().is_none_or(|name| of_type == Some(name))
                && filter.class.is_none_or(|class| letter.failures[0].class == class)
                && filter.fingerprint.as_ref().is_none_or(|group| letter.fingerprint == *group)
        });
        let expected: Vec<_> = expected.map(|letter| letter.id.clone()).collect();
        assert!(expected.len() > 3, "{filter:?}");
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = pipeline.ports.archive.list(&filter, after.as_deref(), 3).await.unwrap();
            assert_eq!(page.total as usize, expected.len(), "{filter:?}");
            found.extend(ids(&page.items));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn a_page_after_the_last_group_says_how_many_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    let letters: Vec<_> = ["a", "b", "c"].map(|reason| letter(1, "order.placed", Schema, reason)).into();
    put(&*pipeline.workers.sink, &letters).await;
    let words = DeadLetterFilter { contains: Some("event-1".to_owned()), ..archived() };
    let archive = &pipeline.ports.archive;
    let next = archive.groups(&words, None, 2).await.unwrap().next.unwrap();
    pipeline.ports.replayer().discard(&ids(&letters[1..]), "ada", "x").await.unwrap();
    let page = archive.groups(&words, Some(&next), 2).await.unwrap();
    assert_eq!((page.items.len(), page.total), (0, 1));
}

#[tokio::test]
async fn the_tally_knows_how_many_there_are_and_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = open(folder.path()).await;
    let insert = "INSERT INTO dead_letters (seq, id, type, state, state_document, fingerprint, class, message, archived_at,
            first_sent_at, receive_count, generation, attributes, failures, replays, body)
        VALUES (?1, 'letter-' || ?1, CASE ?1 % 3 WHEN 0 THEN NULL ELSE 'type-' || ?1 % 3 END, 'archived', '{}',
            'group-' || ?1 % 4, 'schema', '', ?2, 0, 1, 0, '{}', '[]', '[]', '')";
    let steps = [
        "",
        // The newest of some groups, one in the middle, and all of one group.
        "UPDATE dead_letters SET state = 'discarded' WHERE archived_at >= 9_000",
        "UPDATE dead_letters SET state = 'archived' WHERE seq = 7",
        "UPDATE dead_letters SET state = 'discarded' WHERE fingerprint = 'group-2'",
        "UPDATE dead_letters SET archived_at = archived_at + 500 WHERE seq % 5 = 0",
        "DELETE FROM dead_letters WHERE seq % 7 = 0",
        "DELETE FROM dead_letters",
    ];
    let tallied = |from: &str| {
        let sql = format!("SELECT state, class, type, fingerprint, {from} ORDER BY 1, 2, 3, 4");
        move |connection: &Connection| {
            let mut query = connection.prepare(&sql)?;
            let rows = query.query_map([], |row| {
                let names = [text(row, 0)?, text(row, 1)?, text(row, 2)?, text(row, 3)?];
                Ok((names, int(row, 4)?, int(row, 5)?))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        }
    };
    let db = pipeline.local.db();
    let fill = move |tx: &Connection| {
        for seq in 0..60_i64 {
            // In no order of time.
            tx.execute(insert, [seq, seq * 7_919 % 10_000])?;
        }
        Ok(())
    };
    db.write(fill).await.unwrap();
    for step in steps {
        db.write(move |tx| tx.execute_batch(step)).await.unwrap();
        let kept =
            db.read(tallied("letters, newest FROM dead_letter_tally WHERE letters > 0")).await.unwrap();
        let counted =
            "count(*), max(archived_at) FROM (SELECT state, class, coalesce(type, '') AS type, fingerprint,
            archived_at FROM dead_letters) GROUP BY 1, 2, 3, 4";
        assert_eq!(kept, db.read(tallied(counted)).await.unwrap(), "after {step}");
    }
}
