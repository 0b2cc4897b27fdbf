//! Alarms while nothing can be written.

use super::super::deliver::step;
use super::support::{Bench, minute, options, start};
use super::webhook::Receiver;
use crate::alarms::WatchOptions;
use rusqlite::Connection;
use spillway_alerts::AlarmState::Alarm;
use spillway_alerts::Notified;
use std::path::Path;

/// Refuses each write of alarms on the pipeline's own connection, as a full disk does.
pub const REFUSE: &str = "
    CREATE TEMP TRIGGER no_facts BEFORE INSERT ON facts BEGIN SELECT RAISE(ABORT, 'the disk is full'); END;
    CREATE TEMP TRIGGER no_messages BEFORE UPDATE ON alarm_messages BEGIN SELECT RAISE(ABORT, 'the disk is full'); END;";
pub const TAKE: &str = "DROP TRIGGER no_facts; DROP TRIGGER no_messages;";

pub async fn set(bench: &Bench, triggers: &'static str) {
    bench.pipeline.local.db().write(move |tx| tx.execute_batch(triggers)).await.unwrap();
}

/// Keeps measurements out of their file until this is dropped.
fn block_telemetry(folder: &Path) -> Connection {
    let blocker = Connection::open(folder.join(crate::telemetry::FILE_NAME)).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    blocker
}

#[tokio::test]
async fn alarms_are_evaluated_and_sent_while_nothing_can_be_written_and_are_saved_later() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::live(dir.path(), start()).await;
    bench.ages(0, 1, 0.0);
    let mut watch = bench.watch(WatchOptions { has_webhook: true, ..options() }).await;
    set(&bench, REFUSE).await;
    let blocker = block_telemetry(dir.path());
    bench.ages(1, 10, 2_000.0);
    assert!(bench.pipeline.recorder.health().error.is_some(), "the measurements are in memory only");

    let messages = watch.evaluate(bench.until(6)).await.unwrap();
    assert_eq!(messages.len(), 1, "both tiers fired, as one incident: {messages:?}");
    let receiver = Receiver::answering(&[503]).await;
    let log = &bench.pipeline.local.alarms;
    for _ in 0..3 {
        bench.clock.advance(std::time::Duration::from_secs(3));
        step(log, &receiver.webhook(), &*bench.clock).await.unwrap();
    }
    assert_eq!(receiver.ids().len(), 2, "the refused one is sent again");
    let told = bench.changes().await;
    assert_eq!(bench.ages_now().await, [Alarm, Alarm], "pages show it");
    assert!(told.iter().all(|change| !matches!(change.3, Notified::Sending(_))), "{told:?}");
    assert_eq!(log.evaluated_until().await.unwrap(), Some(minute(6)));
    let stored = bench.pipeline.local.db().read(|connection| {
        connection.query_row("SELECT count(*) FROM alarm_changes", [], |row| row.get::<_, u32>(0))
    });
    assert_eq!(stored.await, Ok(0), "nothing of it is in the database");

    drop(blocker);
    set(&bench, TAKE).await;
    watch.evaluate(bench.until(7)).await.unwrap();
    drop((watch, bench));
    let again = Bench::live(dir.path(), minute(8)).await;
    assert_eq!(again.changes().await, told, "all of it is in the database");
    assert_eq!(again.ages_now().await, [Alarm, Alarm]);
    assert!(again.pipeline.local.alarms.next_waiting(minute(8)).await.unwrap().is_none());
}
