//! A dead letter that makes the code panic takes nothing down with it.
//!
//! Lambda would count a panic as the failure of the whole batch, and those beside it would be received again with it until
//! the dead letter queue gives them up.

use futures::FutureExt as _;
use spillway_core::message::ReceivedMessage;
use spillway_core::ports::ArchiveError;
use spillway_core::usecases::archive::{ArchiveReport, ArchivedRecord, Archiver};
use std::panic::AssertUnwindSafe;

/// Archives a batch; after a panic, each message alone. What was archived before is there already, and stays as it is.
pub async fn archive_batch(archiver: &Archiver, batch: Vec<ReceivedMessage>) -> ArchiveReport {
    let started_at = archiver.clock.now();
    if let Some(report) = attempt(archiver, batch.clone()).await {
        return report;
    }
    let mut records = Vec::with_capacity(batch.len());
    for message in batch {
        if let Some(report) = attempt(archiver, vec![message.clone()]).await {
            records.extend(report.records);
        } else {
            let reason = "the archiver panicked on this dead letter; its log has the place".to_owned();
            let result = Err(ArchiveError::Unavailable { reason });
            records.push(ArchivedRecord { message, key: None, event_type: None, result });
        }
    }
    ArchiveReport { records, started_at, ended_at: archiver.clock.now() }
}

async fn attempt(archiver: &Archiver, batch: Vec<ReceivedMessage>) -> Option<ArchiveReport> {
    // The ports may have done half of it. They are made for that: a sandbox can be cut off at any place as well.
    AssertUnwindSafe(archiver.archive_batch(batch)).catch_unwind().await.ok()
}
