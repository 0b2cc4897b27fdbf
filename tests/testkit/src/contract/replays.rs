//! Replays, from the archive back to the archive or into the store.

use super::EmptyPipeline;
use crate::letters::{at, back, ids, letter, put, store_item, total};
use spillway_core::dead_letter::DeadLetter;
use spillway_core::dead_letter::DeadLetterStatus::{Archived, Replaying};
use spillway_core::failure::FailureClass::Schema;
use spillway_core::ids::{MessageId, ReplayId};
use spillway_core::message::{Attribute, ReceivedMessage};
use spillway_core::ports::{AuditNote, QueueKind, StoreItem};
use spillway_core::replay::{Overdue, ReplayItemState, ReplayState};
use std::collections::HashSet;
use std::time::Duration;

suite! { $ replays:
    a_replay_ends_when_each_message_is_stored_or_back,
    two_replays_never_take_the_same_letter,
    an_id_that_is_named_twice_is_taken_once,
    a_consumer_may_be_faster_than_the_record_that_a_message_was_sent,
    a_returned_message_is_archived_again_and_stays_returned,
    a_message_that_the_queue_never_accepts_is_archived_again_and_does_not_block_the_others,
    a_replay_of_nothing_is_none,
    the_audit_log_has_each_change_and_nothing_that_did_not_happen,
    a_letter_with_ten_attributes_is_replayed_with_all_of_them_and_their_types,
    a_replay_knows_the_letters_that_it_took,
    a_letter_whose_event_the_store_no_longer_has_can_be_replayed_again,
    an_error_is_recorded_and_cleared,
    replays_are_listed_newest_first_and_unfinished_ones_oldest_first,
    messages_that_were_put_back_long_ago_are_overdue_until_they_end,
    a_released_letter_is_archived_and_can_be_replayed_again,
    a_copy_of_a_released_message_changes_nothing_but_is_stored_if_its_event_is,
    a_large_replay_is_taken_and_paged_whole,
}

async fn archived(pipeline: &EmptyPipeline, count: i64) -> Vec<DeadLetter> {
    let letters: Vec<_> = (0..count).map(|s| letter(s, "order.placed", Schema, "bad")).collect();
    put(&*pipeline.workers.sink, &letters).await;
    letters
}

async fn counts(pipeline: &EmptyPipeline, replay: &ReplayId) -> (u64, u64, u64, u64) {
    let replay = pipeline.replays.get(replay).await.unwrap().unwrap();
    (replay.waiting, replay.sent, replay.stored, replay.returned)
}

async fn a_replay_ends_when_each_message_is_stored_or_back(pipeline: &EmptyPipeline) {
    let letters = archived(pipeline, 25).await;
    let all = ids(&letters);
    let (replayer, carrier) = (pipeline.replayer(), pipeline.carrier());
    let mut asked = all.clone();
    asked.push(MessageId::new("never"));
    let started = replayer.start(&asked, "ada").await.unwrap();
    assert_eq!((started.taken, started.refused), (25, 1));
    let replay = &started.id;
    assert_eq!(pipeline.replays.unfinished().await.unwrap(), std::slice::from_ref(replay));
    assert_eq!(
        (total(&*pipeline.archive, Archived).await, total(&*pipeline.archive, Replaying).await),
        (0, 25)
    );

    assert_eq!(carrier.advance(replay, 10).await.unwrap().sent, 10);
    assert_eq!(counts(pipeline, replay).await, (15, 10, 0, 0));
    assert_eq!(carrier.advance(replay, 100).await.unwrap().sent, 15);
    assert_eq!(carrier.advance(replay, 100).await.unwrap().sent, 0);
    assert!(pipeline.replays.unfinished().await.unwrap().is_empty(), "nothing is left to put back");
    assert_eq!(pipeline.replays.get(replay).await.unwrap().unwrap().state, ReplayState::Running);

    for id in &all[..20] {
        pipeline.workers.reports.mark_stored(replay, id).await.unwrap();
        pipeline.workers.reports.mark_stored(replay, id).await.unwrap();
    }
    assert_eq!(counts(pipeline, replay).await, (0, 5, 20, 0));
    let comebacks: Vec<_> = letters[20..].iter().map(|letter| back(letter, 1, 500)).collect();
    put(&*pipeline.workers.sink, &comebacks).await;
    put(&*pipeline.workers.sink, &comebacks).await;
    let ended = pipeline.replays.get(replay).await.unwrap().unwrap();
    assert_eq!((ended.stored, ended.returned, ended.state), (20, 5, ReplayState::Ended));
    assert!(ended.ended_at.is_some() && ended.by == "ada");
    assert_eq!(pipeline.replays.list(10).await.unwrap(), [ended]);

    let back = pipeline.archive.get(&all[24]).await.unwrap().unwrap();
    assert_eq!((back.state.name(), back.generation, back.receive_count), ("archived", 1, 3));
    assert_eq!(back.failures.len(), 2, "what failed before is still known");
    assert_eq!(back.replays[0].stored, Some(false));
    assert_eq!((&back.body, &back.attributes), (&letters[24].body, &letters[24].attributes));
    let stored = pipeline.archive.get(&all[0]).await.unwrap().unwrap();
    assert_eq!((stored.state.name(), stored.replays[0].stored), ("stored", Some(true)));

    // A second replay, which includes the messages that came back.
    let again = replayer.start(&all, "bob").await.unwrap();
    assert_eq!((again.taken, again.refused), (5, 20));
    let waiting = pipeline.replays.waiting(&again.id, 100).await.unwrap();
    assert!(waiting.iter().all(|letter| letter.generation == 1 && letter.replays.len() == 2));
}

async fn two_replays_never_take_the_same_letter(pipeline: &EmptyPipeline) {
    let all = ids(&archived(pipeline, 120).await);
    let (one, two) = (ReplayId::new("0-one"), ReplayId::new("0-two"));
    let (first, second) =
        tokio::join!(pipeline.replays.create(&one, &all, "ada"), pipeline.replays.create(&two, &all, "bob"));
    assert_eq!(first.unwrap() + second.unwrap(), 120);
    let mut taken = HashSet::new();
    for replay in [&one, &two] {
        for letter in pipeline.replays.waiting(replay, 1000).await.unwrap() {
            assert!(taken.insert(letter.id), "one letter in two replays");
        }
    }
    assert_eq!(taken.len(), 120);
    assert_eq!(total(&*pipeline.archive, Replaying).await, 120);
}

async fn a_consumer_may_be_faster_than_the_record_that_a_message_was_sent(pipeline: &EmptyPipeline) {
    let all = ids(&archived(pipeline, 3).await);
    let replay = ReplayId::new("0-fast");
    pipeline.replays.create(&replay, &all, "ada").await.unwrap();
    pipeline.workers.reports.mark_stored(&replay, &all[0]).await.unwrap();
    // The message was sent, but the sender died before it recorded that. The message is not sent again.
    let waiting = ids(&pipeline.replays.waiting(&replay, 10).await.unwrap());
    assert!(waiting.len() == 2 && !waiting.contains(&all[0]));
    // The sender may also record it late.
    pipeline.workers.reports.mark_stored(&replay, &all[1]).await.unwrap();
    pipeline.replays.mark_sent(&replay, &all).await.unwrap();
    pipeline.replays.mark_sent(&replay, &all).await.unwrap();
    assert_eq!(counts(pipeline, &replay).await, (0, 1, 2, 0));
    assert!(pipeline.replays.waiting(&replay, 10).await.unwrap().is_empty());
    // A message of a replay that has ended changes nothing.
    pipeline.workers.reports.mark_stored(&ReplayId::new("0-other"), &all[2]).await.unwrap();
    assert_eq!(counts(pipeline, &replay).await, (0, 1, 2, 0));
}

async fn a_message_that_the_queue_never_accepts_is_archived_again_and_does_not_block_the_others(
    pipeline: &EmptyPipeline,
) {
    let mut letters: Vec<_> = (0..4).map(|s| letter(s, "order.placed", Schema, "bad")).collect();
    letters[0].body = "a character that SQS does not carry: \u{ffff}".to_owned();
    put(&*pipeline.workers.sink, &letters).await;
    let all = ids(&letters);
    let (replayer, carrier) = (pipeline.replayer(), pipeline.carrier());
    let replay = replayer.start(&all, "ada").await.unwrap().id;
    for _ in 0..4 {
        carrier.advance(&replay, 1).await.unwrap();
    }
    assert_eq!(counts(pipeline, &replay).await, (0, 3, 0, 1));
    assert_eq!(total(&*pipeline.archive, Archived).await, 1);
    let audited = pipeline.ops.entries(Some(all[0].as_str()), 10).await.unwrap();
    assert!(audited[0].detail.contains("U+FFFF"), "{audited:?}");
}

/// Receives a message: one receive may return fewer than are visible.
async fn receive(pipeline: &EmptyPipeline, queue: QueueKind) -> Vec<ReceivedMessage> {
    for _ in 0..100 {
        let received = pipeline.workers.receiver.receive(queue, 10).await.unwrap();
        if !received.is_empty() {
            return received;
        }
    }
    Vec::new()
}

async fn a_letter_with_ten_attributes_is_replayed_with_all_of_them_and_their_types(pipeline: &EmptyPipeline) {
    let mut letter = letter(1, "order.placed", Schema, "bad");
    let text = |n: i32| (format!("text-{n}"), Attribute::from("ä \"b\""));
    letter.attributes = (0..8).map(text).collect();
    letter.attributes.insert("count".to_owned(), Attribute::new("Number.int", "12"));
    letter.attributes.insert("raw".to_owned(), Attribute::new("Binary", "AAECgP8="));
    letter.body = "no JSON".to_owned();
    put(&*pipeline.workers.sink, std::slice::from_ref(&letter)).await;
    let replay = pipeline.replayer().start(std::slice::from_ref(&letter.id), "ada").await.unwrap().id;
    assert_eq!(pipeline.carrier().advance(&replay, 10).await.unwrap().sent, 1);

    let consumer = pipeline.ports.consumer(&pipeline.workers, "v2".into());
    let report = consumer.store_batch(receive(pipeline, QueueKind::Primary).await).await;
    assert_eq!(report.records[0].outcome.name(), "dead_lettered");
    let archiver = pipeline.ports.archiver(&pipeline.workers, "v2".into());
    let report = archiver.archive_batch(receive(pipeline, QueueKind::Dlq).await).await;
    assert!(report.records.len() == 1 && report.records[0].result.is_ok(), "{report:?}");
    assert_eq!(counts(pipeline, &replay).await, (0, 0, 0, 1));
    let back = pipeline.archive.get(&letter.id).await.unwrap().unwrap();
    assert_eq!((back.generation, back.attributes, back.body), (1, letter.attributes, letter.body));
}

async fn a_replay_knows_the_letters_that_it_took(pipeline: &EmptyPipeline) {
    let all = ids(&archived(pipeline, 2).await);
    let replay = pipeline.replayer().start(&all[..1], "ada").await.unwrap().id;
    let is_known = async |replay: &ReplayId, id: &MessageId| {
        pipeline.workers.reports.is_known(replay, id).await.unwrap()
    };
    assert!(is_known(&replay, &all[0]).await);
    assert!(!is_known(&replay, &all[1]).await && !is_known(&"never".into(), &all[0]).await);
    pipeline.workers.reports.mark_stored(&replay, &all[0]).await.unwrap();
    assert!(is_known(&replay, &all[0]).await, "a second copy of its message is no forgery");
}

async fn a_letter_whose_event_the_store_no_longer_has_can_be_replayed_again(pipeline: &EmptyPipeline) {
    let letters = archived(pipeline, 2).await;
    let all = ids(&letters);
    let replayer = pipeline.replayer();
    let replay = replayer.start(&all, "ada").await.unwrap().id;
    for id in &all {
        pipeline.workers.reports.mark_stored(&replay, id).await.unwrap();
    }
    // The store has the event of the second only.
    let key = letters[1].key.clone().unwrap();
    let item = store_item(key.id.as_str(), "m", &letters[1].body);
    pipeline.store.put_if_absent(&[StoreItem { key, ..item }]).await.remove(0).unwrap();
    assert!(replayer.start(&all, "ada").await.is_err());
    assert_eq!(replayer.reopen(&all, "ada").await.unwrap(), all[..1]);
    assert_eq!(replayer.start(&all, "ada").await.unwrap().taken, 1);
    let audited = pipeline.ops.entries(Some(all[0].as_str()), 10).await.unwrap();
    assert_eq!(audited[0].action, "reopen");
    assert_eq!(pipeline.archive.get(&all[1]).await.unwrap().unwrap().state.name(), "stored");
}

async fn a_replay_of_nothing_is_none(pipeline: &EmptyPipeline) {
    let all = ids(&archived(pipeline, 2).await);
    pipeline.replayer().discard(&all, "ada", "test data").await.unwrap();
    assert!(pipeline.replayer().start(&all, "ada").await.is_err());
    assert!(pipeline.replays.list(10).await.unwrap().is_empty());
    assert_eq!(pipeline.replays.get(&ReplayId::new("never")).await.unwrap(), None);
}

async fn an_error_is_recorded_and_cleared(pipeline: &EmptyPipeline) {
    let all = ids(&archived(pipeline, 1).await);
    let replay = ReplayId::new("0-slow");
    pipeline.replays.create(&replay, &all, "ada").await.unwrap();
    let error = async || pipeline.replays.get(&replay).await.unwrap().unwrap().error;
    pipeline.replays.set_error(&replay, None).await.unwrap();
    assert_eq!(error().await, None);
    pipeline.replays.set_error(&replay, Some("the queue is over its rate")).await.unwrap();
    assert_eq!(error().await.as_deref(), Some("the queue is over its rate"));
    pipeline.replays.set_error(&replay, None).await.unwrap();
    assert_eq!(error().await, None);
    pipeline.replays.set_error(&ReplayId::new("never"), Some("x")).await.unwrap();
    assert_eq!(pipeline.replays.get(&ReplayId::new("never")).await.unwrap(), None);
}

async fn messages_that_were_put_back_long_ago_are_overdue_until_they_end(pipeline: &EmptyPipeline) {
    let all = ids(&archived(pipeline, 6).await);
    let replay = pipeline.replayer().start(&all[..4], "ada").await.unwrap().id;
    let overdue = async |limit| {
        let before = pipeline.clock.now() + Duration::from_secs(60);
        let mut found = Vec::new();
        for Overdue { replay_id, dead_letter } in pipeline.replays.overdue(before, limit).await.unwrap() {
            assert_eq!(replay_id, replay);
            found.push(dead_letter);
        }
        found.sort();
        found
    };
    assert!(overdue(10).await.is_empty(), "what waits was not put back");
    assert_eq!(pipeline.carrier().advance(&replay, 10).await.unwrap().sent, 4);
    pipeline.workers.reports.mark_stored(&replay, &all[0]).await.unwrap();
    let mut left = all[1..4].to_vec();
    left.sort();
    assert_eq!(overdue(10).await, left);
    assert_eq!(overdue(2).await.len(), 2);
    let early = pipeline.clock.now() - Duration::from_secs(60);
    assert!(pipeline.replays.overdue(early, 10).await.unwrap().is_empty());
}

async fn a_released_letter_is_archived_and_can_be_replayed_again(pipeline: &EmptyPipeline) {
    let letters = archived(pipeline, 3).await;
    let all = ids(&letters);
    let (replayer, carrier) = (pipeline.replayer(), pipeline.carrier());
    let replay = replayer.start(&all[..2], "ada").await.unwrap().id;
    assert_eq!(carrier.advance(&replay, 10).await.unwrap().sent, 2);
    assert_eq!(replayer.release(&all, "bob").await.unwrap(), all[..2], "the third is not in a replay");
    assert!(replayer.release(&all, "bob").await.unwrap().is_empty());
    assert_eq!(counts(pipeline, &replay).await, (0, 0, 0, 2));
    assert_eq!(pipeline.replays.get(&replay).await.unwrap().unwrap().state, ReplayState::Ended);
    assert_eq!(total(&*pipeline.archive, Archived).await, 3);
    let released = pipeline.archive.get(&all[0]).await.unwrap().unwrap();
    assert_eq!((released.state.name(), released.replays[0].stored), ("archived", Some(false)));
    assert_eq!((&released.body, &released.failures), (&letters[0].body, &letters[0].failures));
    let audited = pipeline.ops.entries(Some(all[0].as_str()), 10).await.unwrap();
    assert_eq!((audited[0].action.as_str(), audited[0].by.as_str()), ("release", "bob"));

    // The next replay's messages are told apart from those of the first.
    let again = replayer.start(&all[..2], "ada").await.unwrap().id;
    assert_eq!(carrier.advance(&again, 10).await.unwrap().sent, 2);
    put(&*pipeline.workers.sink, &[back(&letters[0], 1, 100)]).await;
    assert_eq!(counts(pipeline, &again).await, (0, 2, 0, 0), "a copy of the first replay does not end it");
    put(&*pipeline.workers.sink, &[back(&letters[0], 2, 200)]).await;
    pipeline.workers.reports.mark_stored(&again, &all[1]).await.unwrap();
    assert_eq!(counts(pipeline, &again).await, (0, 0, 1, 1));
    assert_eq!(total(&*pipeline.archive, Archived).await, 2);
}

async fn a_copy_of_a_released_message_changes_nothing_but_is_stored_if_its_event_is(
    pipeline: &EmptyPipeline,
) {
    let letters = archived(pipeline, 2).await;
    let all = ids(&letters);
    let replay = pipeline.replayer().start(&all, "ada").await.unwrap().id;
    assert_eq!(pipeline.carrier().advance(&replay, 10).await.unwrap().sent, 2);
    assert_eq!(pipeline.replayer().release(&all, "ada").await.unwrap(), all);
    put(&*pipeline.workers.sink, &[back(&letters[0], 1, 100)]).await;
    assert_eq!(pipeline.archive.get(&all[0]).await.unwrap().unwrap().state.name(), "archived");
    pipeline.workers.reports.mark_stored(&replay, &all[1]).await.unwrap();
    assert_eq!(pipeline.archive.get(&all[1]).await.unwrap().unwrap().state.name(), "stored");
    assert_eq!(counts(pipeline, &replay).await, (0, 0, 0, 2), "a part that has ended stays so");
    assert_eq!(pipeline.replayer().start(&all, "ada").await.unwrap().taken, 1);
}

async fn a_large_replay_is_taken_and_paged_whole(pipeline: &EmptyPipeline) {
    let letters: Vec<_> = (0..700).map(|s| letter(s, "order.placed", Schema, "bad")).collect();
    for some in letters.chunks(200) {
        put(&*pipeline.workers.sink, some).await;
    }
    let replay = ReplayId::new("0-large");
    assert_eq!(pipeline.replays.create(&replay, &ids(&letters), "ada").await.unwrap(), 700);
    assert_eq!(counts(pipeline, &replay).await, (700, 0, 0, 0));
    let some = ids(&pipeline.replays.waiting(&replay, 150).await.unwrap());
    assert_eq!(some.len(), 150);
    pipeline.replays.mark_sent(&replay, &some).await.unwrap();
    let mut seen = HashSet::new();
    let mut sent = 0;
    let mut after = None;
    for _ in 0..100 {
        let page = pipeline.replays.items(&replay, after.as_deref(), 99).await.unwrap();
        assert_eq!(page.total, 700);
        sent += page.items.iter().filter(|item| item.state == ReplayItemState::Sent).count();
        seen.extend(page.items.into_iter().map(|item| item.dead_letter));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((seen.len(), sent), (700, 150));
}

async fn an_id_that_is_named_twice_is_taken_once(pipeline: &EmptyPipeline) {
    let all = ids(&archived(pipeline, 2).await);
    let replay = ReplayId::new("0-twice");
    let twice = [all[0].clone(), all[1].clone(), all[0].clone()];
    assert_eq!(pipeline.replays.create(&replay, &twice, "ada").await.unwrap(), 2);
    assert_eq!(pipeline.replays.waiting(&replay, 10).await.unwrap().len(), 2);
    assert_eq!(counts(pipeline, &replay).await, (2, 0, 0, 0));
}

async fn a_returned_message_is_archived_again_and_stays_returned(pipeline: &EmptyPipeline) {
    let all = ids(&archived(pipeline, 2).await);
    let replay = ReplayId::new("0-returned");
    pipeline.replays.create(&replay, &all, "ada").await.unwrap();
    let why = AuditNote { at: at(9), by: "spillway".to_owned(), action: "return", detail: "odd".to_owned() };
    pipeline.replays.mark_returned(&replay, &all[0], &why).await.unwrap();
    pipeline.replays.mark_returned(&replay, &all[0], &why).await.unwrap();
    assert_eq!(counts(pipeline, &replay).await, (1, 0, 0, 1));
    let letter = pipeline.archive.get(&all[0]).await.unwrap().unwrap();
    assert_eq!(
        (letter.state.name(), letter.generation, letter.replays[0].stored),
        ("archived", 0, Some(false))
    );
    // A replay that has ended does not change when later records arrive.
    pipeline.replays.mark_sent(&replay, &all).await.unwrap();
    pipeline.workers.reports.mark_stored(&replay, &all[0]).await.unwrap();
    assert_eq!(counts(pipeline, &replay).await, (0, 1, 0, 1));
    pipeline.workers.reports.mark_stored(&replay, &all[1]).await.unwrap();
    pipeline.replays.mark_returned(&replay, &all[1], &why).await.unwrap();
    assert_eq!(counts(pipeline, &replay).await, (0, 0, 1, 1));
    assert_eq!(pipeline.archive.get(&all[1]).await.unwrap().unwrap().state.name(), "stored");
    let entries = async |id: &MessageId| pipeline.ops.entries(Some(id.as_str()), 10).await.unwrap();
    assert_eq!(entries(&all[0]).await, [why.about(all[0].as_str())], "what changed nothing has no entry");
    assert!(entries(&all[1]).await.is_empty());
}

async fn the_audit_log_has_each_change_and_nothing_that_did_not_happen(pipeline: &EmptyPipeline) {
    let all = ids(&archived(pipeline, 40).await);
    let replayer = pipeline.replayer();
    let entries = async |subject: &str| {
        let entries = pipeline.ops.entries(Some(subject), 10).await.unwrap();
        entries.into_iter().map(|entry| (entry.action, entry.by, entry.detail)).collect::<Vec<_>>()
    };
    let entry = |action: &str, by: &str, detail: &str| (action.to_owned(), by.to_owned(), detail.to_owned());
    replayer.discard(&all[..30], "ada", "test data").await.unwrap();
    replayer.discard(&all[..30], "bob", "again").await.unwrap();
    assert_eq!(entries(all[29].as_str()).await, [entry("discard", "ada", "test data")]);
    replayer.restore(&all, "bob").await.unwrap();
    assert_eq!(entries(all[0].as_str()).await[0], entry("restore", "bob", ""));
    assert!(entries(all[35].as_str()).await.is_empty(), "it was not discarded");
    let replay = replayer.start(&all, "cleo").await.unwrap().id;
    assert!(replayer.start(&all, "dan").await.is_err());
    assert_eq!(entries(replay.as_str()).await, [entry("replay", "cleo", "40 dead letters chosen")]);
    assert_eq!(pipeline.ops.entries(None, 1000).await.unwrap().len(), 30 + 30 + 1);
}

async fn replays_are_listed_newest_first_and_unfinished_ones_oldest_first(pipeline: &EmptyPipeline) {
    let all = ids(&archived(pipeline, 4).await);
    let mut started = Vec::new();
    for id in &all {
        started.push(pipeline.replayer().start(std::slice::from_ref(id), "ada").await.unwrap().id);
        pipeline.clock.sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(pipeline.replays.unfinished().await.unwrap(), started);
    pipeline.carrier().advance(&started[1], 10).await.unwrap();
    assert_eq!(
        pipeline.replays.unfinished().await.unwrap(),
        [&started[0], &started[2], &started[3]].map(Clone::clone),
        "a replay without waiting messages is finished for its carrier"
    );
    let listed: Vec<_> =
        pipeline.replays.list(3).await.unwrap().into_iter().map(|replay| replay.id).collect();
    assert_eq!(listed, [&started[3], &started[2], &started[1]].map(Clone::clone));
}
