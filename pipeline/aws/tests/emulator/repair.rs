//! An index that could not be written, and one that was lost.

use crate::place::{clients, deployment, index_table, reports};
use spillway_aws::operator::{Deployment, archive_names};
use spillway_aws::{ArchiveNames, S3Archive, SystemClock};
use spillway_core::dead_letter::DeadLetterStatus;
use spillway_core::failure::FailureClass::Schema;
use spillway_core::ports::{
    DeadLetters as _, IndexRebuild, IndexRepair, IndexedArchive as _, ReplayReports as _,
};
use spillway_testkit::letters::{back, ids, letter, put, total};
use std::sync::Arc;

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

    let still_lost = archive_with(lost).await.repair(100).await.unwrap();
    assert_eq!((still_lost, notes(&place).await), (IndexRepair { indexed: 0, failed: 5 }, 5));

    let archive = archive_with(names).await;
    assert_eq!(archive.repair(2).await.unwrap().indexed, 2);
    assert_eq!(archive.repair(100).await.unwrap(), IndexRepair { indexed: 3, failed: 0 });
    assert_eq!((notes(&place).await, total(&*place.ports.archive, DeadLetterStatus::Archived).await), (0, 5));
    assert_eq!(archive.get(&letters[4].id).await.unwrap().unwrap(), letters[4]);
    assert_eq!(archive.repair(100).await.unwrap(), IndexRepair::default());
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
    assert_eq!(archive_with(names).await.repair(10).await.unwrap().indexed, 1);
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
    assert_eq!(archive.rebuild().await.unwrap(), IndexRebuild { added: 40, there: 0 });
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
    assert_eq!(archive.rebuild().await.unwrap(), IndexRebuild { added: 0, there: 40 });
    assert_ne!(started.id, again.id);
}
