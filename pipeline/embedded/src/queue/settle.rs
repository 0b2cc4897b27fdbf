//! Deleting, deferring and dead-lettering what was received.

use super::{Queues, number, parse_receipt, random_receipt};
use crate::db::{millis, optional_text, text};
use crate::ledger;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use spillway_core::ids::ReceiptHandle;
use spillway_core::ports::{DeadLetterOrder, Deferral, QueueError, QueueKind, Redelivery};
use std::sync::Arc;

impl Queues {
    /// Deletes messages. A handle from an earlier receive deletes nothing.
    ///
    /// # Errors
    /// The database failed; nothing was deleted.
    pub(super) async fn delete_received(
        &self,
        queue: QueueKind,
        handles: &[ReceiptHandle],
    ) -> Result<usize, QueueError> {
        let receipts: Vec<_> = handles.iter().map(parse_receipt).collect();
        let deleted = self
            .db
            .write(move |tx| {
                let mut deleted = 0;
                for (seq, receipt) in &receipts {
                    deleted += usize::from(delete(tx, queue, *seq, *receipt)?);
                }
                Ok(deleted)
            })
            .await?;
        self.count(&self.counts(queue).deleted, deleted);
        Ok(deleted)
    }
}

/// Deletes one message and closes its handover in the ledger.
fn delete(tx: &Connection, queue: QueueKind, seq: i64, receipt: i64) -> rusqlite::Result<bool> {
    let gone = tx
        .prepare_cached(
            "DELETE FROM messages WHERE seq = ?1 AND receipt = ?2 AND queue = ?3 RETURNING origin, replay_id",
        )?
        .query_row(params![seq, receipt, number(queue)], |row| Ok((text(row, 0)?, optional_text(row, 1)?)))
        .optional()?;
    let Some((origin, replay_id)) = gone else { return Ok(false) };
    // The promise of a replayed message is settled by its dead letter, not by this message.
    if replay_id.is_none() {
        match queue {
            QueueKind::Primary => ledger::close_to_store(tx, &origin)?,
            QueueKind::Dlq => ledger::close_to_archive(tx, &origin)?,
        }
    }
    Ok(true)
}

#[async_trait]
impl Redelivery for Queues {
    async fn defer(&self, deferrals: &[Deferral]) -> Vec<Result<(), QueueError>> {
        let clock = Arc::clone(&self.clock);
        let orders: Vec<_> = deferrals
            .iter()
            .map(|deferral| {
                let delay = i64::try_from(deferral.delay.as_millis()).unwrap_or(i64::MAX);
                let failures = serde_json::to_string(&deferral.failures).unwrap_or_default();
                (parse_receipt(&deferral.receipt_handle), delay, failures)
            })
            .collect();
        let done = self
            .db
            .write(move |tx| {
                let now = millis(clock.now());
                let defer = |((seq, receipt), delay, failures): &((i64, i64), i64, String)| {
                    defer(tx, *seq, *receipt, now.saturating_add(*delay), failures)
                };
                orders.iter().map(defer).collect::<rusqlite::Result<Vec<_>>>()
            })
            .await;
        self.wake(QueueKind::Primary);
        let answer = |changed: usize| match changed {
            0 => Err(QueueError::Rejected { reason: "the receipt handle names no message".to_owned() }),
            _ => Ok(()),
        };
        match done {
            Ok(changed) => changed.into_iter().map(answer).collect(),
            Err(error) => deferrals.iter().map(|_| Err(QueueError::from(&error))).collect(),
        }
    }

    /// The move is one transaction here, so the message is in one queue at any moment.
    async fn dead_letter(&self, orders: &[DeadLetterOrder]) -> Vec<Result<(), QueueError>> {
        let (clock, now) = (Arc::clone(&self.clock), self.clock.now());
        let moves: Vec<_> = orders
            .iter()
            .map(|order| {
                (
                    parse_receipt(&order.message.receipt_handle),
                    spillway_core::ids::EventId::at(now).into_string(),
                    serde_json::to_string(&order.attributes()).unwrap_or_default(),
                )
            })
            .collect();
        let done = self
            .db
            .write(move |tx| {
                let (mut count, now) = (0, millis(clock.now()));
                for ((seq, receipt), message_id, attributes) in moves {
                    count += tx
                        .prepare_cached(
                            "UPDATE messages SET queue = 1, message_id = ?3, attributes = ?4, sent_at = ?5,
                                    visible_at = ?5, receive_count = 0, receipt = ?6, failures = NULL
                             WHERE seq = ?1 AND receipt = ?2 AND queue = 0",
                        )?
                        .execute(params![seq, receipt, message_id, attributes, now, random_receipt()])?;
                }
                Ok(count)
            })
            .await
            .map_err(QueueError::from);
        if let Ok(count) = &done {
            // The consumer sends these itself, so SQS counts them. SQS does not count its own redrives.
            self.count(&self.counts(QueueKind::Dlq).sent, *count);
            self.count(&self.counts(QueueKind::Primary).deleted, *count);
            self.wake(QueueKind::Dlq);
        }
        orders.iter().map(|_| done.clone().map(|_| ())).collect()
    }
}

fn defer(
    tx: &Connection,
    seq: i64,
    receipt: i64,
    visible_at: i64,
    failures: &str,
) -> rusqlite::Result<usize> {
    tx.prepare_cached("UPDATE messages SET visible_at = ?3, failures = ?4 WHERE seq = ?1 AND receipt = ?2")?
        .execute(params![seq, receipt, visible_at, failures])
}
