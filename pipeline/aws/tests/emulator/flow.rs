//! The ledger, which AWS has to compute from several places.

use crate::place::{deployment, reports};
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
use spillway_aws::operator::Deployment;
use spillway_core::dead_letter::DeadLetter;
use spillway_core::failure::FailureClass;
use spillway_core::ids::MessageId;
use spillway_core::ledger::Uncertainty;
use spillway_core::message::{MessageAttributes, OutgoingMessage};
use spillway_core::ports::{DeadLetterSink as _, ReplayReports as _};
use spillway_core::replay::ReplayItemState;
use spillway_metrics::{Function, Handle, consumer, ingest};
use spillway_testkit::letters::{dead_letter, failure};
use std::time::Duration;

/// As a function's log line in embedded metric format would arrive, some hours ago.
async fn count(deployment: &Deployment, function: &str, metric: Handle<Function>, value: f64) {
    let dimension = Dimension::builder().name("FunctionName").value(function).build();
    let at = deployment.ports.clock.now() - Duration::from_secs(3 * 3600);
    let datum = MetricDatum::builder()
        .metric_name(metric.name())
        .dimensions(dimension)
        .value(value)
        .timestamp(aws_smithy_types::DateTime::from_secs(at.as_second()))
        .build();
    let namespace = metric.definition().namespace;
    let put = deployment.clients.cloudwatch().put_metric_data().namespace(namespace).metric_data(datum);
    put.send().await.unwrap();
}

async fn counters(deployment: &Deployment, accepted: u32, stored: u32, already: u32) {
    let (of_ingest, of_consumer) = (
        deployment.topology.functions.ingest.name.clone(),
        deployment.topology.functions.consumer.name.clone(),
    );
    count(deployment, &of_ingest, ingest::EVENTS_ACCEPTED, accepted.into()).await;
    count(deployment, &of_consumer, consumer::RECORDS_STORED, stored.into()).await;
    count(deployment, &of_consumer, consumer::RECORDS_ALREADY_STORED, already.into()).await;
}

fn letter(deployment: &Deployment, number: usize) -> DeadLetter {
    let failure = failure(FailureClass::Schema, "/amount: expected number", deployment.ports.clock.now());
    dead_letter(MessageId::random(), &format!("dead-{number}"), failure)
}

async fn archive(deployment: &Deployment, numbers: std::ops::Range<usize>) -> Vec<MessageId> {
    let letters: Vec<_> = numbers.map(|number| letter(deployment, number)).collect();
    for answer in deployment.index.put(&letters).await {
        answer.unwrap();
    }
    letters.into_iter().map(|letter| letter.id).collect()
}

async fn queue(deployment: &Deployment, count: usize) {
    let message =
        OutgoingMessage { body: "{}".to_owned(), attributes: MessageAttributes::new(), trace_header: None };
    for answer in deployment.ports.queue.send(&vec![message; count]).await {
        answer.unwrap();
    }
}

#[tokio::test]
async fn every_promise_is_in_one_place_and_a_loss_shows() {
    let at = deployment().await;
    assert_eq!(at.ports.ledger.ledger().await.unwrap(), Default::default(), "nothing has happened yet");

    counters(&at, 100, 88, 2).await;
    let ids = archive(&at, 0..7).await;
    let replayer = at.ports.replayer();
    replayer.discard(&ids[..2], "anna", "test data").await.unwrap();
    queue(&at, 3).await;
    let ledger = at.ports.ledger.ledger().await.unwrap();
    assert_eq!((ledger.accepted, ledger.stored, ledger.duplicates), (100, 90, 2));
    assert_eq!((ledger.queued, ledger.archived, ledger.discarded), (3, 5, 2));
    assert_eq!((ledger.difference(), ledger.unaccounted()), (0, 0));
    // The queue's depth of the last minutes is unknown here, so all of it may have come just now.
    assert_eq!(ledger.uncertainty, Uncertainty { moving: 3, repeated: 2, in_doubt: 0 });

    // Two more promises than can be explained.
    counters(&at, 5, 0, 0).await;
    assert_eq!(at.ports.ledger.ledger().await.unwrap().unaccounted(), 2);
}

#[tokio::test]
async fn what_a_replay_has_put_back_counts_as_replaying_and_once() {
    let at = deployment().await;
    counters(&at, 12, 0, 0).await;
    let ids = archive(&at, 0..12).await;
    let replayer = at.ports.replayer();
    let started = replayer.start(&ids[..8], "anna").await.unwrap();
    assert_eq!(at.ports.carrier().advance(&started.id, 5).await.unwrap().sent, 5);
    let ledger = at.ports.ledger.ledger().await.unwrap();
    assert_eq!((ledger.archived, ledger.replaying, ledger.queued, ledger.in_flight), (4, 8, 0, 0));
    assert_eq!(ledger.difference(), 0);

    // The consumer says that one is stored, and raises its counter.
    let items = at.ports.replays.items(&started.id, None, 10).await.unwrap().items;
    let sent = items.iter().find(|item| item.state == ReplayItemState::Sent).expect("five were sent");
    reports(&at).mark_stored(&started.id, &sent.dead_letter).await.unwrap();
    let consumer = at.topology.functions.consumer.name.clone();
    count(&at, &consumer, consumer::RECORDS_STORED, 1.0).await;
    let ledger = at.ports.ledger.ledger().await.unwrap();
    assert_eq!((ledger.stored, ledger.replaying), (1, 7));
    // Its message is still in the queue: this test has not deleted it.
    assert_eq!((ledger.queued, ledger.unaccounted()), (1, 0));
}

#[tokio::test]
async fn a_dead_letter_that_the_index_lacks_counts_as_archived() {
    let at = deployment().await;
    counters(&at, 1, 0, 0).await;
    let archive = &at.topology.archive;
    let key = format!("{}some-letter", archive.unindexed_prefix);
    at.clients.s3().put_object().bucket(&archive.bucket).key(key).send().await.unwrap();
    let ledger = at.ports.ledger.ledger().await.unwrap();
    assert_eq!((ledger.archived, ledger.unaccounted(), ledger.uncertainty.moving), (1, 0, 1));
}
