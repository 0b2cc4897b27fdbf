//! The state of a queue at one moment.

use super::{Queues, number};
use crate::db::{from_millis, millis};
use rusqlite::{Connection, OptionalExtension as _};
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

/// Messages in a range of visibility. In a long queue most were never received: they are only counted, by the index alone.
pub(crate) const COUNT: &str = "SELECT count(*) FROM messages WHERE queue = ?1 AND visible_at";
/// Messages that were received, by their visibility. These are read one by one.
pub(crate) const RECEIVED: &str = "SELECT receive_count, sent_at, visible_at FROM messages
    WHERE queue = ?1 AND receive_count > 0 ORDER BY visible_at";
/// When the oldest message of the primary queue was sent that was never received: it is visible since then.
pub(crate) const OLDEST: &str = "SELECT sent_at FROM messages
    WHERE queue = ?1 AND receive_count = 0 ORDER BY visible_at LIMIT 1";
/// The same for the DLQ. A message that the queue moved there itself is visible since the move.
const OLDEST_IN_DLQ: &str = "SELECT min(sent_at) FROM messages WHERE queue = ?1 AND receive_count = 0";

fn read(
    connection: &Connection,
    queue: QueueKind,
    now: Timestamp,
) -> rusqlite::Result<(QueueSnapshot, Nearest)> {
    let oldest = if queue == QueueKind::Primary { OLDEST } else { OLDEST_IN_DLQ };
    let (queue, now_ms) = (number(queue), millis(now));
    let count = |when: &str| {
        let mut query = connection.prepare_cached(&format!("{COUNT} {when} ?2"))?;
        query.query_row([queue, now_ms], |row| row.get::<_, u64>(0))
    };
    let mut snapshot =
        QueueSnapshot { visible: count("<=")?, not_visible: count(">")?, ..QueueSnapshot::default() };
    let oldest: Option<Option<i64>> =
        connection.prepare_cached(oldest)?.query_row([queue], |row| row.get(0)).optional()?;
    let mut oldest = oldest.flatten().unwrap_or(i64::MAX);
    let mut oldest_of_all = oldest;
    let mut never_received = snapshot.visible + snapshot.not_visible;
    let mut next_by_count: Vec<Option<i64>> = Vec::new();

    let mut query = connection.prepare_cached(RECEIVED)?;
    let mut rows = query.query([queue])?;
    while let Some(row) = rows.next()? {
        let receive_count: usize = row.get(0)?;
        let (sent_at, visible_at): (i64, i64) = (row.get(1)?, row.get(2)?);
        never_received = never_received.saturating_sub(1);
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
    if never_received > 0 && snapshot.receive_counts.is_empty() {
        snapshot.receive_counts.push(0);
    }
    if let Some(first) = snapshot.receive_counts.first_mut() {
        *first = never_received;
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
