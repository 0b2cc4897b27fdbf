//! Receiving, and the queue's own redrive of what was received too often.

use super::{Queues, number, receipt_handle};
use crate::db::{from_millis, int, millis, optional_text, text};
use async_trait::async_trait;
use rusqlite::{Connection, params};
use spillway_core::Timestamp;
use spillway_core::ids::{MessageId, ReceiptHandle};
use spillway_core::message::{FAILURES, MessageAttributes, ReceivedMessage};
use spillway_core::ports::{QueueError, QueueKind, QueueReceiver};
use std::sync::Arc;
use std::time::Duration;

#[async_trait]
impl QueueReceiver for Queues {
    /// A message in the primary queue that was received `max_receive_count` times already goes to the DLQ instead, as
    /// SQS's redrive policy does it.
    async fn receive(&self, queue: QueueKind, most: usize) -> Result<Vec<ReceivedMessage>, QueueError> {
        let clock = Arc::clone(&self.clock);
        let limit = (queue == QueueKind::Primary).then_some(i64::from(self.settings.max_receive_count));
        let timeout = Duration::from_secs(u64::from(self.settings.visibility_timeout_s));
        let timeout = i64::try_from(timeout.as_millis()).unwrap_or(0);
        let (received, redriven) = self
            .db
            .write(move |tx| {
                let now = millis(clock.now());
                receive(tx, queue, most, now, now + timeout, limit)
            })
            .await?;
        self.count(&self.counts(queue).received, received.len());
        if redriven > 0 {
            // SQS does not count its own redrive as "sent": NumberOfMessagesSent of the DLQ stays as it is.
            self.wake(QueueKind::Dlq);
        }
        Ok(received)
    }

    async fn delete(&self, queue: QueueKind, handles: &[ReceiptHandle]) -> Result<usize, QueueError> {
        self.delete_received(queue, handles).await
    }

    async fn next_visible(&self, queue: QueueKind) -> Result<Option<Timestamp>, QueueError> {
        let next = self
            .db
            .read(move |connection| {
                connection
                    .prepare_cached("SELECT min(visible_at) FROM messages WHERE queue = ?1")?
                    .query_row([number(queue)], |row| row.get::<_, Option<i64>>(0))
            })
            .await?;
        Ok(next.map(from_millis))
    }

    /// The retention counts from when a message was sent, as in SQS. SQS's own redrive does not renew that,
    /// while a replay is a new message. A message that expires is lost, and the ledger shows it as
    /// unaccounted.
    async fn expire(&self) -> Result<usize, QueueError> {
        let (clock, retention) = (Arc::clone(&self.clock), i64::from(self.settings.retention_s) * 1000);
        let before = move || millis(clock.now()) - retention;
        let asked = before();
        let any = move |connection: &Connection| {
            connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM messages WHERE sent_at < ?1)")?
                .query_row([asked], |row| row.get::<_, bool>(0))
        };
        if !self.db.read(any).await? {
            return Ok(0);
        }
        let delete = move |tx: &Connection| tx.execute("DELETE FROM messages WHERE sent_at < ?1", [before()]);
        Ok(self.db.write(delete).await?)
    }

    async fn arrival(&self, queue: QueueKind) {
        self.arrivals[number(queue) as usize].notified().await;
    }
}

fn receive(
    tx: &Connection,
    queue: QueueKind,
    most: usize,
    now: i64,
    hidden_until: i64,
    limit: Option<i64>,
) -> rusqlite::Result<(Vec<ReceivedMessage>, usize)> {
    let mut query = tx.prepare_cached(
        "SELECT seq, message_id, body, attributes, trace_header, sent_at, receive_count, receipt, failures
         FROM messages WHERE queue = ?1 AND visible_at <= ?2 ORDER BY visible_at LIMIT ?3",
    )?;
    let mut hide = tx.prepare_cached(
        "UPDATE messages SET visible_at = ?2, receive_count = receive_count + 1, receipt = receipt + 1
         WHERE seq = ?1",
    )?;
    let mut redrive = tx.prepare_cached(
        "UPDATE messages SET queue = 1, visible_at = ?2, receive_count = 0, receipt = receipt + 1 WHERE seq = ?1",
    )?;
    let mut rows = query.query(params![number(queue), now, most as i64])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        let receive_count = int(row, 6)?.saturating_add(1);
        let receipt = int(row, 7)?.saturating_add(1);
        let (attributes, failures) = (optional_text(row, 3)?, optional_text(row, 8)?);
        let attributes: MessageAttributes =
            attributes.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let redriven = queue == QueueKind::Dlq && !attributes.contains_key(FAILURES);
        let message = ReceivedMessage {
            message_id: MessageId::new(text(row, 1)?),
            receipt_handle: receipt_handle(seq, receipt),
            body: text(row, 2)?,
            attributes,
            trace_header: optional_text(row, 4)?,
            sent_at: from_millis(int(row, 5)?),
            receive_count: u32::try_from(receive_count).unwrap_or(u32::MAX),
            failures: failures.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
            redriven,
        };
        found.push((seq, receive_count, message));
    }
    let mut received = Vec::with_capacity(found.len());
    let mut redriven = 0;
    for (seq, receive_count, message) in found {
        if limit.is_some_and(|limit| receive_count > limit) {
            redrive.execute(params![seq, now])?;
            redriven += 1;
        } else {
            hide.execute(params![seq, hidden_until])?;
            received.push(message);
        }
    }
    Ok((received, redriven))
}
