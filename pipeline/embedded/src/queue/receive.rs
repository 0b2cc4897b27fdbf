//! Receiving, and the queue's own redrive of what was received too often.

use super::{Queues, number, random_receipt, receipt_handle};
use crate::archive;
use crate::db::{from_millis, int, millis, optional_text, text};
use async_trait::async_trait;
use rusqlite::{Connection, params};
use spillway_core::Timestamp;
use spillway_core::ids::{MessageId, ReceiptHandle, ReplayId};
use spillway_core::message::{FAILURES, MessageAttributes, ReceivedMessage};
use spillway_core::ports::{Clock, QueueError, QueueKind, QueueReceiver};
use spillway_core::usecases::replay::release_note;
use std::sync::Arc;
use std::time::Duration;

/// Messages that expire in one transaction. Others get their turn after each.
const EXPIRED_AT_ONCE: usize = 500;

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
                    .query_row([number(queue)], |row| Ok(row.get_ref(0)?.as_i64_or_null().unwrap_or(Some(0))))
            })
            .await?;
        Ok(next.map(from_millis))
    }

    /// The retention counts from when a message was sent, as in SQS. SQS's own redrive does not renew that,
    /// while a replay is a new message. A message that expires is lost, and the ledger shows it as
    /// unaccounted.
    async fn expire(&self) -> Result<usize, QueueError> {
        let retention = i64::from(self.settings.retention_s) * 1000;
        let before = move |clock: &dyn Clock| millis(clock.now()) - retention;
        let asked = before(&*self.clock);
        let any = move |connection: &Connection| {
            connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM messages WHERE sent_at < ?1)")?
                .query_row([asked], |row| row.get::<_, bool>(0))
        };
        if !self.db.read(any).await? {
            return Ok(0);
        }
        let (mut lost, mut released) = (0, 0);
        loop {
            let clock = Arc::clone(&self.clock);
            let expired = self.db.write(move |tx| expire(tx, before(&*clock), clock.now())).await?;
            lost += expired.lost;
            released += expired.released;
            if expired.lost + expired.released < EXPIRED_AT_ONCE {
                break;
            }
        }
        if released > 0 {
            tracing::warn!(
                released,
                "messages of replays outlived their retention; their dead letters are archived again"
            );
        }
        Ok(lost)
    }

    async fn arrival(&self, queue: QueueKind) {
        self.arrivals[number(queue) as usize].notified().await;
    }
}

/// What expired.
struct Expired {
    lost: usize,
    released: usize,
}

/// Deletes some of the expired messages. A dead letter whose replay had put it back leaves the replay in the same
/// transaction, or it would be replaying for ever.
fn expire(tx: &Connection, before: i64, now: Timestamp) -> rusqlite::Result<Expired> {
    let mut delete = tx.prepare_cached(
        "DELETE FROM messages WHERE seq IN
             (SELECT seq FROM messages INDEXED BY messages_waiting WHERE sent_at < ?1 LIMIT ?2)
         RETURNING origin, replay_id",
    )?;
    let gone = delete.query_map(params![before, EXPIRED_AT_ONCE as i64], |row| {
        Ok((text(row, 0)?, optional_text(row, 1)?))
    })?;
    let gone = gone.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut expired = Expired { lost: 0, released: 0 };
    for (origin, replay) in gone {
        let Some(replay) = replay.map(ReplayId::new) else {
            expired.lost += 1;
            continue;
        };
        let note = release_note(now, "spillway", &replay, "its message outlived the retention");
        archive::release(tx, &replay, &MessageId::new(origin), &note)?;
        expired.released += 1;
    }
    Ok(expired)
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
        "SELECT seq, message_id, body, attributes, trace_header, sent_at, receive_count, failures
         FROM messages WHERE queue = ?1 AND visible_at <= ?2 ORDER BY visible_at LIMIT ?3",
    )?;
    let mut hide = tx.prepare_cached(
        "UPDATE messages SET visible_at = ?2, receive_count = receive_count + 1, receipt = ?3 WHERE seq = ?1",
    )?;
    let mut redrive = tx.prepare_cached(
        "UPDATE messages SET queue = 1, visible_at = ?2, receive_count = 0, receipt = ?3 WHERE seq = ?1",
    )?;
    let mut rows = query.query(params![number(queue), now, most as i64])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        let receive_count = int(row, 6)?.saturating_add(1);
        let receipt = random_receipt();
        let (attributes, failures) = (optional_text(row, 3)?, optional_text(row, 7)?);
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
        found.push((seq, receipt, receive_count, message));
    }
    let mut received = Vec::with_capacity(found.len());
    let mut redriven = 0;
    for (seq, receipt, receive_count, message) in found {
        if limit.is_some_and(|limit| receive_count > limit) {
            redrive.execute(params![seq, now, receipt])?;
            redriven += 1;
        } else {
            hide.execute(params![seq, hidden_until, receipt])?;
            received.push(message);
        }
    }
    Ok((received, redriven))
}
