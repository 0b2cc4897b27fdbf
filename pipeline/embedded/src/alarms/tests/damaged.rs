//! Notifications whose row somebody changed.

use super::support::{Bench, minute, options, start};
use crate::alarms::WatchOptions;
use crate::db::DAMAGED;

#[tokio::test]
async fn a_damaged_notification_is_given_up_and_the_others_are_sent() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::open(dir.path(), start()).await;
    bench.ages(0, 60, 4_000.0);
    let options = WatchOptions { has_webhook: true, ..options() };
    let mut watch = bench.watch(options).await;
    watch.evaluate(bench.until(60)).await.unwrap();
    // The end of the incident is a second message.
    bench.ages(60, 60, 1.0);
    watch.evaluate(bench.until(120)).await.unwrap();
    let (alarms, db, now) = (&bench.pipeline.local.alarms, bench.pipeline.local.db(), minute(120));
    let first = alarms.next_waiting(now).await.unwrap().unwrap();
    for document in ["'not JSON'", "x'ff'", "CAST(x'ff' AS TEXT)", "'[]'", "'{\"id\":null}'"] {
        let tamper = format!(
            "CREATE TEMP TABLE kept AS SELECT * FROM alarm_messages;
             UPDATE alarm_messages SET document = {document} WHERE document ->> 'id' = '{}'",
            first.id
        );
        db.write(move |tx| tx.execute_batch(&tamper)).await.unwrap();
        alarms.give_up_damaged(now).await.unwrap();
        let next = alarms.next_waiting(now).await.unwrap().unwrap();
        assert_ne!(next.id, first.id, "{document}");
        alarms.delivered(&next.id, now).await.unwrap();
        let given_up = db.read(|connection| {
            let sql = "SELECT count(*), min(trouble) FROM alarm_messages WHERE delivery = 'given_up'";
            connection.query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
        });
        assert_eq!(given_up.await.unwrap(), (1, DAMAGED.to_owned()), "{document}");
        let restore =
            "DELETE FROM alarm_messages; INSERT INTO alarm_messages SELECT * FROM kept; DROP TABLE kept";
        db.write(move |tx| tx.execute_batch(restore)).await.unwrap();
    }
    for column in ["at", "kind", "attempts", "tried_at", "next_try_at", "trouble"] {
        let tamper =
            format!("UPDATE alarm_messages SET {column} = x'ff' WHERE document ->> 'id' = '{}'", first.id);
        db.write(move |tx| tx.execute_batch(&tamper)).await.unwrap();
        assert!(alarms.next_waiting(now).await.unwrap().is_some(), "{column}");
    }
}
