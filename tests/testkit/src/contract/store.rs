//! The event store.

use super::EmptyPipeline;
use crate::letters::{at, store_item as event};
use spillway_core::Timestamp;
use spillway_core::ids::{EventKey, EventSource};
use spillway_core::ports::{
    PutOutcome, StoreError, StoreItem, StoredEvent, StoredEventFilter, StoredListError, StoredOrder,
};
use std::sync::Arc;

suite! { $ store:
    an_event_is_stored_once_and_read_as_it_was,
    of_many_writers_one_stores,
    events_are_found_by_their_id_alone,
    an_item_within_dynamodbs_limit_fits_and_a_larger_one_is_refused,
    nothing_to_store_is_no_error,
    each_event_that_matches_is_listed_once_and_byte_for_byte,
    a_list_of_events_is_in_the_order_of_storing_where_there_is_one,
    events_are_listed_by_the_time_at_which_they_were_stored,
    a_list_of_events_continues_only_from_where_one_ended,
}

async fn an_event_is_stored_once_and_read_as_it_was(pipeline: &EmptyPipeline) {
    let store = &*pipeline.store;
    let body = "{ \"é\" : 1.0, \"n\":\"\\u0000\" }";
    let answers = store.put_if_absent(&[event("a", "m1", body), event("b", "m2", "{}")]).await;
    assert_eq!(answers, [Ok(PutOutcome::Stored), Ok(PutOutcome::Stored)]);
    let other = StoreItem { key: EventKey::new("/elsewhere", "a"), ..event("a", "m3", "{}") };
    let answers =
        store.put_if_absent(&[event("a", "m4", "{\"other\":1}"), other, event("a", "m1", body)]).await;
    let expected = [PutOutcome::AlreadyStored, PutOutcome::Stored, PutOutcome::AlreadyStored];
    assert_eq!(answers, expected.map(Ok), "the same message from an earlier delivery is stored already");
    let read = store.get(&EventKey::new("/shop", "a")).await.unwrap().unwrap();
    assert_eq!((read.body.as_str(), read.message_id.as_str(), read.accepted_at), (body, "m1", at(7)));
    assert_eq!((read.event_type, read.key), ("order.placed".into(), EventKey::new("/shop", "a")));
    assert_eq!(store.get(&EventKey::new("/shop", "c")).await.unwrap(), None);
}

async fn of_many_writers_one_stores(pipeline: &EmptyPipeline) {
    let writes = (0..20).map(|n| {
        let store = Arc::clone(&pipeline.store);
        async move { store.put_if_absent(&[event("a", &format!("m{n}"), "{}")]).await }
    });
    let answers: Vec<_> = futures::future::join_all(writes).await.into_iter().flatten().collect();
    assert_eq!(answers.iter().filter(|answer| **answer == Ok(PutOutcome::Stored)).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == Ok(PutOutcome::AlreadyStored)).count(), 19);
}

async fn events_are_found_by_their_id_alone(pipeline: &EmptyPipeline) {
    let store = &*pipeline.store;
    let other = StoreItem { key: EventKey::new("/app", "a"), ..event("a", "m2", "{}") };
    let answers = store.put_if_absent(&[event("a", "m1", "{}"), other, event("ab", "m3", "{}")]).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let mut sources = store.sources(&"a".into()).await.unwrap();
    sources.sort();
    assert_eq!(sources, ["/app", "/shop"].map(EventSource::new));
    assert_eq!(store.sources(&"A".into()).await.unwrap(), []);
}

async fn an_item_within_dynamodbs_limit_fits_and_a_larger_one_is_refused(pipeline: &EmptyPipeline) {
    let [fits, large] = [409_000, 409_600].map(|bytes| "x".repeat(bytes));
    let answers = pipeline.store.put_if_absent(&[event("a", "m", &fits), event("b", "m", &large)]).await;
    assert_eq!(answers[0], Ok(PutOutcome::Stored));
    assert!(matches!(answers[1], Err(StoreError::TooLarge { limit: 409_600, .. })), "{:?}", answers[1]);
    assert_eq!(pipeline.store.get(&EventKey::new("/shop", "b")).await.unwrap(), None);
}

async fn nothing_to_store_is_no_error(pipeline: &EmptyPipeline) {
    assert!(pipeline.store.put_if_absent(&[]).await.is_empty());
}

/// Reads a list part by part.
async fn listed(
    pipeline: &EmptyPipeline,
    filter: &StoredEventFilter,
    order: StoredOrder,
    size: usize,
) -> Vec<StoredEvent> {
    let (mut all, mut after) = (Vec::new(), None);
    for _ in 0..1000 {
        let page = pipeline.stored.list(filter, order, after.as_deref(), size).await.unwrap();
        assert!(page.items.len() <= size, "{} in a part", page.items.len());
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
    panic!("the list has no end");
}

fn ids(events: &[StoredEvent]) -> Vec<&str> {
    events.iter().map(|event| event.key.id.as_str()).collect()
}

/// Stores each of these events with its own call, so that one is stored after the other.
async fn put(pipeline: &EmptyPipeline, events: &[StoreItem]) {
    for event in events {
        let answers = pipeline.store.put_if_absent(std::slice::from_ref(event)).await;
        assert_eq!(answers, [Ok(PutOutcome::Stored)]);
    }
}

async fn each_event_that_matches_is_listed_once_and_byte_for_byte(pipeline: &EmptyPipeline) {
    let body = "{ \"n\" : 12345678901234567890123,\r\n \"b\":0.10, \"a\":-0 }";
    let events: Vec<_> = (0..23)
        .map(|number| StoreItem {
            event_type: if number % 2 == 0 { "order.placed".into() } else { "user.seen".into() },
            key: EventKey::new(if number % 3 == 0 { "/app" } else { "/shop" }, format!("e{number:02}")),
            ..event("", &format!("m{number}"), body)
        })
        .collect();
    put(pipeline, &events).await;
    let none = StoredEventFilter::default();
    let cases = [
        ("all", none.clone(), 23),
        ("a type", StoredEventFilter { event_type: Some("user.seen".into()), ..none.clone() }, 11),
        ("a source", StoredEventFilter { source: Some("/app".into()), ..none.clone() }, 8),
        (
            "both",
            StoredEventFilter {
                event_type: Some("user.seen".into()),
                source: Some("/app".into()),
                ..none.clone()
            },
            4,
        ),
        ("another type", StoredEventFilter { event_type: Some("user".into()), ..none }, 0),
    ];
    for (name, filter, expected) in cases {
        for (order, size) in
            [(StoredOrder::NewestFirst, 5), (StoredOrder::OldestFirst, 5), (StoredOrder::OldestFirst, 100)]
        {
            let found = listed(pipeline, &filter, order, size).await;
            let mut distinct = ids(&found);
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!((distinct.len(), found.len()), (expected, expected), "{name}, {size} at once");
            assert!(found.iter().all(|event| filter.matches(event) && event.body == body), "{name}");
        }
    }
    let found = listed(pipeline, &StoredEventFilter::default(), StoredOrder::NewestFirst, 100).await;
    let one = found.iter().find(|event| event.key.id.as_str() == "e07").unwrap();
    assert_eq!(*one, pipeline.store.get(&one.key).await.unwrap().unwrap());
}

async fn a_list_of_events_is_in_the_order_of_storing_where_there_is_one(pipeline: &EmptyPipeline) {
    // The ids sort differently from the order of storing, and from that of accepting.
    let events: Vec<_> = ["c", "a", "d", "b"]
        .iter()
        .zip(0..)
        .map(|(id, second)| StoreItem { accepted_at: at(100 - second), ..event(id, id, "{}") })
        .collect();
    put(pipeline, &events).await;
    let none = StoredEventFilter::default();
    let newest = listed(pipeline, &none, StoredOrder::NewestFirst, 3).await;
    let oldest = listed(pipeline, &none, StoredOrder::OldestFirst, 3).await;
    if pipeline.stored.is_ordered() {
        assert!(newest.is_sorted_by(|a, b| a.stored_at >= b.stored_at), "{newest:?}");
        let mut reversed = newest.clone();
        reversed.reverse();
        assert_eq!(oldest, reversed);
    }
    assert_eq!((newest.len(), oldest.len()), (4, 4));
}

async fn events_are_listed_by_the_time_at_which_they_were_stored(pipeline: &EmptyPipeline) {
    put(pipeline, &[event("a", "m1", "{}")]).await;
    let key = EventKey::new("/shop", "a");
    let stored_at = pipeline.store.get(&key).await.unwrap().unwrap().stored_at;
    let tick = std::time::Duration::from_millis(1);
    let found = |from: Option<Timestamp>, to: Option<Timestamp>| async move {
        let filter = StoredEventFilter { from, to, ..StoredEventFilter::default() };
        listed(pipeline, &filter, StoredOrder::NewestFirst, 10).await.len()
    };
    assert_eq!(found(Some(stored_at), None).await, 1, "from includes its time");
    assert_eq!(found(Some(stored_at + tick), None).await, 0);
    assert_eq!(found(None, Some(stored_at)).await, 0, "to excludes its time");
    assert_eq!(found(None, Some(stored_at + tick)).await, 1);
    assert_eq!(found(Some(stored_at), Some(stored_at)).await, 0);
}

async fn a_list_of_events_continues_only_from_where_one_ended(pipeline: &EmptyPipeline) {
    put(pipeline, &[event("a", "m1", "{}")]).await;
    let none = StoredEventFilter::default();
    for cursor in ["garbage", "", "1.5"] {
        let list = pipeline.stored.list(&none, StoredOrder::NewestFirst, Some(cursor), 10).await;
        assert_eq!(list, Err(StoredListError::UnknownCursor(cursor.to_owned())));
    }
}
