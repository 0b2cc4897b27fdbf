//! The archive of dead letters.

use super::EmptyPipeline;
use crate::letters::{at, ids, letter, put, store_item, total};
use spillway_core::dead_letter::DeadLetterStatus::{self, Archived, Discarded, Replaying, Stored};
use spillway_core::dead_letter::{DeadLetter, DeadLetterFilter};
use spillway_core::failure::FailureClass::{Malformed, Schema, StoreUnavailable};
use spillway_core::ids::{EventKey, MessageId};
use spillway_core::ports::{ArchiveError, DeadLetters, PutOutcome};

suite! { $ archive:
    a_dead_letter_is_kept_once_and_byte_for_byte,
    filters_find_matching_letters_newest_first,
    words_are_found_whatever_their_case_in_message_event_id_and_own_id,
    a_search_compares_every_character_literally,
    a_search_reads_only_the_last_failure,
    groups_have_the_letters_with_the_same_failure,
    a_group_with_letters_of_no_type_has_no_type,
    groups_are_paged_and_each_is_listed_once,
    a_group_follows_its_letters_through_every_state,
    a_discard_is_for_what_is_archived_and_can_be_taken_back,
    an_id_that_is_named_twice_is_discarded_once,
    of_two_people_who_discard_the_same_letters_each_letter_counts_for_one,
    letters_are_found_by_their_event_whatever_their_state,
    thousands_are_paged_through_and_each_is_listed_once,
    a_list_continues_only_from_where_one_ended,
}

/// Reads a list page by page, and checks that each page but the last is full.
async fn pages(archive: &dyn DeadLetters, filter: &DeadLetterFilter, size: usize) -> Vec<DeadLetter> {
    let mut all = Vec::new();
    let mut after = None;
    for _ in 0..1000 {
        let page = archive.list(filter, after.as_deref(), size).await.unwrap();
        assert!(page.items.len() == size || page.next.is_none(), "{} on a page", page.items.len());
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
    panic!("the list has no end");
}

async fn a_dead_letter_is_kept_once_and_byte_for_byte(pipeline: &EmptyPipeline) {
    let archive = &*pipeline.archive;
    let mut odd = letter(1, "order.placed", Malformed, "not JSON");
    odd.body = "{ \"a\" : \"\\u0041 é 💧 \\n\",\r\n\t\"b\":1.0e+2 }  ".to_owned();
    odd.attributes.insert("tenant".to_owned(), " \"quoted\" \\ und 日本 ".into());
    odd.trace_header = Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1".to_owned());
    odd.key = None;
    odd.event_type = None;
    let mut later = odd.clone();
    later.archived_at = at(2);
    // Twice in a batch, and again in the next batch.
    put(&*pipeline.workers.sink, &[odd.clone(), later.clone()]).await;
    put(&*pipeline.workers.sink, &[later]).await;
    assert_eq!(archive.get(&odd.id).await.unwrap(), Some(odd));
    assert_eq!(total(archive, Archived).await, 1);
    assert_eq!(archive.get(&"never".into()).await.unwrap(), None);
}

async fn filters_find_matching_letters_newest_first(pipeline: &EmptyPipeline) {
    let archive = &*pipeline.archive;
    let mut letters = Vec::new();
    for second in 0..60 {
        letters.push(match second % 3 {
            0 => letter(second, "order.placed", Schema, "/amount: expected number"),
            1 => letter(second, "user.seen", Schema, "/name: missing"),
            _ => letter(second, "order.placed", StoreUnavailable, "no answer from host 7"),
        });
    }
    put(&*pipeline.workers.sink, &letters).await;
    let none = DeadLetterFilter::default();
    let cases = [
        ("all", none.clone(), 60),
        ("a type", DeadLetterFilter { event_type: Some("order.placed".to_owned()), ..none.clone() }, 40),
        ("a class", DeadLetterFilter { class: Some(Schema), ..none.clone() }, 40),
        (
            "a group",
            DeadLetterFilter { fingerprint: Some(letters[1].fingerprint.clone()), ..none.clone() },
            20,
        ),
        (
            "a type and a class",
            DeadLetterFilter {
                event_type: Some("order.placed".to_owned()),
                class: Some(StoreUnavailable),
                ..none.clone()
            },
            20,
        ),
        ("words", DeadLetterFilter { contains: Some("EXPECTED".to_owned()), ..none.clone() }, 20),
        ("an event", DeadLetterFilter { contains: Some("event-5".to_owned()), ..none.clone() }, 11),
        ("a time", DeadLetterFilter { from: Some(at(10)), to: Some(at(25)), ..none.clone() }, 15),
        (
            "a time and a class",
            DeadLetterFilter { from: Some(at(30)), class: Some(Schema), ..none.clone() },
            20,
        ),
        (
            "a time that ends before it begins",
            DeadLetterFilter { from: Some(at(30)), to: Some(at(20)), ..none.clone() },
            0,
        ),
        ("another state", DeadLetterFilter { states: vec![Discarded], ..none.clone() }, 0),
        ("two states", DeadLetterFilter { states: vec![Archived, Discarded], ..none.clone() }, 60),
    ];
    for (name, filter, expected) in cases {
        let found = pages(archive, &filter, 7).await;
        assert_eq!(found.len(), expected, "{name}");
        assert!(found.is_sorted_by(|a, b| a.archived_at >= b.archived_at), "{name} is not newest first");
        assert_eq!(archive.list(&filter, None, 3).await.unwrap().total, expected as u64, "total of {name}");
        assert_eq!(archive.ids(&filter, 1000).await.unwrap(), ids(&found), "ids of {name}");
        assert_eq!(archive.ids(&filter, 5).await.unwrap().len(), expected.min(5), "{name}, five");
        let grouped: u64 =
            archive.groups(&filter, None, 100).await.unwrap().items.iter().map(|group| group.count).sum();
        assert_eq!(grouped, expected as u64, "groups of {name}");
    }
}

async fn groups_have_the_letters_with_the_same_failure(pipeline: &EmptyPipeline) {
    let archive = &*pipeline.archive;
    let mut letters: Vec<_> =
        (0..30).map(|s| letter(s, "order.placed", Schema, "/amount: expected number")).collect();
    letters.extend((30..34).map(|s| letter(s, "order.placed", StoreUnavailable, "no answer")));
    letters.push(letter(34, "user.seen", StoreUnavailable, "no answer"));
    put(&*pipeline.workers.sink, &letters).await;
    let groups = archive.groups(&DeadLetterFilter::default(), None, 100).await.unwrap().items;
    let summary: Vec<_> = groups.iter().map(|g| (g.count, g.class, g.first_at, g.last_at)).collect();
    assert_eq!(summary, [(30, Schema, at(0), at(29)), (5, StoreUnavailable, at(30), at(34))]);
    assert_eq!(groups[0].event_type.as_ref().unwrap().as_str(), "order.placed");
    assert_eq!(groups[1].event_type, None, "its letters are of two types");
    assert_eq!(
        (groups[0].message.as_str(), &groups[0].example),
        ("/amount: expected number", &letters[29].id)
    );
    // One type of a group that has two types.
    let orders =
        DeadLetterFilter { event_type: Some("order.placed".to_owned()), ..DeadLetterFilter::default() };
    let counts: Vec<_> =
        archive.groups(&orders, None, 100).await.unwrap().items.iter().map(|group| group.count).collect();
    assert_eq!(counts, [30, 4]);
    let late = DeadLetterFilter { from: Some(at(28)), ..DeadLetterFilter::default() };
    let counts: Vec<_> =
        archive.groups(&late, None, 100).await.unwrap().items.iter().map(|group| group.count).collect();
    assert_eq!(counts, [5, 2]);
}

async fn groups_are_paged_and_each_is_listed_once(pipeline: &EmptyPipeline) {
    let archive = &*pipeline.archive;
    // Groups of 1, 2, 3, 4, 5, 1 and 2 letters.
    let reasons = ["a", "b", "c", "d", "e", "f", "g"];
    let letters: Vec<_> = (0..18)
        .map(|s| {
            let group = [0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 5, 6, 6][s as usize];
            letter(s, "order.placed", Schema, reasons[group])
        })
        .collect();
    put(&*pipeline.workers.sink, &letters).await;
    let none = DeadLetterFilter::default();
    for (name, filter, expected) in [
        ("all", none.clone(), vec![5, 4, 3, 2, 2, 1, 1]),
        ("a range", DeadLetterFilter { from: Some(at(4)), ..none.clone() }, vec![5, 4, 2, 2, 1]),
        ("words", DeadLetterFilter { contains: Some("order".to_owned()), ..none.clone() }, vec![]),
        (
            "an event's id",
            DeadLetterFilter { contains: Some("event-1".to_owned()), ..none },
            vec![5, 2, 1, 1],
        ),
    ] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = archive.groups(&filter, after.as_deref(), 3).await.unwrap();
            assert_eq!(page.total, expected.len() as u64, "{name}");
            assert!(page.items.len() == 3 || page.next.is_none(), "{name}: {} on a page", page.items.len());
            found.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found.iter().map(|group| group.count).collect::<Vec<_>>(), expected, "{name}");
        let different: std::collections::BTreeSet<_> = found.iter().map(|group| &group.fingerprint).collect();
        assert_eq!(different.len(), found.len(), "{name}");
    }
}

/// The only group in some states: the numbers of its oldest and newest letter, and how many it has.
type InStates<'s> = (&'s [DeadLetterStatus], Option<(usize, usize, u64)>);

/// Checks the only group in each state. It is read twice, because the first read may correct what is known of the group.
async fn ends(archive: &dyn DeadLetters, letters: &[DeadLetter], expected: &[InStates<'_>]) {
    for (states, expected) in expected.iter().chain(expected) {
        let filter = DeadLetterFilter { states: states.to_vec(), ..DeadLetterFilter::default() };
        let groups = archive.groups(&filter, None, 10).await.unwrap().items;
        let found: Vec<_> = groups
            .iter()
            .map(|group| (group.first_at, group.last_at, group.example.clone(), group.count))
            .collect();
        let of = |(first, last, count): (usize, usize, u64)| {
            (letters[first].archived_at, letters[last].archived_at, letters[last].id.clone(), count)
        };
        assert_eq!(found, expected.map(of).into_iter().collect::<Vec<_>>(), "{states:?}");
    }
}

async fn a_group_follows_its_letters_through_every_state(pipeline: &EmptyPipeline) {
    let (archive, replayer) = (&*pipeline.archive, pipeline.replayer());
    let letters: Vec<_> = (0..10).map(|s| letter(s, "order.placed", Schema, "bad")).collect();
    put(&*pipeline.workers.sink, &letters).await;
    let all = ids(&letters);
    let chosen = |numbers: &[usize]| numbers.iter().map(|number| all[*number].clone()).collect::<Vec<_>>();
    ends(archive, &letters, &[(&[], Some((0, 9, 10))), (&[Archived], Some((0, 9, 10))), (&[Stored], None)])
        .await;
    replayer.discard(&chosen(&[0, 9]), "anna", "test data").await.unwrap();
    ends(archive, &letters, &[(&[Archived], Some((1, 8, 8))), (&[Discarded], Some((0, 9, 2)))]).await;
    let replay = replayer.start(&chosen(&[1, 4, 8]), "anna").await.unwrap().id;
    ends(archive, &letters, &[(&[Archived], Some((2, 7, 5))), (&[Replaying], Some((1, 8, 3)))]).await;
    for number in [4, 8] {
        pipeline.workers.reports.mark_stored(&replay, &all[number]).await.unwrap();
    }
    replayer.restore(&chosen(&[9]), "anna").await.unwrap();
    let after: &[InStates<'_>] = &[
        (&[Stored], Some((4, 8, 2))),
        (&[Replaying], Some((1, 1, 1))),
        (&[Replaying, Stored], Some((1, 8, 3))),
        (&[Archived], Some((2, 9, 6))),
        (&[Discarded], Some((0, 0, 1))),
        (&[Archived, Discarded], Some((0, 9, 7))),
        (&[], Some((0, 9, 10))),
    ];
    ends(archive, &letters, after).await;
    replayer.restore(&chosen(&[0]), "anna").await.unwrap();
    ends(archive, &letters, &[(&[Discarded], None), (&[Archived], Some((0, 9, 7)))]).await;
}

async fn a_discard_is_for_what_is_archived_and_can_be_taken_back(pipeline: &EmptyPipeline) {
    let (archive, replayer) = (&*pipeline.archive, pipeline.replayer());
    let letters: Vec<_> = (0..50).map(|s| letter(s, "order.placed", Schema, "bad")).collect();
    put(&*pipeline.workers.sink, &letters).await;
    let all = ids(&letters);
    let mut asked = all[..40].to_vec();
    asked.push(MessageId::new("never"));
    assert_eq!(replayer.discard(&asked, "ada", "test data").await.unwrap(), all[..40]);
    assert!(replayer.discard(&asked, "bob", "again").await.unwrap().is_empty());
    assert_eq!((total(archive, Archived).await, total(archive, Discarded).await), (10, 40));
    let discarded = archive.get(&all[0]).await.unwrap().unwrap();
    assert_eq!(discarded.state.name(), "discarded");
    assert!(format!("{:?}", discarded.state).contains("ada"), "only the first discard counts");
    assert_eq!(replayer.restore(&all[..3], "bob").await.unwrap(), all[..3]);
    assert_eq!(replayer.restore(&all[45..], "bob").await.unwrap(), []);
    assert_eq!((total(archive, Archived).await, total(archive, Discarded).await), (13, 37));
    assert_eq!(archive.get(&all[1]).await.unwrap().unwrap(), letters[1]);
}

async fn of_two_people_who_discard_the_same_letters_each_letter_counts_for_one(pipeline: &EmptyPipeline) {
    let (archive, replayer) = (&*pipeline.archive, pipeline.replayer());
    let letters: Vec<_> = (0..60).map(|s| letter(s, "order.placed", Schema, "bad")).collect();
    put(&*pipeline.workers.sink, &letters).await;
    let all = ids(&letters);
    let (ada, bob) =
        tokio::join!(replayer.discard(&all, "ada", "mine"), replayer.discard(&all, "bob", "no, mine"),);
    let (ada, bob) = (ada.unwrap(), bob.unwrap());
    assert_eq!(ada.len() + bob.len(), 60);
    assert!(ada.iter().all(|id| !bob.contains(id)));
    assert_eq!(total(archive, Discarded).await, 60);
}

async fn letters_are_found_by_their_event_whatever_their_state(pipeline: &EmptyPipeline) {
    let mut letters: Vec<_> = (0..4).map(|s| letter(s, "order.placed", Schema, "bad")).collect();
    letters[1].key = Some(EventKey::new("/shop", "event-0"));
    letters[2].key = Some(EventKey::new("/elsewhere", "event-0"));
    put(&*pipeline.workers.sink, &letters).await;
    // A corrected event with the same id and source was stored.
    let answers = pipeline.store.put_if_absent(&[store_item("event-0", "m9", "{}")]).await;
    assert_eq!(answers, [Ok(PutOutcome::Stored)]);
    let all = ids(&letters);
    pipeline.replayer().discard(&all[..1], "ada", "test data").await.unwrap();
    let replay = pipeline.replayer().start(&all[1..2], "ada").await.unwrap().id;
    pipeline.workers.reports.mark_stored(&replay, &all[1]).await.unwrap();
    let found = pipeline.archive.of_event(&"event-0".into()).await.unwrap();
    let found: Vec<_> = found.iter().map(|letter| (&letter.id, letter.state.name())).collect();
    assert_eq!(found, [(&all[2], "archived"), (&all[1], "stored"), (&all[0], "discarded")], "newest first");
    assert!(pipeline.archive.of_event(&"never".into()).await.unwrap().is_empty());
}

async fn thousands_are_paged_through_and_each_is_listed_once(pipeline: &EmptyPipeline) {
    let archive = &*pipeline.archive;
    // Many in the same second, so that only the ids differ.
    let letters: Vec<_> = (0..2000)
        .map(|n| {
            letter(
                n / 50,
                ["order.placed", "user.seen"][n as usize % 2],
                Schema,
                ["a", "b", "c"][n as usize % 3],
            )
        })
        .collect();
    for some in letters.chunks(200) {
        put(&*pipeline.workers.sink, some).await;
    }
    assert_eq!(total(archive, Archived).await, 2000);
    let archived = DeadLetterFilter { states: vec![Archived], ..DeadLetterFilter::default() };
    let all = pages(archive, &archived, 250).await;
    let mut found = ids(&all);
    found.sort();
    let mut expected = ids(&letters);
    expected.sort();
    assert_eq!(found, expected);
    assert!(all.is_sorted_by(|a, b| a.archived_at >= b.archived_at));
    let groups = archive.groups(&archived, None, 100).await.unwrap().items;
    let counts: Vec<_> = groups.iter().map(|group| group.count).collect();
    assert_eq!((counts.len(), counts.iter().sum::<u64>(), counts[5]), (6, 2000, 333));
    let words = DeadLetterFilter { contains: Some("b".to_owned()), ..archived };
    let listed = archive.list(&words, None, 10).await.unwrap();
    assert!(listed.total >= 666 && listed.items.len() == 10);
}

async fn found(archive: &dyn DeadLetters, words: &str) -> Vec<MessageId> {
    let filter = DeadLetterFilter { contains: Some(words.to_owned()), ..DeadLetterFilter::default() };
    let listed = archive.list(&filter, None, 10).await.unwrap();
    assert_eq!(listed.total, listed.items.len() as u64, "total of {words}");
    assert_eq!(archive.ids(&filter, 10).await.unwrap(), ids(&listed.items), "ids of {words}");
    let grouped: u64 =
        archive.groups(&filter, None, 100).await.unwrap().items.iter().map(|group| group.count).sum();
    assert_eq!(grouped, listed.total, "groups of {words}");
    ids(&listed.items)
}

async fn words_are_found_whatever_their_case_in_message_event_id_and_own_id(pipeline: &EmptyPipeline) {
    let archive = &*pipeline.archive;
    let mut by_message =
        letter(1, "order.placed", Schema, "/größe: ÉTAT \u{41f}\u{440}\u{438}\u{432}\u{435}\u{442} expected");
    by_message.id = "AAA-1".into();
    let mut by_event = letter(2, "order.placed", Schema, "bad");
    by_event.key = Some(EventKey::new("/shop", "Bestellung-Ä7"));
    by_event.id = "bbb-2".into();
    let mut without_event = letter(3, "order.placed", Malformed, "not JSON");
    without_event.key = None;
    without_event.id = "Ccc-3".into();
    put(&*pipeline.workers.sink, &[by_message.clone(), by_event.clone(), without_event.clone()]).await;
    for (words, expected) in [
        ("EXPECTED", &by_message),
        ("/GRÖSSE", &by_message),
        ("/größe", &by_message),
        ("état", &by_message),
        ("ПРИВЕТ", &by_message),
        ("aaa-", &by_message),
        ("bestellung-ä", &by_event),
        ("BESTELLUNG-Ä", &by_event),
        ("BBB-2", &by_event),
        ("cCC", &without_event),
        ("Not json", &without_event),
    ] {
        assert_eq!(found(archive, words).await, std::slice::from_ref(&expected.id), "{words}");
    }
    assert!(found(archive, "/shop").await.is_empty(), "the source is not searched");
    assert!(found(archive, "order.placed").await.is_empty(), "the type is not searched");
}

async fn a_search_compares_every_character_literally(pipeline: &EmptyPipeline) {
    let archive = &*pipeline.archive;
    let percent = letter(1, "order.placed", Schema, "90% of 'it_em' \"x\\y\"");
    let plain = letter(2, "order.placed", Schema, "90 of item");
    put(&*pipeline.workers.sink, &[percent.clone(), plain]).await;
    for words in ["90%", "0% ", "it_em", "'it", "\"x\\Y"] {
        assert_eq!(found(archive, words).await, std::slice::from_ref(&percent.id), "{words}");
    }
    assert_eq!(found(archive, "").await.len(), 2, "nothing is in everything");
}

async fn a_search_reads_only_the_last_failure(pipeline: &EmptyPipeline) {
    let archive = &*pipeline.archive;
    let mut twice = letter(1, "order.placed", StoreUnavailable, "no answer");
    twice.failures.extend(letter(2, "order.placed", Schema, "/amount: bad").failures);
    twice.fingerprint = twice.failures[1].fingerprint(twice.event_type.as_ref());
    put(&*pipeline.workers.sink, std::slice::from_ref(&twice)).await;
    assert_eq!(found(archive, "amount").await, [twice.id.clone()]);
    assert!(found(archive, "no answer").await.is_empty());
    let class = |class| DeadLetterFilter { class: Some(class), ..DeadLetterFilter::default() };
    assert_eq!(archive.ids(&class(Schema), 10).await.unwrap(), [twice.id]);
    assert!(archive.ids(&class(StoreUnavailable), 10).await.unwrap().is_empty());
}

async fn a_group_with_letters_of_no_type_has_no_type(pipeline: &EmptyPipeline) {
    let archive = &*pipeline.archive;
    let typed = letter(1, "order.placed", StoreUnavailable, "no answer");
    let untyped = DeadLetter { id: MessageId::random(), event_type: None, ..typed.clone() };
    put(&*pipeline.workers.sink, &[typed, untyped]).await;
    let groups = archive.groups(&DeadLetterFilter::default(), None, 100).await.unwrap().items;
    assert_eq!((groups.len(), groups[0].count, &groups[0].event_type), (1, 2, &None));
}

async fn an_id_that_is_named_twice_is_discarded_once(pipeline: &EmptyPipeline) {
    let (archive, replayer) = (&*pipeline.archive, pipeline.replayer());
    let letters: Vec<_> = (0..3).map(|s| letter(s, "order.placed", Schema, "bad")).collect();
    put(&*pipeline.workers.sink, &letters).await;
    let all = ids(&letters);
    let twice = [all[1].clone(), all[0].clone(), all[1].clone()];
    assert_eq!(replayer.discard(&twice, "ada", "test data").await.unwrap(), twice[..2]);
    assert_eq!(replayer.restore(&twice, "ada").await.unwrap(), twice[..2]);
    assert_eq!(total(archive, Archived).await, 3);
}

async fn a_list_continues_only_from_where_one_ended(pipeline: &EmptyPipeline) {
    let archive = &*pipeline.archive;
    put(&*pipeline.workers.sink, &[letter(1, "order.placed", Schema, "bad")]).await;
    for cursor in ["garbage", "", "-", "m1", "x.1"] {
        let list = archive.list(&DeadLetterFilter::default(), Some(cursor), 10).await;
        assert_eq!(list, Err(ArchiveError::UnknownCursor { cursor: cursor.to_owned() }));
    }
}
