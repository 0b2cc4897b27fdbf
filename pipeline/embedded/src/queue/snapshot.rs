//! What a queue looks like from outside, at one moment.

use super::{Queues, number, unavailable};
use crate::db::{from_millis, millis};
use rusqlite::Connection;
use spillway_core::Timestamp;
use spillway_core::ports::{QueueError, QueueKind};
use std::time::Duration;

/// A queue at one moment, as SQS's metrics see it, and a bit more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueSnapshot {
    /// Messages that can be received now (`ApproximateNumberOfMessagesVisible`).
    pub visible: u64,
    /// Messages received and not settled (`ApproximateNumberOfMessagesNotVisible`).
    pub not_visible: u64,
    /// Messages sent with a delay (`ApproximateNumberOfMessagesDelayed`); nothing here does.
    pub delayed: u64,
    /// When the oldest message that counts for the age was sent.
    pub oldest_sent_at: Option<Timestamp>,
    /// `ApproximateAgeOfOldestMessage` in seconds: leaves out messages received three times or more, as SQS does.
    pub oldest_age_s: u64,
    /// When the oldest message of all was sent, those that SQS's metric leaves out among them.
    pub true_oldest_sent_at: Option<Timestamp>,
    /// Messages by receive count: how many were never received, once, twice …
    pub receive_counts: Vec<u64>,
    /// When the first message will be given up if nothing changes.
    pub first_dead_letter_at: Option<Timestamp>,
}

impl Queues {
    /// A queue as it is now.
    ///
    /// # Errors
    /// The database failed.
    pub async fn snapshot(&self, queue: QueueKind) -> Result<QueueSnapshot, QueueError> {
        let now = self.clock.now();
        let retry = self.settings.retry;
        let most = self.settings.max_receive_count;
        let (mut snapshot, nearest) = self
            .db
            .read(move |connection| read(connection, queue, now))
            .await
            .map_err(|error| unavailable(&error))?;
        // What is left until the last receive: the next visibility, then the waits between the receives after it.
        let given_up = nearest.into_iter().map(|(receive_count, visible_at)| {
            let next_receive = receive_count + 1;
            let waits = if next_receive >= most { Duration::ZERO } else { retry.span(next_receive, most) };
            visible_at.max(now).checked_add(waits).unwrap_or(visible_at)
        });
        snapshot.first_dead_letter_at = given_up.min();
        Ok(snapshot)
    }
}

type Nearest = Vec<(u32, Timestamp)>;

fn read(
    connection: &Connection,
    queue: QueueKind,
    now: Timestamp,
) -> rusqlite::Result<(QueueSnapshot, Nearest)> {
    let mut query = connection.prepare_cached(
        "SELECT receive_count, sent_at, visible_at FROM messages WHERE queue = ?1 ORDER BY visible_at",
    )?;
    let mut rows = query.query([number(queue)])?;
    let now_ms = millis(now);
    let mut snapshot = QueueSnapshot::default();
    let (mut oldest, mut true_oldest) = (i64::MAX, i64::MAX);
    let mut next_by_count: Vec<Option<i64>> = Vec::new();
    while let Some(row) = rows.next()? {
        let receive_count: usize = row.get(0)?;
        let (sent_at, visible_at): (i64, i64) = (row.get(1)?, row.get(2)?);
        if visible_at <= now_ms {
            snapshot.visible += 1;
        } else {
            snapshot.not_visible += 1;
        }
        if snapshot.receive_counts.len() <= receive_count {
            snapshot.receive_counts.resize(receive_count + 1, 0);
            next_by_count.resize(receive_count + 1, None);
        }
        snapshot.receive_counts[receive_count] += 1;
        // In the order of their visibility: the first of each count is the next.
        next_by_count[receive_count].get_or_insert(visible_at);
        true_oldest = true_oldest.min(sent_at);
        if receive_count < 3 {
            oldest = oldest.min(sent_at);
        }
    }
    let at = |time: i64| (time != i64::MAX).then(|| from_millis(time));
    snapshot.true_oldest_sent_at = at(true_oldest);
    snapshot.oldest_sent_at = at(oldest);
    snapshot.oldest_age_s = snapshot
        .oldest_sent_at
        .map_or(0, |oldest| u64::try_from(now.as_second() - oldest.as_second()).unwrap_or(0));
    let received = next_by_count.into_iter().enumerate().skip(1);
    let nearest = received.filter_map(|(receive_count, visible_at)| {
        Some((u32::try_from(receive_count).ok()?, from_millis(visible_at?)))
    });
    Ok((snapshot, nearest.collect()))
}
