//! A record that makes the code panic takes nothing down with it.
//!
//! Lambda would count a panic as the failure of the whole batch, and its good records would be received again with the
//! bad one until they are all dead letters.

use futures::FutureExt as _;
use spillway_core::failure::{Failure, FailureClass};
use spillway_core::message::ReceivedMessage;
use spillway_core::usecases::store::{BatchReport, Consumer, Outcome, RecordReport};
use std::panic::AssertUnwindSafe;

/// Works through a batch; after a panic, through each record alone. What was stored before is stored already.
pub async fn store_batch(consumer: &Consumer, batch: Vec<ReceivedMessage>) -> BatchReport {
    if let Some(report) = attempt(consumer, batch.clone()).await {
        return report;
    }
    let mut records = Vec::with_capacity(batch.len());
    let mut store_call = None;
    for message in batch {
        if let Some(report) = attempt(consumer, vec![message.clone()]).await {
            store_call = match (store_call, report.store_call) {
                (Some((from, _)), Some((_, to))) => Some((from, to)),
                (before, now) => before.or(now),
            };
            records.extend(report.records);
        } else {
            let text = "the consumer panicked on this record; its log has the place";
            let failure =
                Failure::new(FailureClass::ConsumerCrash, text, &consumer.version, consumer.clock.now());
            records.push(RecordReport { message, event: None, outcome: Outcome::Retry(failure) });
        }
    }
    BatchReport { records, store_call, ended_at: consumer.clock.now() }
}

async fn attempt(consumer: &Consumer, batch: Vec<ReceivedMessage>) -> Option<BatchReport> {
    // The ports may have done half of it. They are made for that: a sandbox can be cut off at any place as well.
    AssertUnwindSafe(consumer.store_batch(batch)).catch_unwind().await.ok()
}
