//! What a queue looks like from outside, at one moment.

use super::{Queues, Which, unavailable};
use crate::db::{from_millis, millis};
use rusqlite::Connection;
use spillway_core::Timestamp;
use spillway_core::ports::QueueError;
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
    pub async fn snapshot(&self, which: Which) -> Result<QueueSnapshot, QueueError> {
        let now = self.clock.now();
        let retry = self.settings.retry;
        let most = self.settings.max_receive_count;
        let (mut snapshot, nearest) = self
            .db
            .read(move |connection| read(connection, which, now))
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

fn read(connection: &Connection, which: Which, now: Timestamp) -> rusqlite::Result<(QueueSnapshot, Nearest)> {
    let mut query = connection.prepare_cached(
        "SELECT receive_count, count(*), sum(visible_at <= ?2), min(sent_at), min(visible_at)
         FROM messages WHERE queue = ?1 GROUP BY receive_count",
    )?;
    let mut rows = query.query([which.number(), millis(now)])?;
    let mut snapshot = QueueSnapshot::default();
    let mut nearest = Vec::new();
    while let Some(row) = rows.next()? {
        let receive_count: u32 = row.get(0)?;
        let (count, visible): (u64, u64) = (row.get(1)?, row.get(2)?);
        let (sent_at, visible_at) = (from_millis(row.get(3)?), from_millis(row.get(4)?));
        snapshot.visible += visible;
        snapshot.not_visible += count - visible;
        let index = receive_count as usize;
        if snapshot.receive_counts.len() <= index {
            snapshot.receive_counts.resize(index + 1, 0);
        }
        snapshot.receive_counts[index] = count;
        let earliest = |before: Option<Timestamp>| Some(before.map_or(sent_at, |before| before.min(sent_at)));
        snapshot.true_oldest_sent_at = earliest(snapshot.true_oldest_sent_at);
        if receive_count < 3 {
            snapshot.oldest_sent_at = earliest(snapshot.oldest_sent_at);
        }
        if receive_count > 0 {
            nearest.push((receive_count, visible_at));
        }
    }
    snapshot.oldest_age_s = snapshot
        .oldest_sent_at
        .map_or(0, |oldest| u64::try_from(now.as_second() - oldest.as_second()).unwrap_or(0));
    Ok((snapshot, nearest))
}
