//! The ledger, and the places of events. Each adapter counts the events at a place in a different way, so the tests of
//! the ledger's numbers are in the adapters. The cases here hold for all adapters.

use super::EmptyPipeline;
use crate::letters::{at, back, ids, letter, put};
use spillway_core::dead_letter::DeadLetter;
use spillway_core::failure::FailureClass::Schema;
use spillway_core::ids::{EventId, EventKey, EventType, MessageId};
use spillway_core::ledger::{Ledger, Place};
use spillway_core::message::{MessageAttributes, OutgoingMessage};
use spillway_core::ports::{DeadLetterOrder, QueueKind, StoreItem};

suite! { $ places:
    an_empty_pipeline_has_an_empty_ledger,
    an_event_is_found_by_its_id_with_what_is_known_of_it,
    events_of_two_sources_with_one_id_are_distinct,
    many_ids_are_looked_up_at_once,
    of_several_places_the_one_with_the_highest_progress_counts,
    dead_letters_are_counted_where_they_are,
    the_message_of_a_replay_is_seen_where_queues_can_be_searched,
    a_message_in_the_dlq_says_why_it_failed,
}

async fn store(pipeline: &EmptyPipeline, events: &[EventKey]) {
    let items = events.iter().map(|key| StoreItem {
        key: key.clone(),
        event_type: EventType::new("order.placed"),
        body: format!(
            r#"{{"specversion":"1.0","id":"{}","source":"{}","type":"order.placed"}}"#,
            key.id, key.source
        ),
        accepted_at: at(7),
        message_id: MessageId::random(),
        replay_id: None,
    });
    for answer in pipeline.store.put_if_absent(&items.collect::<Vec<_>>()).await {
        answer.unwrap();
    }
}

/// A dead letter of the event with this id.
fn letter_of(second: i64, id: &str) -> DeadLetter {
    DeadLetter {
        key: Some(EventKey::new("/shop", id)),
        body: format!(r#"{{"specversion":"1.0","id":"{id}","source":"/shop","type":"order.placed"}}"#),
        ..letter(second, "order.placed", Schema, "/amount: expected number")
    }
}

async fn an_empty_pipeline_has_an_empty_ledger(pipeline: &EmptyPipeline) {
    assert_eq!(pipeline.ledger.ledger().await.unwrap(), Ledger::default());
    assert!(pipeline.events.locate(&"never".into(), None).await.unwrap().is_empty());
    assert!(pipeline.events.places(&[]).await.unwrap().is_empty());
}

async fn an_event_is_found_by_its_id_with_what_is_known_of_it(pipeline: &EmptyPipeline) {
    let events = &*pipeline.events;
    store(pipeline, &[EventKey::new("/shop", "dead-0"), EventKey::new("/shop", "e1")]).await;
    let letters = [letter_of(1, "dead-0"), letter_of(2, "dead-1")];
    put(&*pipeline.workers.sink, &letters).await;
    let found = events.locate(&"e1".into(), None).await.unwrap();
    assert_eq!((found.len(), found[0].place), (1, Place::Stored));
    assert_eq!((&found[0].key, found[0].accepted_at), (&EventKey::new("/shop", "e1"), at(7)));
    assert!(found[0].stored_at.is_some() && found[0].failure.is_none() && found[0].receive_count.is_none());

    let stored = events.locate(&"dead-0".into(), None).await.unwrap();
    assert_eq!(stored.len(), 1, "a stored event counts as stored only, whatever happened to it before");
    assert_eq!(stored[0].place, Place::Stored);

    let dead = events.locate(&"dead-1".into(), Some(&"/shop".into())).await.unwrap();
    assert_eq!((dead.len(), dead[0].place), (1, Place::Archived));
    assert_eq!((&dead[0].message_id, dead[0].accepted_at), (&letters[1].id, letters[1].first_sent_at));
    assert_eq!((dead[0].receive_count, dead[0].stored_at), (Some(20), None));
    assert_eq!((dead[0].event_type.as_str(), &dead[0].body), ("order.placed", &letters[1].body));
    assert_eq!(dead[0].failure.as_ref(), letters[1].last_failure());
    assert!(events.locate(&"dead-1".into(), Some(&"/elsewhere".into())).await.unwrap().is_empty());
}

async fn events_of_two_sources_with_one_id_are_distinct(pipeline: &EmptyPipeline) {
    store(pipeline, &[EventKey::new("/shop", "e"), EventKey::new("/app", "e")]).await;
    let letters = [
        DeadLetter { key: Some(EventKey::new("/web", "e")), ..letter_of(1, "e") },
        DeadLetter { key: Some(EventKey::new("/web", "e")), ..letter_of(2, "e") },
        letter_of(3, "e"),
    ];
    put(&*pipeline.workers.sink, &letters).await;
    let found = pipeline.events.locate(&"e".into(), None).await.unwrap();
    let places: Vec<_> = found.iter().map(|location| location.place).collect();
    assert_eq!(places, [Place::Stored, Place::Stored, Place::Archived, Place::Archived]);
    let dead: Vec<_> = found[2..].iter().map(|location| location.message_id.clone()).collect();
    assert_eq!(dead, [letters[1].id.clone(), letters[0].id.clone()], "newest first; of a stored event none");
    let one = pipeline.events.locate(&"e".into(), Some(&"/app".into())).await.unwrap();
    assert_eq!((one.len(), &one[0].key), (1, &EventKey::new("/app", "e")));
}

async fn many_ids_are_looked_up_at_once(pipeline: &EmptyPipeline) {
    let stored: Vec<_> = (0..400).map(|number| EventKey::new("/shop", format!("stored-{number}"))).collect();
    store(pipeline, &stored).await;
    let letters: Vec<_> = (0..150).map(|number| letter_of(number, &format!("dead-{number}"))).collect();
    put(&*pipeline.workers.sink, &letters).await;
    let dead = ids(&letters);
    pipeline.replayer().discard(&dead[..20], "anna", "test data").await.unwrap();
    pipeline.replayer().start(&dead[20..50], "anna").await.unwrap();

    let stored = stored.into_iter().map(|key| key.id);
    let dead = (0..150).map(|number| EventId::new(format!("dead-{number}")));
    let never = (0..100).map(|number| EventId::new(format!("never-{number}")));
    let asked: Vec<EventId> = stored.chain(dead).chain(never).collect();
    let places = pipeline.events.places(&asked).await.unwrap();
    let expected = |position: usize| match position {
        0..400 => Some(Place::Stored),
        400..420 => Some(Place::Discarded),
        420..450 => Some(Place::Replaying),
        450..550 => Some(Place::Archived),
        _ => None,
    };
    assert_eq!(places.len(), asked.len());
    for (position, (id, place)) in asked.iter().zip(&places).enumerate() {
        assert_eq!(*place, expected(position), "{id}");
    }
}

async fn of_several_places_the_one_with_the_highest_progress_counts(pipeline: &EmptyPipeline) {
    // Each event was sent twice, and dead-lettered each time.
    let letters: Vec<_> =
        ["a", "a", "b", "b", "c", "c"].iter().zip(0..).map(|(id, second)| letter_of(second, id)).collect();
    put(&*pipeline.workers.sink, &letters).await;
    let all = ids(&letters);
    let replayer = pipeline.replayer();
    replayer.discard(&[all[1].clone(), all[2].clone()], "anna", "test data").await.unwrap();
    let replay = replayer.start(&[all[0].clone(), all[4].clone()], "anna").await.unwrap().id;
    let asked = ["a", "b", "c"].map(EventId::new);
    let places = pipeline.events.places(&asked).await.unwrap();
    assert_eq!(places, [Some(Place::Discarded), Some(Place::Discarded), Some(Place::Archived)]);
    // The replay stored one of the two dead letters, so the event is stored.
    pipeline.workers.reports.mark_stored(&replay, &all[4]).await.unwrap();
    assert_eq!(pipeline.events.places(&asked[2..]).await.unwrap(), [Some(Place::Stored)]);
}

async fn dead_letters_are_counted_where_they_are(pipeline: &EmptyPipeline) {
    let letters: Vec<_> = (0..9).map(|number| letter_of(number, &format!("dead-{number}"))).collect();
    put(&*pipeline.workers.sink, &letters).await;
    let all = ids(&letters);
    let replayer = pipeline.replayer();
    replayer.discard(&all[..2], "anna", "test data").await.unwrap();
    let replay = replayer.start(&all[2..6], "anna").await.unwrap().id;
    let ledger = pipeline.ledger.ledger().await.unwrap();
    assert_eq!((ledger.archived, ledger.replaying, ledger.discarded), (3, 4, 2));
    assert_eq!(pipeline.carrier().advance(&replay, 3).await.unwrap().sent, 3);
    put(&*pipeline.workers.sink, &[back(&letters[2], 1, 100)]).await;
    let ledger = pipeline.ledger.ledger().await.unwrap();
    assert_eq!((ledger.archived, ledger.replaying, ledger.discarded), (4, 3, 2));
    assert_eq!(ledger.accepted, 0, "a message that was put back is no new promise");
}

async fn the_message_of_a_replay_is_seen_where_queues_can_be_searched(pipeline: &EmptyPipeline) {
    let letters = [letter_of(1, "replayed"), letter_of(2, "waiting")];
    put(&*pipeline.workers.sink, &letters).await;
    let all = ids(&letters);
    let replay = pipeline.replayer().start(&all, "ada").await.unwrap().id;
    let Some(before) = pipeline.events.replays_in_queues().await.unwrap() else {
        assert!(!pipeline.events.sees_queues());
        return;
    };
    assert!(before.is_empty(), "nothing was put back yet");
    assert_eq!(pipeline.carrier().advance(&replay, 1).await.unwrap().sent, 1);
    let sent = pipeline.events.replays_in_queues().await.unwrap().unwrap();
    let waiting = ids(&pipeline.replays.waiting(&replay, 10).await.unwrap());
    assert_eq!((sent.len(), waiting.len()), (1, 1));
    assert!(all.iter().all(|id| sent.contains(id) != waiting.contains(id)));
}

async fn a_message_in_the_dlq_says_why_it_failed(pipeline: &EmptyPipeline) {
    let message = OutgoingMessage {
        body: r#"{"specversion":"1.0","id":"failed","source":"/shop","type":"order.placed"}"#.to_owned(),
        attributes: MessageAttributes::new(),
        trace_header: None,
    };
    pipeline.queue.send(&[message]).await.remove(0).unwrap();
    let mut received = Vec::new();
    for _ in 0..100 {
        received.extend(pipeline.workers.receiver.receive(QueueKind::Primary, 10).await.unwrap());
        if !received.is_empty() {
            break;
        }
    }
    let failures = letter_of(1, "failed").failures;
    let order = DeadLetterOrder { message: received.remove(0), failures: failures.clone() };
    pipeline.workers.redelivery.dead_letter(&[order]).await.remove(0).unwrap();
    let found = pipeline.events.locate(&"failed".into(), None).await.unwrap();
    match pipeline.events.sees_queues() {
        true => {
            assert_eq!((found.len(), found[0].place), (1, Place::InDlq));
            assert_eq!(found[0].failure.as_ref(), failures.last());
        }
        false => assert!(found.is_empty()),
    }
}
