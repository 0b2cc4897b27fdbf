//! Where events end up, with and without faults, in virtual time.

mod clock_jumps;
mod common;
mod panics;

use common::{Running, event, fault, no_schemas, start};
use spillway_core::dead_letter::DeadLetterFilter;
use spillway_core::failure::FailureClass;
use spillway_core::ids::{EventId, EventKey};
use spillway_core::ledger::Place;
use spillway_core::ports::{Clock as _, Schemas};
use spillway_core::schema::SchemaSet;
use spillway_core::settings::PipelineSettings;
use spillway_embedded::faults::FaultKind;
use spillway_embedded::simulate::in_virtual_time;
use spillway_testkit::letters::{ids, letter, put};
use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

const DAY: u64 = 86_400;

#[test]
fn the_same_event_sent_twice_is_stored_once_and_both_promises_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    in_virtual_time(start(), async |clock| {
        let run = Running::open(dir.path(), clock, PipelineSettings::default(), no_schemas(), &[]).await;
        run.accept(&event(1)).await;
        run.accept(&event(1)).await;
        let ledger = run.settle().await;
        assert_eq!((ledger.accepted, ledger.stored, ledger.duplicates), (2, 2, 1));
        let found = run.pipeline.ports.events.locate(&EventId::new("e1"), None).await.unwrap();
        assert_eq!(found.iter().map(|location| location.place).collect::<Vec<_>>(), [Place::Stored]);
        assert_eq!(found[0].body, event(1).body);
    })
    .unwrap();
}

#[test]
fn a_requested_end_finishes_the_running_invocations() {
    let dir = tempfile::tempdir().unwrap();
    in_virtual_time(start(), async |clock| {
        let faults = [fault(FaultKind::StoreLatency { added: Duration::from_secs(3) }, 0, DAY as i64)];
        let run = Running::open(dir.path(), clock, PipelineSettings::default(), no_schemas(), &faults).await;
        run.accept(&event(1)).await;
        run.sleep(1).await;
        assert_eq!(run.ledger().await.in_flight, 1, "the write takes three seconds");
        let pipeline = run.stop().await;
        let ledger = pipeline.ports.ledger.ledger().await.unwrap();
        assert_eq!((ledger.stored, ledger.moving()), (1, 0));
    })
    .unwrap();
}

#[test]
fn a_requested_end_does_not_wait_for_a_store_that_is_stuck() {
    let dir = tempfile::tempdir().unwrap();
    in_virtual_time(start(), async |clock| {
        let faults = [fault(FaultKind::StoreLatency { added: Duration::from_secs(20) }, 0, DAY as i64)];
        let run = Running::open(dir.path(), clock, PipelineSettings::default(), no_schemas(), &faults).await;
        run.accept(&event(1)).await;
        run.sleep(1).await;
        let asked_at = clock.now();
        let pipeline = run.stop().await;
        assert_eq!(clock.now().duration_since(asked_at).as_secs(), 5);
        let ledger = pipeline.ports.ledger.ledger().await.unwrap();
        assert_eq!((ledger.in_flight, ledger.unaccounted()), (1, 0), "it is received again later");
    })
    .unwrap();
}

#[test]
fn a_short_outage_delays_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    in_virtual_time(start(), async |clock| {
        let faults = [fault(FaultKind::StoreOutage, 10, 10 + 40 * 60)];
        let run = Running::open(dir.path(), clock, PipelineSettings::default(), no_schemas(), &faults).await;
        run.accept_one_a_second(0, 300).await;
        assert!(run.ledger().await.in_flight > 250);
        let ledger = run.settle().await;
        assert_eq!((ledger.stored, ledger.archived), (300, 0));
    })
    .unwrap();
}

#[test]
fn crashes_of_the_consumer_store_each_event_once() {
    let dir = tempfile::tempdir().unwrap();
    in_virtual_time(start(), async |clock| {
        let faults = [fault(FaultKind::ConsumerCrash { probability: 0.5 }, 0, 1_000_000)];
        let run = Running::open(dir.path(), clock, PipelineSettings::default(), no_schemas(), &faults).await;
        run.accept_one_a_second(0, 500).await;
        let ledger = run.settle().await;
        assert_eq!((ledger.accepted, ledger.stored, ledger.duplicates), (500, 500, 0));
    })
    .unwrap();
}

#[test]
fn a_consumer_that_always_crashes_leaves_its_messages_to_the_queues_own_redrive() {
    let dir = tempfile::tempdir().unwrap();
    in_virtual_time(start(), async |clock| {
        let faults = [fault(FaultKind::ConsumerCrash { probability: 1.0 }, 0, 20 * 3600)];
        let run = Running::open(dir.path(), clock, PipelineSettings::default(), no_schemas(), &faults).await;
        run.accept_one_a_second(0, 30).await;
        // Twenty receives, each followed by the visibility timeout of 180 s.
        run.sleep(2 * 3600).await;
        let ledger = run.settle().await;
        assert_eq!((ledger.accepted, ledger.archived + ledger.stored), (30, 30));
        let page = run.pipeline.ports.archive.list(&DeadLetterFilter::default(), None, 50).await.unwrap();
        // Half of the crashes come after the write: those events are stored, and still their messages are dead letters.
        assert_eq!(page.total, 30);
        for letter in page.items {
            assert_eq!(letter.last_failure().unwrap().class, FailureClass::ConsumerCrash);
            assert_eq!(letter.receive_count, 20);
        }
    })
    .unwrap();
}

#[test]
fn throttling_slows_down_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    in_virtual_time(start(), async |clock| {
        let settings = PipelineSettings { write_capacity_units: 2.0, ..PipelineSettings::default() };
        let faults = [fault(FaultKind::StoreThrottle { capacity: 0.1 }, 0, 7200)];
        let run = Running::open(dir.path(), clock, settings, no_schemas(), &faults).await;
        run.accept_one_a_second(0, 1000).await;
        let ledger = run.settle().await;
        assert_eq!(ledger.stored + ledger.archived, 1000);
        assert!(ledger.stored > 900, "{ledger:?}");
    })
    .unwrap();
}

/// Schemas that the test changes while the pipeline runs.
struct Changing(RwLock<Arc<SchemaSet>>);

#[async_trait::async_trait]
impl Schemas for Changing {
    async fn current(&self) -> Arc<SchemaSet> {
        Arc::clone(&self.0.read().expect("no test panics with it"))
    }
}

fn amount_is(kind: &str) -> Arc<SchemaSet> {
    let schema = serde_json::json!({"properties": {"amount": {"type": kind}}});
    Arc::new(SchemaSet::compile(&BTreeMap::from([("order.placed".to_owned(), schema)])).expect("a schema"))
}

#[test]
fn a_wrong_schema_dead_letters_at_once_and_a_replay_after_the_fix_stores() {
    let dir = tempfile::tempdir().unwrap();
    let schemas = Arc::new(Changing(RwLock::new(amount_is("string"))));
    in_virtual_time(start(), async |clock| {
        let run = Running::open(dir.path(), clock, PipelineSettings::default(), schemas.clone(), &[]).await;
        run.accept_one_a_second(0, 5).await;
        let ports = &run.pipeline.ports;
        assert_eq!(run.ledger().await.archived, 5);
        let groups = ports.archive.groups(&DeadLetterFilter::default(), None, 9).await.unwrap().items;
        assert_eq!(groups.len(), 1);
        assert_eq!((groups[0].count, groups[0].class), (5, FailureClass::Schema));
        assert!(groups[0].message.starts_with("/amount: "), "{}", groups[0].message);

        // Replayed too early, they come back, with both failures known.
        let ids = ports.archive.ids(&DeadLetterFilter::default(), 10).await.unwrap();
        let replayer = ports.replayer();
        assert!(replayer.preflight(&ids).await.unwrap().iter().all(|forecast| forecast.would_fail.is_some()));
        let first = replayer.start(&ids, "test").await.unwrap();
        assert_eq!(run.ledger().await.replaying, 5);
        assert!(replayer.start(&ids, "another operator").await.is_err(), "taken already");
        run.settle().await;
        let replay = ports.replays.get(&first.id).await.unwrap().unwrap();
        assert_eq!((replay.returned, replay.stored), (5, 0));
        let letter = ports.archive.get(&ids[0]).await.unwrap().unwrap();
        assert_eq!((letter.failures.len(), letter.generation), (2, 1));

        *schemas.0.write().unwrap() = amount_is("number");
        let second = ports.replayer().start(&ids, "test").await.unwrap();
        let ledger = run.settle().await;
        let replay = ports.replays.get(&second.id).await.unwrap().unwrap();
        assert_eq!((replay.returned, replay.stored, replay.ended_at.is_some()), (0, 5, true));
        assert_eq!((ledger.stored, ledger.archived, ledger.duplicates), (5, 0, 0));
        let letter = ports.archive.get(&ids[0]).await.unwrap().unwrap();
        assert_eq!(letter.state.name(), "stored");
        assert_eq!(
            letter.replays.iter().map(|replay| replay.stored).collect::<Vec<_>>(),
            [Some(false), Some(true)]
        );
    })
    .unwrap();
}

#[test]
fn the_replay_of_one_dead_letter_does_not_wait_for_a_large_one() {
    let dir = tempfile::tempdir().unwrap();
    in_virtual_time(start(), async |clock| {
        let run = Running::open(dir.path(), clock, PipelineSettings::default(), no_schemas(), &[]).await;
        let letters: Vec<_> =
            (0..3_000).map(|second| letter(second, "order.placed", FailureClass::Schema, "bad")).collect();
        put(&*run.pipeline.workers.sink, &letters).await;
        let (replayer, replays) = (run.pipeline.ports.replayer(), &run.pipeline.ports.replays);
        let large = replayer.start(&ids(&letters[1..]), "ada").await.unwrap().id;
        run.sleep(20).await;
        let one = replayer.start(&ids(&letters[..1]), "bob").await.unwrap().id;
        run.sleep(20).await;
        let (large, one) =
            (replays.get(&large).await.unwrap().unwrap(), replays.get(&one).await.unwrap().unwrap());
        assert_eq!((one.stored, one.waiting), (1, 0), "{one:?}");
        assert!(large.waiting > 0 && large.stored > 0, "it has its turns too: {large:?}");
    })
    .unwrap();
}

#[test]
fn a_discard_can_be_undone() {
    let dir = tempfile::tempdir().unwrap();
    let schemas = Arc::new(Changing(RwLock::new(amount_is("string"))));
    in_virtual_time(start(), async |clock| {
        let run = Running::open(dir.path(), clock, PipelineSettings::default(), schemas, &[]).await;
        run.accept_one_a_second(0, 2).await;
        let ports = &run.pipeline.ports;
        let ids = ports.archive.ids(&DeadLetterFilter::default(), 10).await.unwrap();
        let replayer = ports.replayer();
        assert_eq!(replayer.discard(&ids[..1], "test", "not ours").await.unwrap(), ids[..1]);
        let ledger = run.ledger().await;
        assert_eq!((ledger.archived, ledger.discarded), (1, 1));
        assert!(replayer.start(&ids[..1], "test").await.is_err(), "a discarded one is not replayed");
        assert_eq!(replayer.restore(&ids, "test").await.unwrap(), ids[..1]);
        assert_eq!(run.ledger().await.archived, 2);
        let audit = ports.ops.entries(Some(ids[0].as_str()), 10).await.unwrap();
        assert_eq!(
            audit.iter().map(|entry| entry.action.as_str()).collect::<Vec<_>>(),
            ["restore", "discard"]
        );
    })
    .unwrap();
}

#[test]
fn three_days_of_store_outage_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let events = 3 * DAY;
    in_virtual_time(start(), async |clock| {
        let settings = PipelineSettings { replay_rate_per_s: 500.0, ..PipelineSettings::default() };
        let faults = [fault(FaultKind::StoreOutage, 0, 3 * DAY as i64)];
        let run = Running::open(dir.path(), clock, settings, no_schemas(), &faults).await;
        run.accept_one_a_second(0, events).await;
        let ledger = run.ledger().await;
        assert_eq!((ledger.accepted, ledger.stored), (events, 0));
        // All but what was accepted in the last three hours has had its twenty receives.
        assert!(ledger.archived > events - 4 * 3600, "{ledger:?}");

        let ledger = run.settle().await;
        assert_eq!(ledger.stored + ledger.archived, events);
        let ports = &run.pipeline.ports;
        let ids = ports.archive.ids(&DeadLetterFilter::default(), usize::MAX >> 1).await.unwrap();
        let replay = ports.replayer().start(&ids, "test").await.unwrap();
        let ledger = run.settle().await;
        assert_eq!(
            (ledger.accepted, ledger.stored, ledger.duplicates, ledger.archived),
            (events, events, 0, 0)
        );
        let replay = ports.replays.get(&replay.id).await.unwrap().unwrap();
        assert_eq!((replay.stored, replay.returned), (ids.len() as u64, 0));
        let last = EventKey::new("/test", format!("e{}", events - 1));
        assert!(ports.store.get(&last).await.unwrap().is_some());
    })
    .unwrap();
}
