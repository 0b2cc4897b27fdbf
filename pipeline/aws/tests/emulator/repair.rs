//! An index that could not be written, and one that was lost.

use crate::place::{clients, deployment, index_table, reports};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use spillway_aws::operator::{Deployment, archive_names};
use spillway_aws::{ArchiveNames, S3Archive, SystemClock};
use spillway_core::dead_letter::{DeadLetter, DeadLetterFilter, DeadLetterStatus};
use spillway_core::failure::FailureClass::Schema;
use spillway_core::ids::ReplayId;
use spillway_core::ports::{
    DeadLetters as _, IndexRebuild, IndexRepair, IndexedArchive as _, ReplayReports as _,
};
use spillway_core::replay::ReplayState;
use spillway_testkit::letters::{back, ids, letter, put, total};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Time enough on any machine.
const TIME: Duration = Duration::from_secs(60);

async fn archive_with(names: ArchiveNames) -> S3Archive {
    let clients = clients().await;
    S3Archive::new(clients.s3(), clients.dynamodb(), names, Arc::new(SystemClock))
}

async fn notes(place: &Deployment) -> usize {
    let archive = &place.topology.archive;
    let call = place.clients.s3().list_objects_v2().bucket(&archive.bucket).prefix(&archive.unindexed_prefix);
    call.send().await.unwrap().contents().len()
}

#[tokio::test]
async fn a_letter_whose_index_write_failed_is_archived_recorded_and_repaired() {
    let place = deployment().await;
    let names = archive_names(&place.topology);
    let mut lost = names.clone();
    lost.index.table = "no-such-table".to_owned();
    let letters: Vec<_> = (0..5).map(|s| letter(s, "order.placed", Schema, "bad")).collect();
    put(&archive_with(lost.clone()).await, &letters).await;
    assert_eq!(notes(&place).await, 5);
    assert_eq!(total(&*place.ports.archive, DeadLetterStatus::Archived).await, 0);

    let still_lost = archive_with(lost).await.repair(100, TIME).await.unwrap();
    assert_eq!((still_lost, notes(&place).await), (IndexRepair { indexed: 0, failed: 5 }, 5));

    let archive = archive_with(names).await;
    assert_eq!(archive.repair(2, TIME).await.unwrap().indexed, 2);
    assert_eq!(archive.repair(100, TIME).await.unwrap(), IndexRepair { indexed: 3, failed: 0 });
    assert_eq!((notes(&place).await, total(&*place.ports.archive, DeadLetterStatus::Archived).await), (0, 5));
    assert_eq!(archive.get(&letters[4].id).await.unwrap().unwrap(), letters[4]);
    assert_eq!(archive.repair(100, TIME).await.unwrap(), IndexRepair::default());
}

#[tokio::test]
async fn a_return_whose_index_write_failed_ends_its_replay_when_it_is_repaired() {
    let place = deployment().await;
    let first = letter(1, "order.placed", Schema, "bad");
    put(&*place.index, std::slice::from_ref(&first)).await;
    let started = place.ports.replayer().start(std::slice::from_ref(&first.id), "ada").await.unwrap();
    assert_eq!(place.ports.carrier().advance(&started.id, 10).await.unwrap().sent, 1);

    let names = archive_names(&place.topology);
    let mut lost = names.clone();
    lost.index.table = "no-such-table".to_owned();
    put(&archive_with(lost).await, &[back(&first, 1, 100)]).await;
    assert_eq!(total(&*place.ports.archive, DeadLetterStatus::Replaying).await, 1);
    assert_eq!(archive_with(names).await.repair(10, TIME).await.unwrap().indexed, 1);
    let replay = place.ports.replays.get(&started.id).await.unwrap().unwrap();
    assert_eq!((replay.returned, replay.sent), (1, 0));
    let letter = place.ports.archive.get(&first.id).await.unwrap().unwrap();
    assert_eq!((letter.state.name(), letter.generation, letter.failures.len()), ("archived", 1, 2));
}

#[tokio::test]
async fn a_lost_index_is_rebuilt_from_the_bucket_and_the_log() {
    let mut place = deployment().await;
    let letters: Vec<_> = (0..40).map(|s| letter(s, "order.placed", Schema, "bad")).collect();
    put(&*place.index, &letters).await;
    let all = ids(&letters);
    let replayer = place.ports.replayer();
    replayer.discard(&all[..4], "ada", "test data").await.unwrap();
    replayer.restore(&all[3..4], "ada").await.unwrap();
    let started = replayer.start(&all[10..16], "bob").await.unwrap();
    assert_eq!(place.ports.carrier().advance(&started.id, 10).await.unwrap().sent, 6);
    for id in &all[10..12] {
        reports(&place).mark_stored(&started.id, id).await.unwrap();
    }
    put(&*place.index, &[back(&letters[12], 1, 100), back(&letters[13], 1, 101)]).await;
    let again = replayer.start(&all[13..14], "bob").await.unwrap();
    let mut before = Vec::new();
    for id in &all {
        before.push(place.ports.archive.get(id).await.unwrap().unwrap());
    }

    // A new table in the place of the lost one.
    let name = format!("{}-rebuilt", place.topology.dead_letter_index.name);
    index_table(&place.clients, &name).await;
    place.topology.dead_letter_index.name = name;
    let archive = archive_with(archive_names(&place.topology)).await;
    assert_eq!(archive.rebuild().await.unwrap(), IndexRebuild { added: 40, ..IndexRebuild::default() });
    for letter in &before {
        let rebuilt = archive.get(&letter.id).await.unwrap().unwrap();
        assert_eq!(rebuilt.state.name(), letter.state.name(), "{}", letter.id);
        assert_eq!((rebuilt.generation, &rebuilt.failures), (letter.generation, &letter.failures));
        assert_eq!(rebuilt.replays.len(), letter.replays.len());
        assert_eq!((&rebuilt.body, rebuilt.archived_at), (&letter.body, letter.archived_at));
    }
    for (state, count) in [
        (DeadLetterStatus::Archived, 32),
        (DeadLetterStatus::Discarded, 3),
        (DeadLetterStatus::Replaying, 3),
        (DeadLetterStatus::Stored, 2),
    ] {
        let had = before.iter().filter(|letter| letter.state.status() == state).count() as u64;
        assert_eq!((total(&archive, state).await, had), (count, count), "{state:?}");
    }
    assert_eq!(archive.rebuild().await.unwrap(), IndexRebuild { there: 40, ..IndexRebuild::default() });
    assert_ne!(started.id, again.id);
}

/// A dead letter whose replay is under way.
async fn replayed(place: &Deployment) -> (DeadLetter, ReplayId) {
    let first = letter(1, "order.placed", Schema, "bad");
    put(&*place.index, std::slice::from_ref(&first)).await;
    let replay = place.ports.replayer().start(std::slice::from_ref(&first.id), "ada").await.unwrap().id;
    assert_eq!(place.ports.carrier().advance(&replay, 10).await.unwrap().sent, 1);
    (first, replay)
}

/// Points the deployment to another index: a new table, with these items.
async fn other_index(place: &mut Deployment, items: Vec<HashMap<String, AttributeValue>>) -> S3Archive {
    let name = format!("{}-other", place.topology.dead_letter_index.name);
    index_table(&place.clients, &name).await;
    for item in items {
        let put = place.clients.dynamodb().put_item().table_name(&name).set_item(Some(item));
        put.send().await.unwrap();
    }
    place.topology.dead_letter_index.name = name;
    archive_with(archive_names(&place.topology)).await
}

async fn items(place: &Deployment) -> Vec<HashMap<String, AttributeValue>> {
    let table = &place.topology.dead_letter_index.name;
    place.clients.dynamodb().scan().table_name(table).send().await.unwrap().items.unwrap_or_default()
}

/// The letter is back in the archive, its replay has ended, and it can be replayed again.
async fn assert_back(place: &Deployment, archive: &S3Archive, first: &DeadLetter, replay: &ReplayId) {
    let letter = archive.get(&first.id).await.unwrap().unwrap();
    assert_eq!((letter.state.name(), letter.generation), ("archived", 1));
    assert_eq!(letter.replays.iter().map(|trace| trace.stored).collect::<Vec<_>>(), [Some(false)]);
    let ended = place.ports.replays.get(replay).await.unwrap().unwrap();
    assert_eq!((ended.returned, ended.sent, ended.state), (1, 0, ReplayState::Ended));
    assert_eq!(total(archive, DeadLetterStatus::Archived).await, 1);
    assert_eq!(total(archive, DeadLetterStatus::Replaying).await, 0);
    let again = archive.rebuild().await.unwrap();
    assert_eq!(again, IndexRebuild { there: 1, ..IndexRebuild::default() });
}

#[tokio::test]
async fn a_return_to_a_lost_index_ends_its_replay_whichever_of_rebuild_and_repair_is_first() {
    for rebuild_first in [true, false] {
        let mut place = deployment().await;
        let (first, replay) = replayed(&place).await;
        // The table is gone when the letter comes back.
        let mut lost = archive_names(&place.topology);
        lost.index.table = "no-such-table".to_owned();
        put(&archive_with(lost).await, &[back(&first, 1, 100)]).await;
        let archive = other_index(&mut place, Vec::new()).await;
        if rebuild_first {
            assert_eq!(archive.rebuild().await.unwrap().added, 1);
            assert_eq!(archive.repair(10, TIME).await.unwrap().indexed, 1);
        } else {
            assert_eq!(archive.repair(10, TIME).await.unwrap().indexed, 1);
            assert_eq!(archive.rebuild().await.unwrap().corrected, 1);
        }
        assert_back(&place, &archive, &first, &replay).await;
        assert_eq!(notes(&place).await, 0);
    }
}

#[tokio::test]
async fn an_index_from_an_older_backup_is_made_whole() {
    let mut place = deployment().await;
    let before_replay = {
        let first = letter(2, "order.placed", Schema, "bad");
        put(&*place.index, std::slice::from_ref(&first)).await;
        first
    };
    let oldest = items(&place).await;
    let discarded = before_replay.id.clone();
    place.ports.replayer().discard(std::slice::from_ref(&discarded), "ada", "test data").await.unwrap();
    let (first, replay) = replayed(&place).await;
    put(&*place.index, &[back(&first, 1, 100)]).await;

    let archive = other_index(&mut place, oldest).await;
    let rebuilt = archive.rebuild().await.unwrap();
    assert_eq!((rebuilt.added, rebuilt.corrected, rebuilt.there), (1, 1, 0));
    assert_eq!(archive.get(&discarded).await.unwrap().unwrap().state.name(), "discarded");
    assert_eq!(total(&archive, DeadLetterStatus::Discarded).await, 1);
    let letter = archive.get(&first.id).await.unwrap().unwrap();
    assert_eq!((letter.state.name(), letter.generation, letter.replays.len()), ("archived", 1, 1));
    assert_eq!(place.ports.replays.get(&replay).await.unwrap().unwrap().returned, 1);
}

#[tokio::test]
async fn an_index_from_before_a_return_is_made_whole() {
    let mut place = deployment().await;
    let (first, replay) = replayed(&place).await;
    let under_way = items(&place).await;
    put(&*place.index, &[back(&first, 1, 100)]).await;
    let archive = other_index(&mut place, under_way).await;
    let rebuilt = archive.rebuild().await.unwrap();
    assert_eq!((rebuilt.added, rebuilt.corrected, rebuilt.there), (0, 1, 0));
    assert_back(&place, &archive, &first, &replay).await;
}

#[tokio::test]
async fn a_letter_whose_object_was_deleted_is_listed_named_and_restored() {
    let place = deployment().await;
    let (bucket, s3) = (place.topology.archive.bucket.clone(), place.clients.s3());
    let versioned = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    s3.put_bucket_versioning().bucket(&bucket).versioning_configuration(versioned).send().await.unwrap();
    let letters: Vec<_> = (0..3).map(|s| letter(s, "order.placed", Schema, "bad")).collect();
    put(&*place.index, &letters).await;
    let all = ids(&letters);
    let key = format!("{}{}/000000.json", place.topology.archive.prefix, all[0]);
    s3.delete_object().bucket(&bucket).key(key).send().await.unwrap();

    let page = place.ports.archive.list(&DeadLetterFilter::default(), None, 10).await.unwrap();
    assert_eq!((page.total, page.items.len()), (3, 3));
    let lost = place.ports.archive.get(&all[0]).await.unwrap().unwrap();
    assert!(lost.is_lost && lost.body.is_empty() && lost.key == letters[0].key);
    assert_eq!(lost.last_failure().unwrap().message, "bad");
    assert_eq!(place.index.rebuild().await.unwrap().lost, all[..1]);
    let replay = place.ports.replayer().start(&all, "ada").await.unwrap().id;
    let step = place.ports.carrier().advance(&replay, 10).await.unwrap();
    assert_eq!((step.sent, step.returned), (2, 1));
    let audited = place.ports.ops.entries(Some(all[0].as_str()), 10).await.unwrap();
    assert!(audited[0].detail.ends_with("its content is gone from the archive"), "{audited:?}");

    assert_eq!(place.ports.replayer().recover(&*place.index, &all, "ada").await.unwrap(), all[..1]);
    let restored = place.ports.archive.get(&all[0]).await.unwrap().unwrap();
    assert_eq!((restored.is_lost, &restored.body), (false, &letters[0].body));
    assert!(place.index.rebuild().await.unwrap().lost.is_empty());
}

/// Turns the index into what an older version wrote: without the key for letters in any state, and with counters in other
/// places.
async fn as_an_older_version_wrote(place: &Deployment) {
    let (dynamo, table) = (place.clients.dynamodb(), &place.topology.dead_letter_index.name);
    let found = dynamo.scan().table_name(table).consistent_read(true).send().await.unwrap();
    for mut item in found.items.unwrap() {
        let key = HashMap::from(["pk", "sk"].map(|name| (name.to_owned(), item[name].clone())));
        let partition = item["pk"].as_s().unwrap().clone();
        if partition.starts_with("letter#") {
            item.remove("age_bucket").unwrap();
        } else {
            dynamo.delete_item().table_name(table).set_key(Some(key)).send().await.unwrap();
            if partition != "counts" {
                continue;
            }
            let (part, name) = item["sk"].as_s().unwrap().split_once('#').unwrap();
            let moved = [("pk", format!("count#{part}")), ("sk", name.to_owned())];
            item.extend(moved.map(|(name, value)| (name.to_owned(), AttributeValue::S(value))));
        }
        dynamo.put_item().table_name(table).set_item(Some(item)).send().await.unwrap();
    }
}

#[tokio::test]
async fn an_index_of_an_older_version_is_made_whole_by_one_command() {
    let place = deployment().await;
    let letters: Vec<_> = (0..12).map(|s| letter(s, "order.placed", Schema, "bad")).collect();
    put(&*place.index, &letters).await;
    let all = ids(&letters);
    let replayer = place.ports.replayer();
    replayer.discard(&all[..2], "ada", "test data").await.unwrap();
    as_an_older_version_wrote(&place).await;
    let archive = archive_with(archive_names(&place.topology)).await;
    let every = DeadLetterFilter::default();
    assert_eq!(
        total(&archive, DeadLetterStatus::Archived).await,
        0,
        "nothing is counted where it is read now"
    );
    // What is done before the command makes its own letters whole.
    replayer.restore(&all[1..2], "ada").await.unwrap();
    assert_eq!(archive.list(&every, None, 20).await.unwrap().items.len(), 1);

    let rebuilt = archive.rebuild().await.unwrap();
    assert_eq!((rebuilt.added, rebuilt.corrected, rebuilt.there), (0, 11, 1), "{rebuilt:?}");
    for (state, count) in [(DeadLetterStatus::Archived, 11), (DeadLetterStatus::Discarded, 1)] {
        assert_eq!(total(&archive, state).await, count, "{state:?}");
    }
    let listed = archive.list(&every, None, 20).await.unwrap();
    assert_eq!((listed.items.len(), listed.total), (12, 12));
    let messages: Vec<_> = listed.items.iter().map(|letter| letter.failures[0].message.as_str()).collect();
    assert_eq!(messages, ["bad"; 12]);
    let groups = archive.groups(&every, None, 10).await.unwrap();
    assert_eq!((groups.items.len(), groups.items[0].count), (1, 12));
    let again = archive.rebuild().await.unwrap();
    assert_eq!(again, IndexRebuild { there: 12, ..IndexRebuild::default() });
    assert_eq!(replayer.start(&all[1..], "bob").await.unwrap().taken, 11);
    assert_eq!(total(&archive, DeadLetterStatus::Archived).await, 0);
}
