//! The event store.

use super::EmptyPipeline;
use crate::letters::{at, store_item as event};
use spillway_core::ids::{EventKey, EventSource};
use spillway_core::ports::{PutOutcome, StoreError, StoreItem};
use std::sync::Arc;

suite! { $ store:
    an_event_is_stored_once_and_read_as_it_was,
    of_many_writers_one_stores,
    events_are_found_by_their_id_alone,
    an_item_within_dynamodbs_limit_fits_and_a_larger_one_is_refused,
    nothing_to_store_is_no_error,
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
