//! A row that something else than Spillway changed does not keep pages from showing the others.

use crate::alarms::{Watch, WatchOptions};
use crate::db::{DAMAGED, DbError};
use crate::faults::{Fault, FaultKind};
use crate::{Local, Options, Pipeline};
use rusqlite::Connection;
use spillway_core::Timestamp;
use spillway_core::dead_letter::DeadLetterFilter;
use spillway_core::failure::FailureClass::Schema;
use spillway_core::ids::{EventId, EventKey, EventType};
use spillway_core::metric::{Measurement, MetricId, Unit};
use spillway_core::ports::{
    AuditEntry, Clock as _, QueueKind, StoreItem, StoredEventFilter, StoredOrder, TraceSink,
};
use spillway_core::trace::{Segment, TraceFilter, TraceHeader};
use spillway_core::usecases::accept::accept;
use spillway_metrics::{MetricQuery, Statistic};
use spillway_testkit::ManualClock;
use spillway_testkit::letters::{ids, letter, put};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

/// Values that no column has, as SQL.
const WRONG: [&str; 5] =
    ["x'ff01'", "CAST(x'ff02' AS TEXT)", "'not what was there'", "-987654321", "9000000000000000000"];

/// What makes an alarm fire.
fn age() -> MetricId {
    MetricId::new("AWS/SQS", "ApproximateAgeOfOldestMessage", &[("QueueName", "spillway-events")])
}

struct Bench {
    pipeline: Pipeline,
    clock: Arc<ManualClock>,
    folder: tempfile::TempDir,
}

/// A folder with at least two rows of whatever a page lists.
async fn bench() -> Bench {
    let start: Timestamp = "2026-03-02T16:00:00Z".parse().unwrap();
    let clock = Arc::new(ManualClock::at(start));
    let folder = tempfile::tempdir().unwrap();
    let options = Options { simulated_latency: Some(Duration::ZERO), ..Options::at(clock.clone()) };
    let pipeline = Pipeline::open(folder.path(), options).await.unwrap();
    let (ports, workers) = (&pipeline.ports, &pipeline.workers);
    for id in ["a", "b", "c"] {
        let text = format!(r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"t"}}"#);
        accept(
            &*ports.queue,
            &[spillway_core::event::Event::from_structured(text.as_bytes()).unwrap()],
            None,
            100_000,
        )
        .await;
    }
    assert_eq!(workers.receiver.receive(QueueKind::Primary, 2).await.unwrap().len(), 2);
    let stored = ["d", "e"].map(|id| StoreItem {
        key: EventKey::new("/s", id),
        event_type: EventType::new("t"),
        body: format!(r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"t"}}"#),
        accepted_at: start,
        message_id: format!("m-{id}").as_str().into(),
        replay_id: None,
    });
    for answer in ports.store.put_if_absent(&stored).await {
        answer.unwrap();
    }
    let letters: Vec<_> = (0..6).map(|second| letter(second, "order.placed", Schema, "broken")).collect();
    put(&*workers.sink, &letters).await;
    let (replayer, all) = (ports.replayer(), ids(&letters));
    replayer.discard(&all[4..], "ada", "a test").await.unwrap();
    for part in [&all[..2], &all[2..4]] {
        let replay = replayer.start(part, "ada").await.unwrap().id;
        ports.carrier().advance(&replay, 1).await.unwrap();
    }
    for kind in [FaultKind::StoreOutage { share: 0.0 }, FaultKind::QueueOutage { share: 0.0 }] {
        let entry = AuditEntry {
            at: start,
            by: "ada".to_owned(),
            action: "fault".to_owned(),
            subject: kind.name().to_owned(),
            detail: String::new(),
        };
        pipeline.local.faults.start(Fault { kind, from: start, until: None }, entry).await.unwrap();
    }

    let options = WatchOptions { has_webhook: true, ..WatchOptions::default() };
    let mut watch = Watch::open(&pipeline, options).await.unwrap();
    for minute in 0..17 * 60 {
        let is_old = minute < 40 || (100..200).contains(&minute) || minute > 900;
        let measured =
            Measurement { metric: age(), value: if is_old { 4_000.0 } else { 5.0 }, unit: Unit::Seconds };
        pipeline.recorder.record_at(&measured, start + jiff::SignedDuration::from_mins(minute));
    }
    clock.advance(Duration::from_secs(17 * 3_600 + 60));
    for id in ["first", "second"] {
        let header = TraceHeader::new(clock.now(), true);
        let segment = Segment::new(format!("spillway/{id}"), clock.now(), clock.now());
        TraceSink::record(&*pipeline.recorder, Segment { trace_id: header.root, ..segment });
    }
    pipeline.recorder.finish(clock.now());
    watch.evaluate(clock.now()).await.unwrap();
    Bench { pipeline, clock, folder }
}

/// Everything that pages and commands read, with the number of rows that each has.
async fn read_all(bench: &Bench) -> Vec<(&'static str, Result<usize, String>)> {
    fn rows<T, E: Debug>(answer: Result<Vec<T>, E>) -> Result<usize, String> {
        answer.map(|rows| rows.len()).map_err(|error| format!("{error:?}"))
    }
    fn fine<T, E: Debug>(answer: Result<T, E>) -> Result<usize, String> {
        answer.map(|_| 0).map_err(|error| format!("{error:?}"))
    }
    let Local { queues, alarms, faults, telemetry, .. } = &bench.pipeline.local;
    let ports = &bench.pipeline.ports;
    let (archive, replays, now) = (&ports.archive, &ports.replays, bench.clock.now());
    let all = DeadLetterFilter::default();
    let with_words = DeadLetterFilter { contains: Some("broken".to_owned()), ..all.clone() };
    let listed = archive.list(&all, None, 100).await;
    let mut read = vec![
        ("ledger", fine(ports.ledger.ledger().await)),
        ("primary queue", fine(queues.snapshot(QueueKind::Primary).await)),
        ("DLQ", fine(queues.snapshot(QueueKind::Dlq).await)),
        ("dead letters", rows(listed.map(|page| page.items))),
        ("groups", fine(archive.groups(&all, None, 10).await)),
        ("groups by words", fine(archive.groups(&with_words, None, 10).await)),
        ("dead letters by words", fine(archive.list(&with_words, None, 10).await)),
        ("newest dead letters", rows(archive.list_brief(&all, None, 100).await.map(|page| page.items))),
        ("replays", rows(replays.list(10).await)),
        ("running replays", fine(replays.running().await)),
        ("unfinished replays", fine(replays.unfinished().await)),
        ("overdue", fine(replays.overdue(now, 10).await)),
        ("messages of replays", fine(ports.events.replays_in_queues().await)),
        ("audit", rows(ports.ops.entries(None, 100).await)),
        (
            "stored events",
            rows(
                ports
                    .stored
                    .list(&StoredEventFilter::default(), StoredOrder::NewestFirst, None, 10)
                    .await
                    .map(|page| page.items),
            ),
        ),
        ("faults", fine(faults.list().await)),
        ("statuses", rows(alarms.statuses().await)),
        ("changes", fine(alarms.changes(None, Timestamp::MIN, Timestamp::MAX, 1_000).await)),
        ("periods", fine(alarms.periods(None, Timestamp::MIN, Timestamp::MAX).await)),
        ("digest", fine(alarms.last_digest().await)),
        ("evaluated", fine(alarms.evaluated_until().await)),
        ("last jump", Ok(usize::from(bench.pipeline.local.last_jump().await.is_some()))),
        ("next visible", fine(bench.pipeline.workers.receiver.next_visible(QueueKind::Primary).await)),
    ];
    for replay in replays.list(10).await.unwrap_or_default() {
        read.push(("items of a replay", fine(replays.items(&replay.id, None, 10).await)));
        read.push(("waiting of a replay", fine(replays.waiting(&replay.id, 10).await)));
    }
    for id in ["a", "b", "c", "d", "e", "event-0", "event-4"] {
        let id = EventId::new(id);
        read.push(("an event", fine(ports.events.locate(&id, None).await)));
        read.push(("its place", fine(ports.events.places(std::slice::from_ref(&id)).await)));
        read.push(("its dead letters", fine(archive.of_event(&id).await)));
        read.push(("the event in the store", fine(ports.store.get(&EventKey::new("/s", id.as_str())).await)));
    }
    let (from, to) = (now - jiff::SignedDuration::from_hours(20), now);
    let queries = [Statistic::Maximum, Statistic::SampleCount]
        .map(|statistic| MetricQuery { metric: age(), statistic });
    for period in [60, 300, 3_600] {
        read.push(("metrics", fine(telemetry.query(&queries, from, to, period))));
    }
    read.push(("newest metric", fine(telemetry.newest())));
    read.push(("first metric", fine(telemetry.first_recorded())));
    read.push(("all metrics", fine(telemetry.metrics())));
    let none = TraceFilter::default();
    read.push(("traces", fine(telemetry.traces(from, to + jiff::SignedDuration::from_secs(1), &none, 10))));
    read
}

/// Each column of each table that can have any value, with the condition that finds the table's first row.
fn columns(connection: &Connection) -> rusqlite::Result<Vec<(String, String, String)>> {
    let mut tables = connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")?;
    let tables = tables.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let mut found = Vec::new();
    for (table, sql) in tables.collect::<rusqlite::Result<Vec<_>>>()? {
        let mut query =
            connection.prepare(&format!("SELECT name, type, pk FROM pragma_table_info('{table}')"))?;
        let all = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let all: Vec<(String, String, i64)> = all.collect::<rusqlite::Result<_>>()?;
        let has_rowid = !sql.to_uppercase().contains("WITHOUT ROWID");
        let key = match has_rowid {
            true => "rowid".to_owned(),
            false => {
                let names = all.iter().filter(|(_, _, key)| *key > 0).map(|(name, ..)| name.as_str());
                names.collect::<Vec<_>>().join(", ")
            }
        };
        let first = format!("({key}) = (SELECT {key} FROM {table} LIMIT 1)");
        for (name, kind, key) in all {
            // SQLite itself refuses anything but a number as the number of a row.
            if !(has_rowid && key > 0 && kind == "INTEGER") {
                found.push((table.clone(), name, first.clone()));
            }
        }
    }
    Ok(found)
}

/// Writes a wrong value into one column of one row. Whether there is such a row.
fn tamper(
    connection: &Connection,
    (table, column, first): &(String, String, String),
    value: &str,
) -> rusqlite::Result<bool> {
    connection.execute_batch(&format!(
        "CREATE TEMP TABLE saved AS SELECT {column} AS value FROM {table} WHERE {first}"
    ))?;
    Ok(connection.execute(&format!("UPDATE {table} SET {column} = {value} WHERE {first}"), [])? == 1)
}

fn repair(
    connection: &Connection,
    (table, column, _): &(String, String, String),
    value: &str,
) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "UPDATE {table} SET {column} = (SELECT value FROM saved) WHERE {column} IS {value}; DROP TABLE saved"
    ))
}

#[tokio::test]
async fn whatever_is_in_a_row_pages_show_all_others() {
    let bench = bench().await;
    let before = read_all(&bench).await;
    let db = bench.pipeline.local.db();
    let telemetry = Connection::open(bench.folder.path().join("telemetry.db")).unwrap();
    let own = db.read(columns).await.unwrap();
    let cases = own
        .into_iter()
        .map(|case| (case, true))
        .chain(columns(&telemetry).unwrap().into_iter().map(|case| (case, false)));
    let (mut wrong, mut tried, mut tables) = (Vec::new(), 0, std::collections::BTreeSet::new());
    for (case, is_own) in cases {
        for value in WRONG {
            let tampered = match is_own {
                true => {
                    let case = case.clone();
                    db.write(move |tx| tamper(tx, &case, value)).await
                }
                false => tamper(&telemetry, &case, value).map_err(|error| DbError::Other(error.to_string())),
            };
            let place = format!("{}.{} = {value}", case.0, case.1);
            match tampered {
                Ok(true) => {
                    (tried, _) = (tried + 1, tables.insert(case.0.clone()));
                    for (now, then) in read_all(&bench).await.into_iter().zip(&before) {
                        // A list of rows is as long as before, less the row itself where its key is gone.
                        let is_same = matches!((&now.1, &then.1), (Ok(now), Ok(then)) if now == then || now + 1 == *then);
                        if now.0 == then.0 && !is_same {
                            wrong.push(format!("{place}: {} is {:?}, was {:?}", now.0, now.1, then.1));
                        }
                    }
                }
                Ok(false) => {}
                // Nothing was changed.
                Err(error) => {
                    wrong.push(format!("{place} can't be tried: {error}"));
                    continue;
                }
            }
            let case = case.clone();
            match is_own {
                true => {
                    // The triggers leave counts of 0 behind, whose keys the next case may need.
                    let no_counts = "DELETE FROM dead_letter_tally WHERE letters = 0;
                        DELETE FROM replay_counts WHERE items = 0";
                    let repaired = move |tx: &Connection| {
                        repair(tx, &case, value).and_then(|()| tx.execute_batch(no_counts))
                    };
                    db.write(repaired).await.unwrap();
                }
                false => repair(&telemetry, &case, value).unwrap(),
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    let expected = [
        "alarm_changes",
        "alarm_messages",
        "alarm_states",
        "audit",
        "counters",
        "datapoint",
        "dead_letter_tally",
        "dead_letters",
        "facts",
        "faults",
        "messages",
        "replay_counts",
        "replay_items",
        "replays",
        "segment",
        "store",
    ];
    assert!(expected.iter().all(|table| tables.contains(*table)), "{tables:?}");
    assert_eq!(read_all(&bench).await, before, "each row was repaired");
}

#[tokio::test]
async fn a_damaged_row_says_so_where_it_is_shown() {
    let bench = bench().await;
    let (ports, alarms) = (&bench.pipeline.ports, &bench.pipeline.local.alarms);
    let write = async |sql: &'static str| {
        bench.pipeline.local.db().write(move |tx| tx.execute_batch(sql)).await.unwrap();
    };
    let damaged = |texts: Vec<String>| {
        let all = texts.len();
        (texts.into_iter().filter(|text| text == DAMAGED).count(), all > 1)
    };
    write("UPDATE alarm_changes SET after = 'ON FIRE' WHERE seq = 1").await;
    let changes = alarms.changes(None, Timestamp::MIN, Timestamp::MAX, 1_000).await.unwrap();
    assert_eq!(damaged(changes.into_iter().map(|change| change.reason).collect()), (1, true));
    write("UPDATE alarm_states SET since = 'yesterday' WHERE rule = 'queue-age-low'").await;
    let statuses = alarms.statuses().await.unwrap();
    assert_eq!(damaged(statuses.into_iter().map(|status| status.reason).collect()), (1, true));
    write("UPDATE audit SET by = x'ff' WHERE seq = 1").await;
    let entries = ports.ops.entries(None, 100).await.unwrap();
    assert_eq!(damaged(entries.into_iter().map(|entry| entry.detail).collect()), (1, true));
    write("UPDATE replays SET started_by = x'ff' WHERE id = (SELECT min(id) FROM replays)").await;
    let replays = ports.replays.list(10).await.unwrap();
    assert_eq!(
        damaged(replays.into_iter().map(|replay| replay.error.unwrap_or_default()).collect()),
        (1, true)
    );
    write("UPDATE dead_letters SET failures = '[' WHERE seq = 1").await;
    let letters = ports.archive.list(&DeadLetterFilter::default(), None, 10).await.unwrap().items;
    let reasons = letters.into_iter().map(|letter| letter.failures[0].message.clone()).collect::<Vec<_>>();
    assert_eq!(reasons.iter().filter(|reason| reason.contains("is damaged")).count(), 1, "{reasons:?}");
}
