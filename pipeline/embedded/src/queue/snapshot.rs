//! The state of a queue at one moment.

use super::{Queues, number};
use crate::db::{from_millis, int, millis};
use rusqlite::{Connection, OptionalExtension as _, Row};
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

/// More receives than any setting allows. A number that somebody wrote into a row must not take the memory of a list.
const MOST_RECEIVES: usize = 1_000;

/// A time in milliseconds, if it is one.
fn sent_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<i64>> {
    let time = row.get_ref(column)?.as_i64_or_null().unwrap_or_default();
    Ok(time.filter(|time| Timestamp::from_millisecond(*time).is_ok()))
}

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
    let oldest = connection.prepare_cached(oldest)?.query_row([queue], |row| sent_at(row, 0)).optional()?;
    let mut oldest = oldest.flatten().unwrap_or(i64::MAX);
    let mut oldest_of_all = oldest;
    let mut never_received = snapshot.visible + snapshot.not_visible;
    let mut next_by_count: Vec<Option<i64>> = Vec::new();

    let mut query = connection.prepare_cached(RECEIVED)?;
    let mut rows = query.query([queue])?;
    while let Some(row) = rows.next()? {
        let receive_count = usize::try_from(int(row, 0)?).unwrap_or_default().min(MOST_RECEIVES);
        let (sent_at, visible_at) = (sent_at(row, 1)?.unwrap_or(i64::MAX), int(row, 2)?);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Pipeline};
    use spillway_core::event::Event;
    use spillway_core::failure::FailureClass::Schema;
    use spillway_core::ports::{Clock as _, Deferral};
    use spillway_core::usecases::accept::accept;
    use spillway_testkit::ManualClock;
    use spillway_testkit::letters::{ids, letter, put};
    use std::sync::Arc;

    #[tokio::test]
    async fn a_snapshot_counts_messages_by_their_receives_and_knows_the_oldest() {
        let dir = tempfile::tempdir().unwrap();
        let start: Timestamp = "2026-01-31T08:00:00Z".parse().unwrap();
        let clock = Arc::new(ManualClock::at(start));
        let pipeline = Pipeline::open(dir.path(), Options::at(clock.clone())).await.unwrap();
        let (queues, workers) = (&pipeline.local.queues, &pipeline.workers);
        let snapshot = async |queue| queues.snapshot(queue).await.unwrap();
        assert_eq!(snapshot(QueueKind::Primary).await, QueueSnapshot::default());

        let second = |seconds: i64| start + jiff::SignedDuration::from_secs(seconds);
        for number in 0..6 {
            let text = format!(r#"{{"specversion":"1.0","id":"e{number}","source":"/s","type":"t"}}"#);
            let event = Event::from_structured(text.as_bytes()).unwrap();
            accept(&*pipeline.ports.queue, &[event], None, 100_000).await;
            clock.advance(Duration::from_secs(1));
        }
        let all = snapshot(QueueKind::Primary).await;
        assert_eq!((all.visible, all.not_visible, &*all.receive_counts), (6, 0, &[6][..]));
        assert_eq!((all.oldest_sent_at, all.oldest_age_s, all.first_dead_letter_at), (Some(start), 6, None));

        // The first two are received: one is being worked on, one is visible again.
        let batch = workers.receiver.receive(QueueKind::Primary, 2).await.unwrap();
        let again = Deferral {
            receipt_handle: batch[1].receipt_handle.clone(),
            delay: Duration::ZERO,
            failures: Vec::new(),
        };
        workers.redelivery.defer(&[again]).await.remove(0).unwrap();
        let some = snapshot(QueueKind::Primary).await;
        assert_eq!((some.visible, some.not_visible, &*some.receive_counts), (5, 1, &[4, 2][..]));
        assert_eq!(some.oldest_sent_at, Some(start));
        workers.receiver.delete(QueueKind::Primary, &[batch[0].receipt_handle.clone()]).await.unwrap();
        assert_eq!(snapshot(QueueKind::Primary).await.oldest_sent_at, Some(second(1)));
        for _ in 0..4 {
            let batch = workers.receiver.receive(QueueKind::Primary, 1).await.unwrap();
            workers.receiver.delete(QueueKind::Primary, &[batch[0].receipt_handle.clone()]).await.unwrap();
        }
        let last = snapshot(QueueKind::Primary).await;
        assert_eq!((last.len(), &*last.receive_counts), (1, &[0, 1][..]), "only the one that was received");

        // Messages of replays are in the queue and are no promises of their own.
        let letters = [1, 2, 3].map(|second| letter(second, "order.placed", Schema, "broken"));
        put(&*workers.sink, &letters).await;
        let replay = pipeline.ports.replayer().start(&ids(&letters), "ada").await.unwrap().id;
        pipeline.ports.carrier().advance(&replay, 10).await.unwrap();
        workers.receiver.receive(QueueKind::Primary, 2).await.unwrap();
        let ledger = pipeline.ports.ledger.ledger().await.unwrap();
        assert_eq!((snapshot(QueueKind::Primary).await.len(), ledger.queued + ledger.in_flight), (4, 1));
        assert_eq!(clock.now(), second(6));
    }

    #[tokio::test]
    async fn what_the_queue_moved_to_the_dlq_itself_is_as_old_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let start: Timestamp = "2026-01-31T08:00:00Z".parse().unwrap();
        let clock = Arc::new(ManualClock::at(start));
        let pipeline = Pipeline::open(dir.path(), Options::at(clock.clone())).await.unwrap();
        let event =
            Event::from_structured(br#"{"specversion":"1.0","id":"e","source":"/s","type":"t"}"#).unwrap();
        accept(&*pipeline.ports.queue, &[event], None, 100_000).await;
        for _ in 0..=pipeline.ports.settings.max_receive_count {
            pipeline.workers.receiver.receive(QueueKind::Primary, 1).await.unwrap();
            clock.advance(Duration::from_secs(200));
        }
        let dlq = pipeline.local.queues.snapshot(QueueKind::Dlq).await.unwrap();
        assert_eq!((dlq.visible, dlq.oldest_sent_at), (1, Some(start)));
    }
}
