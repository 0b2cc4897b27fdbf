//! A machine whose clock is set while events wait.

use crate::DAY;
use crate::common::{Running, event, fault, no_schemas, start};
use spillway_core::Timestamp;
use spillway_core::ids::{EventId, EventKey, EventSource};
use spillway_core::ports::Clock as _;
use spillway_core::settings::PipelineSettings;
use spillway_embedded::faults::FaultKind;
use spillway_embedded::simulate::in_virtual_time;
use spillway_testkit::SettableClock;
use std::sync::Arc;
use std::time::Duration;

const HOUR: i64 = 3_600;

/// A pipeline whose store is down for the first ten minutes, with a clock that the test sets.
async fn during_an_outage(
    dir: &std::path::Path,
    clock: spillway_embedded::VirtualClock,
) -> (Running, Arc<SettableClock>) {
    let machine = Arc::new(SettableClock::over(Arc::new(clock)));
    let faults = [fault(FaultKind::STORE_OUTAGE, 0, 600)];
    let settings = PipelineSettings::default();
    let run = Running::open_on(dir, machine.clone(), settings, no_schemas(), &faults, |_| {}).await;
    run.accept_one_a_second(0, 20).await;
    run.sleep(280).await;
    assert_eq!(run.ledger().await.in_flight, 20, "all have failed and wait for their next attempt");
    (run, machine)
}

/// When an event was stored, in seconds of virtual time since the start, whatever the clock showed.
async fn stored_after(run: &Running, clock: spillway_embedded::VirtualClock) -> u64 {
    while run.ledger().await.stored < 20 {
        run.sleep(10).await;
        assert!(clock.elapsed() < Duration::from_secs(DAY), "{:?}", run.ledger().await);
    }
    clock.elapsed().as_secs()
}

async fn jumps(run: &Running) -> Vec<String> {
    let entries = run.pipeline.ports.ops.entries(Some("clock"), 10).await.expect("it is readable");
    entries.into_iter().map(|entry| entry.detail).collect()
}

#[test]
fn messages_wait_no_longer_after_the_clock_was_set_back() {
    let disturbed = in_virtual_time(start(), async |clock| {
        let dir = tempfile::tempdir().unwrap();
        let (run, machine) = during_an_outage(dir.path(), clock).await;
        machine.set_by(-2 * HOUR);
        let stored = stored_after(&run, clock).await;
        assert_eq!(jumps(&run).await, ["the machine's clock went back by 2h"]);
        assert_eq!(run.pipeline.ports.clock.now(), machine.now());
        run.settle().await;
        stored
    });
    let disturbed = disturbed.unwrap();
    assert!(
        (600..1_300).contains(&disturbed),
        "at the attempt after the outage, not two hours later: {disturbed} s"
    );
}

#[test]
fn no_message_expires_because_the_clock_is_set_forward_and_back() {
    in_virtual_time(start(), async |clock| {
        let dir = tempfile::tempdir().unwrap();
        let (run, machine) = during_an_outage(dir.path(), clock).await;
        machine.set_by(20 * 24 * HOUR);
        run.sleep(61).await;
        let ages =
            || async { run.pipeline.local.queues.snapshot(spillway_core::ports::QueueKind::Primary).await };
        let oldest = ages().await.unwrap();
        let age = run.pipeline.ports.clock.now().duration_since(oldest.oldest_sent_at.unwrap());
        assert_eq!(age.as_secs(), clock.elapsed().as_secs() as i64, "ages do not jump");
        // Longer than the interval between searches for expired messages, with the outage over.
        run.sleep(2 * HOUR as u64).await;
        assert_eq!(run.ledger().await.stored, 20);
        run.accept(&event(100)).await;
        machine.set_by(-20 * 24 * HOUR);
        run.sleep(61).await;
        run.accept(&event(101)).await;
        let ledger = run.settle().await;
        assert_eq!((ledger.accepted, ledger.stored), (22, 22));
        let days = "the machine's clock went";
        assert_eq!(jumps(&run).await, [format!("{days} back by 480h"), format!("{days} forward by 480h")]);
        let jump = run.pipeline.local.last_jump().await.unwrap();
        assert_eq!(jump.by.as_hours(), -480);
        assert!(jump.at < machine.now() && machine.now() < start() + jiff::SignedDuration::from_hours(4));
        let key = EventKey { id: EventId::new("e101"), source: EventSource::new("/test") };
        let stored = run.pipeline.ports.store.get(&key).await.unwrap().unwrap();
        assert!(stored.stored_at < machine.now() + Duration::from_secs(1), "times are right again");
    })
    .unwrap();
}

#[test]
fn a_slow_correction_of_the_clock_is_followed_without_a_record() {
    in_virtual_time(start(), async |clock| {
        let dir = tempfile::tempdir().unwrap();
        let (run, machine) = during_an_outage(dir.path(), clock).await;
        for _ in 0..3 {
            machine.set_by(2);
            run.sleep(61).await;
        }
        let shown: Timestamp = run.pipeline.ports.clock.now();
        assert_eq!(shown, machine.now());
        assert!(jumps(&run).await.is_empty());
    })
    .unwrap();
}
