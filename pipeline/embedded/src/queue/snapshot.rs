//! The state of a queue at one moment.

use super::{Queues, number};
use crate::db::{from_millis, millis};
use rusqlite::Connection;
use spillway_core::Timestamp;
use spillway_core::ports::{QueueError, QueueKind};
use spillway_core::queue::QueueSnapshot;
use std::time::Duration;

impl Queues {
    /// A queue as it is now.
    pub async fn snapshot(&self, queue: QueueKind) -> Result<QueueSnapshot, QueueError> {
        let now = self.clock.now();
        let retry = self.settings.retry;
        let most = self.settings.max_receive_count;
        let (mut snapshot, nearest) = self.db.read(move |connection| read(connection, queue, now)).await?;
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
    let (mut oldest, mut oldest_of_all) = (i64::MAX, i64::MAX);
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
        oldest_of_all = oldest_of_all.min(sent_at);
        if receive_count < 3 {
            oldest = oldest.min(sent_at);
        }
    }
    let at = |time: i64| (time != i64::MAX).then(|| from_millis(time));
    snapshot.oldest_sent_at = at(oldest_of_all);
    snapshot.oldest_age_s =
        at(oldest).map_or(0, |oldest| u64::try_from(now.as_second() - oldest.as_second()).unwrap_or(0));
    let received = next_by_count.into_iter().enumerate().skip(1);
    let nearest = received.filter_map(|(receive_count, visible_at)| {
        Some((u32::try_from(receive_count).ok()?, from_millis(visible_at?)))
    });
    Ok((snapshot, nearest.collect()))
}
