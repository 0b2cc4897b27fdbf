//! Browsing and changing the archive.

use crate::letters::{at, ids, letter, put, total};
use crate::place::deployment;
use spillway_core::dead_letter::{DeadLetter, DeadLetterFilter};
use spillway_core::failure::FailureClass::{Malformed, Schema, StoreUnavailable};
use spillway_core::ids::MessageId;
use spillway_core::ports::DeadLetters;

/// Reads a list page by page. Each page but the last is full.
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

#[tokio::test]
async fn a_dead_letter_is_kept_once_and_byte_for_byte() {
    let place = deployment().await;
    let mut odd = letter(1, "order.placed", Malformed, "not JSON");
    odd.body = "{ \"a\" : \"\\u0041 é 💧 \\n\",\r\n\t\"b\":1.0e+2 }  ".to_owned();
    odd.attributes.insert("tenant".to_owned(), " \"quoted\" \\ und 日本 ".to_owned());
    odd.trace_header = Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1".to_owned());
    odd.key = None;
    odd.event_type = None;
    let mut later = odd.clone();
    later.archived_at = at(2);
    // Twice in a batch, and once more in the next.
    put(&*place.index, &[odd.clone(), later.clone()]).await;
    put(&*place.index, &[later]).await;
    assert_eq!(place.ports.archive.get(&odd.id).await.unwrap(), Some(odd));
    assert_eq!(total(&*place.ports.archive, "archived").await, 1);
    assert_eq!(place.ports.archive.get(&"never".into()).await.unwrap(), None);
}

#[tokio::test]
async fn filters_find_what_they_say_newest_first() {
    let place = deployment().await;
    let archive = &*place.ports.archive;
    let mut letters = Vec::new();
    for second in 0..60 {
        letters.push(match second % 3 {
            0 => letter(second, "order.placed", Schema, "/amount: expected number"),
            1 => letter(second, "user.seen", Schema, "/name: missing"),
            _ => letter(second, "order.placed", StoreUnavailable, "no answer from host 7"),
        });
    }
    put(&*place.index, &letters).await;
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
        ("another state", DeadLetterFilter { states: vec!["discarded".to_owned()], ..none.clone() }, 0),
        (
            "two states",
            DeadLetterFilter { states: vec!["archived".to_owned(), "discarded".to_owned()], ..none.clone() },
            60,
        ),
    ];
    for (name, filter, expected) in cases {
        let found = pages(archive, &filter, 7).await;
        assert_eq!(found.len(), expected, "{name}");
        assert!(found.is_sorted_by(|a, b| a.archived_at >= b.archived_at), "{name} is not newest first");
        assert_eq!(archive.list(&filter, None, 3).await.unwrap().total, expected as u64, "total of {name}");
        assert_eq!(archive.ids(&filter, 1000).await.unwrap(), ids(&found), "ids of {name}");
        assert_eq!(archive.ids(&filter, 5).await.unwrap().len(), expected.min(5), "{name}, five");
        let grouped: u64 = archive.groups(&filter).await.unwrap().iter().map(|group| group.count).sum();
        assert_eq!(grouped, expected as u64, "groups of {name}");
    }
}

#[tokio::test]
async fn groups_say_what_failed_alike() {
    let place = deployment().await;
    let archive = &*place.ports.archive;
    let mut letters: Vec<_> =
        (0..30).map(|s| letter(s, "order.placed", Schema, "/amount: expected number")).collect();
    letters.extend((30..34).map(|s| letter(s, "order.placed", StoreUnavailable, "no answer")));
    letters.push(letter(34, "user.seen", StoreUnavailable, "no answer"));
    put(&*place.index, &letters).await;
    let groups = archive.groups(&DeadLetterFilter::default()).await.unwrap();
    let told: Vec<_> = groups.iter().map(|g| (g.count, g.class, g.first_at, g.last_at)).collect();
    assert_eq!(told, [(30, Schema, at(0), at(29)), (5, StoreUnavailable, at(30), at(34))]);
    assert_eq!(groups[0].event_type.as_ref().unwrap().as_str(), "order.placed");
    assert_eq!(groups[1].event_type, None, "its letters are of two types");
    assert_eq!(
        (groups[0].message.as_str(), &groups[0].example),
        ("/amount: expected number", &letters[29].id)
    );
    // One type of a group that has two.
    let orders =
        DeadLetterFilter { event_type: Some("order.placed".to_owned()), ..DeadLetterFilter::default() };
    let counts: Vec<_> = archive.groups(&orders).await.unwrap().iter().map(|group| group.count).collect();
    assert_eq!(counts, [30, 4]);
    let late = DeadLetterFilter { from: Some(at(28)), ..DeadLetterFilter::default() };
    let counts: Vec<_> = archive.groups(&late).await.unwrap().iter().map(|group| group.count).collect();
    assert_eq!(counts, [5, 2]);
}

#[tokio::test]
async fn a_discard_is_for_what_is_archived_and_can_be_taken_back() {
    let place = deployment().await;
    let archive = &*place.ports.archive;
    let letters: Vec<_> = (0..50).map(|s| letter(s, "order.placed", Schema, "bad")).collect();
    put(&*place.index, &letters).await;
    let all = ids(&letters);
    let mut asked = all[..40].to_vec();
    asked.push(MessageId::new("never"));
    assert_eq!(archive.discard(&asked, "ada", "test data").await.unwrap(), all[..40]);
    assert!(archive.discard(&asked, "bob", "again").await.unwrap().is_empty());
    assert_eq!((total(archive, "archived").await, total(archive, "discarded").await), (10, 40));
    let discarded = archive.get(&all[0]).await.unwrap().unwrap();
    assert_eq!(discarded.state.name(), "discarded");
    assert!(format!("{:?}", discarded.state).contains("ada"), "the first to do it did it");
    assert_eq!(archive.restore(&all[..3], "bob").await.unwrap(), all[..3]);
    assert_eq!(archive.restore(&all[45..], "bob").await.unwrap(), []);
    assert_eq!((total(archive, "archived").await, total(archive, "discarded").await), (13, 37));
    assert_eq!(archive.get(&all[1]).await.unwrap().unwrap(), letters[1]);
}

#[tokio::test]
async fn two_people_who_discard_the_same_letters_share_them() {
    let place = deployment().await;
    let letters: Vec<_> = (0..60).map(|s| letter(s, "order.placed", Schema, "bad")).collect();
    put(&*place.index, &letters).await;
    let all = ids(&letters);
    let (ada, bob) = tokio::join!(
        place.ports.archive.discard(&all, "ada", "mine"),
        place.ports.archive.discard(&all, "bob", "no, mine"),
    );
    let (ada, bob) = (ada.unwrap(), bob.unwrap());
    assert_eq!(ada.len() + bob.len(), 60);
    assert!(ada.iter().all(|id| !bob.contains(id)));
    assert_eq!(total(&*place.ports.archive, "discarded").await, 60);
}

#[tokio::test]
async fn thousands_are_paged_through_without_one_lost_or_twice() {
    let place = deployment().await;
    let archive = &*place.ports.archive;
    // Many in the same second, so that only the id tells them apart.
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
        put(&*place.index, some).await;
    }
    assert_eq!(total(archive, "archived").await, 2000);
    let archived = DeadLetterFilter { states: vec!["archived".to_owned()], ..DeadLetterFilter::default() };
    let all = pages(archive, &archived, 250).await;
    let mut found = ids(&all);
    found.sort();
    let mut expected = ids(&letters);
    expected.sort();
    assert_eq!(found, expected);
    assert!(all.is_sorted_by(|a, b| a.archived_at >= b.archived_at));
    let groups = archive.groups(&archived).await.unwrap();
    let counts: Vec<_> = groups.iter().map(|group| group.count).collect();
    assert_eq!((counts.len(), counts.iter().sum::<u64>(), counts[5]), (6, 2000, 333));
    let words = DeadLetterFilter { contains: Some("b".to_owned()), ..archived };
    let listed = archive.list(&words, None, 10).await.unwrap();
    assert!(listed.total >= 666 && listed.items.len() == 10);
}
