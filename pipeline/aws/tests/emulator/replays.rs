//! Replays, from the archive back to it or into the store.

use crate::letters::{back, ids, letter, put, total};
use crate::place::{deployment, reports};
use spillway_aws::operator::Deployment;
use spillway_core::dead_letter::DeadLetter;
use spillway_core::failure::FailureClass::Schema;
use spillway_core::ids::{MessageId, ReplayId};
use spillway_core::ports::ReplayReports as _;
use spillway_core::replay::{ReplayItemState, ReplayState};
use std::collections::HashSet;

async fn archived(place: &Deployment, count: i64) -> Vec<DeadLetter> {
    let letters: Vec<_> = (0..count).map(|s| letter(s, "order.placed", Schema, "bad")).collect();
    put(&*place.index, &letters).await;
    letters
}

async fn counts(place: &Deployment, replay: &ReplayId) -> (u64, u64, u64, u64) {
    let replay = place.ports.replays.get(replay).await.unwrap().unwrap();
    (replay.waiting, replay.sent, replay.stored, replay.returned)
}

#[tokio::test]
async fn a_replay_ends_when_each_message_is_stored_or_back() {
    let place = deployment().await;
    let letters = archived(&place, 25).await;
    let all = ids(&letters);
    let replayer = place.ports.replayer();
    let mut asked = all.clone();
    asked.push(MessageId::new("never"));
    let started = replayer.start(&asked, "ada").await.unwrap();
    assert_eq!((started.taken, started.refused), (25, 1));
    let replay = &started.id;
    assert_eq!(place.ports.replays.unfinished().await.unwrap(), std::slice::from_ref(replay));
    assert_eq!(
        (total(&*place.ports.archive, "archived").await, total(&*place.ports.archive, "replaying").await),
        (0, 25)
    );

    assert_eq!(place.ports.carrier().advance(replay, 10).await.unwrap().sent, 10);
    assert_eq!(counts(&place, replay).await, (15, 10, 0, 0));
    assert_eq!(place.ports.carrier().advance(replay, 100).await.unwrap().sent, 15);
    assert_eq!(place.ports.carrier().advance(replay, 100).await.unwrap().sent, 0);
    assert!(place.ports.replays.unfinished().await.unwrap().is_empty(), "nothing is left to put back");
    assert_eq!(place.ports.replays.get(replay).await.unwrap().unwrap().state, ReplayState::Running);

    for id in &all[..20] {
        reports(&place).mark_stored(replay, id).await.unwrap();
        reports(&place).mark_stored(replay, id).await.unwrap();
    }
    assert_eq!(counts(&place, replay).await, (0, 5, 20, 0));
    let comebacks: Vec<_> = letters[20..].iter().map(|letter| back(letter, 1, 500)).collect();
    put(&*place.index, &comebacks).await;
    put(&*place.index, &comebacks).await;
    let ended = place.ports.replays.get(replay).await.unwrap().unwrap();
    assert_eq!((ended.stored, ended.returned, ended.state), (20, 5, ReplayState::Ended));
    assert!(ended.ended_at.is_some() && ended.by == "ada");
    assert_eq!(place.ports.replays.list(10).await.unwrap(), [ended]);

    let back = place.ports.archive.get(&all[24]).await.unwrap().unwrap();
    assert_eq!((back.state.name(), back.generation, back.receive_count), ("archived", 1, 3));
    assert_eq!(back.failures.len(), 2, "what failed before is still known");
    assert_eq!(back.replays[0].stored, Some(false));
    assert_eq!((&back.body, &back.attributes), (&letters[24].body, &letters[24].attributes));
    let stored = place.ports.archive.get(&all[0]).await.unwrap().unwrap();
    assert_eq!((stored.state.name(), stored.replays[0].stored), ("stored", Some(true)));

    // Once more, with those that came back.
    let again = replayer.start(&all, "bob").await.unwrap();
    assert_eq!((again.taken, again.refused), (5, 20));
    let waiting = place.ports.replays.waiting(&again.id, 100).await.unwrap();
    assert!(waiting.iter().all(|letter| letter.generation == 1 && letter.replays.len() == 2));
}

#[tokio::test]
async fn two_replays_never_take_the_same_letter() {
    let place = deployment().await;
    let all = ids(&archived(&place, 120).await);
    let (one, two) = (ReplayId::new("0-one"), ReplayId::new("0-two"));
    let (first, second) = tokio::join!(
        place.ports.replays.create(&one, &all, "ada"),
        place.ports.replays.create(&two, &all, "bob")
    );
    assert_eq!(first.unwrap() + second.unwrap(), 120);
    let mut taken = HashSet::new();
    for replay in [&one, &two] {
        for letter in place.ports.replays.waiting(replay, 1000).await.unwrap() {
            assert!(taken.insert(letter.id), "one letter in two replays");
        }
    }
    assert_eq!(taken.len(), 120);
    assert_eq!(total(&*place.ports.archive, "replaying").await, 120);
}

#[tokio::test]
async fn a_consumer_that_is_faster_than_the_note_is_right() {
    let place = deployment().await;
    let all = ids(&archived(&place, 3).await);
    let replay = ReplayId::new("0-fast");
    place.ports.replays.create(&replay, &all, "ada").await.unwrap();
    reports(&place).mark_stored(&replay, &all[0]).await.unwrap();
    // It was sent, and whoever sent it died before he could note it: it is not sent again.
    let waiting = ids(&place.ports.replays.waiting(&replay, 10).await.unwrap());
    assert!(waiting.len() == 2 && !waiting.contains(&all[0]));
    // Or he notes it late.
    reports(&place).mark_stored(&replay, &all[1]).await.unwrap();
    place.ports.replays.mark_sent(&replay, &all).await.unwrap();
    place.ports.replays.mark_sent(&replay, &all).await.unwrap();
    assert_eq!(counts(&place, &replay).await, (0, 1, 2, 0));
    assert!(place.ports.replays.waiting(&replay, 10).await.unwrap().is_empty());
    // A message of a replay that is over changes nothing any more.
    reports(&place).mark_stored(&ReplayId::new("0-other"), &all[2]).await.unwrap();
    assert_eq!(counts(&place, &replay).await, (0, 1, 2, 0));
}

#[tokio::test]
async fn what_the_queue_never_takes_is_archived_again_and_does_not_stand_before_the_others() {
    let place = deployment().await;
    let mut letters: Vec<_> = (0..4).map(|s| letter(s, "order.placed", Schema, "bad")).collect();
    letters[0].attributes = (0..9).map(|n| (format!("foreign-{n}"), "x".to_owned())).collect();
    put(&*place.index, &letters).await;
    let all = ids(&letters);
    let replayer = place.ports.replayer();
    let replay = replayer.start(&all, "ada").await.unwrap().id;
    for _ in 0..4 {
        place.ports.carrier().advance(&replay, 1).await.unwrap();
    }
    assert_eq!(counts(&place, &replay).await, (0, 3, 0, 1));
    assert_eq!(total(&*place.ports.archive, "archived").await, 1);
    let told = place.ports.ops.entries(Some(all[0].as_str()), 10).await.unwrap();
    assert!(told[0].detail.contains("more than 10 message attributes"), "{told:?}");
}

#[tokio::test]
async fn a_replay_of_nothing_is_none() {
    let place = deployment().await;
    let all = ids(&archived(&place, 2).await);
    place.ports.archive.discard(&all, "ada", "test data").await.unwrap();
    assert!(place.ports.replayer().start(&all, "ada").await.is_err());
    assert!(place.ports.replays.list(10).await.unwrap().is_empty());
    assert_eq!(place.ports.replays.get(&ReplayId::new("never")).await.unwrap(), None);
}

#[tokio::test]
async fn trouble_is_noted_and_goes() {
    let place = deployment().await;
    let all = ids(&archived(&place, 1).await);
    let replay = ReplayId::new("0-slow");
    place.ports.replays.create(&replay, &all, "ada").await.unwrap();
    let trouble = async || place.ports.replays.get(&replay).await.unwrap().unwrap().trouble;
    place.ports.replays.set_trouble(&replay, None).await.unwrap();
    assert_eq!(trouble().await, None);
    place.ports.replays.set_trouble(&replay, Some("the queue is over its rate")).await.unwrap();
    assert_eq!(trouble().await.as_deref(), Some("the queue is over its rate"));
    place.ports.replays.set_trouble(&replay, None).await.unwrap();
    assert_eq!(trouble().await, None);
    place.ports.replays.set_trouble(&ReplayId::new("never"), Some("x")).await.unwrap();
    assert_eq!(place.ports.replays.get(&ReplayId::new("never")).await.unwrap(), None);
}

#[tokio::test]
async fn a_large_replay_is_taken_and_paged_whole() {
    let place = deployment().await;
    let letters: Vec<_> = (0..700).map(|s| letter(s, "order.placed", Schema, "bad")).collect();
    for some in letters.chunks(200) {
        put(&*place.index, some).await;
    }
    let replay = ReplayId::new("0-large");
    assert_eq!(place.ports.replays.create(&replay, &ids(&letters), "ada").await.unwrap(), 700);
    assert_eq!(counts(&place, &replay).await, (700, 0, 0, 0));
    let some = ids(&place.ports.replays.waiting(&replay, 150).await.unwrap());
    assert_eq!(some.len(), 150);
    place.ports.replays.mark_sent(&replay, &some).await.unwrap();
    let mut seen = HashSet::new();
    let mut sent = 0;
    let mut after = None;
    for _ in 0..100 {
        let page = place.ports.replays.items(&replay, after.as_deref(), 99).await.unwrap();
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
