//! A record that makes a function panic does not affect other records, on one machine as in AWS.

#![expect(clippy::unwrap_used, reason = "test code")]

use crate::common::{Running, event, no_schemas, start};
use async_trait::async_trait;
use spillway_core::Timestamp;
use spillway_core::ids::{EventId, EventKey, EventSource};
use spillway_core::message::OutgoingMessage;
use spillway_core::ports::{Clock, EventStore, PutOutcome, StoreError, StoreItem, StoredEvent};
use spillway_core::settings::PipelineSettings;
use spillway_core::trace::TraceHeader;
use spillway_core::usecases::accept::accept;
use spillway_embedded::simulate::in_virtual_time;
use spillway_metrics::{Function, Statistic, function};
use std::cell::RefCell;
use std::sync::{Arc, Once};
use std::time::Duration;
use tracing::{Level, Metadata};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;

/// A store that panics or hangs for the event `e3`, and is the real one for all others.
struct FailingStore {
    real: Arc<dyn EventStore>,
    clock: Arc<dyn Clock>,
    how: How,
}

#[derive(Clone, Copy, PartialEq)]
enum How {
    Panics,
    Hangs,
}

#[async_trait]
impl EventStore for FailingStore {
    async fn put_if_absent(&self, items: &[StoreItem]) -> Vec<Result<PutOutcome, StoreError>> {
        if items.iter().any(|item| item.key.id.as_str() == "e3") {
            assert!(self.how == How::Hangs, "this event makes the store panic");
            self.clock.sleep(Duration::from_secs(3600)).await;
        }
        self.real.put_if_absent(items).await
    }

    async fn get(&self, key: &EventKey) -> Result<Option<StoredEvent>, StoreError> {
        self.real.get(key).await
    }

    async fn sources(&self, id: &EventId) -> Result<Vec<EventSource>, StoreError> {
        self.real.sources(id).await
    }
}

thread_local! {
    /// The log of this thread since its test called [`begin_log`]. A test in virtual time has one thread, and so has
    /// its log.
    static LOG: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

struct ToLog;

impl std::io::Write for ToLog {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.with_borrow_mut(|log| log.get_or_insert_default().write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Begins to log on this thread. All threads share one subscriber. Without it, a log line that another test reaches
/// first would be switched off for all threads. A thread that does not log has no cost: some tests fail millions of
/// times.
fn begin_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let wanted = |line: &Metadata<'_>| *line.level() <= Level::INFO && LOG.with_borrow(Option::is_some);
        let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| ToLog);
        let lines = lines.with_filter(dynamic_filter_fn(move |line, _| wanted(line)));
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines)).unwrap();
        tracing::callsite::rebuild_interest_cache();
    });
    LOG.set(Some(Vec::new()));
}

fn logged(text: &str) -> Vec<String> {
    let all = LOG.with_borrow(|log| String::from_utf8(log.clone().unwrap_or_default()).unwrap());
    all.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
}

/// Runs a pipeline whose store misbehaves, with ten events in one batch, for some seconds.
fn ten_events(how: How, seconds: u64, then: impl AsyncFnOnce(&Running)) {
    let dir = tempfile::tempdir().unwrap();
    in_virtual_time(start(), async |clock| {
        let odd = |pipeline: &mut spillway_embedded::Pipeline| {
            let real = Arc::clone(&pipeline.ports.store);
            pipeline.ports.store =
                Arc::new(FailingStore { real, clock: Arc::clone(&pipeline.ports.clock), how });
        };
        let settings = PipelineSettings::default();
        let run = Running::open_with(dir.path(), clock, settings, no_schemas(), &[], odd).await;
        let events: Vec<_> = (0..10).map(event).collect();
        for answer in accept(&*run.pipeline.ports.queue, &events, None, 262_144).await {
            answer.expect("the queue takes it");
        }
        run.sleep(seconds).await;
        then(&run).await;
    })
    .unwrap();
}

/// The largest number of concurrent copies of the consumer, from the datapoints recorded from that second on.
fn most_at_once(run: &Running, from_s: i64) -> f64 {
    let now = run.pipeline.ports.clock.now();
    run.pipeline.recorder.finish(now);
    let consumer = Function::from(&run.pipeline.ports.names.consumer_function);
    let query = function::CONCURRENCY.query(&consumer, Statistic::Maximum);
    let from: Timestamp = start() + jiff::SignedDuration::from_secs(from_s);
    let values = run.pipeline.telemetry.query(&[query], from, now, 60).unwrap().remove(0);
    values.into_iter().flatten().fold(0.0, f64::max)
}

#[test]
fn nine_of_ten_events_are_stored_and_the_one_that_panics_is_retried_alone() {
    ten_events(How::Panics, 10, async |run| {
        let ledger = run.ledger().await;
        assert_eq!((ledger.stored, ledger.in_flight, ledger.queued), (9, 1, 0));
    });
}

#[test]
fn an_event_that_panics_leaves_one_log_line_each_time_it_is_tried() {
    begin_log();
    ten_events(How::Panics, 10, async |_| {});
    let lines = logged("an event was not stored");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("message_id="), "{lines:?}");
    assert!(lines[0].contains("consumer_crash"), "{lines:?}");
}

#[test]
fn a_panic_does_not_leave_the_number_of_running_functions_raised() {
    // Received at 0 s and, alone, at 180 s, 360 s and so on: never two at once.
    ten_events(How::Panics, 20 * 60, async |run| assert_eq!(most_at_once(run, 60), 1.0));
}

#[test]
fn a_timeout_does_not_leave_the_number_of_running_functions_raised() {
    ten_events(How::Hangs, 20 * 60, async |run| {
        assert_eq!(run.ledger().await.stored, 0, "no invocation has ended in time");
        assert_eq!(most_at_once(run, 60), 1.0);
    });
}

#[test]
fn the_archiver_leaves_segments_and_a_failing_event_one_log_line() {
    begin_log();
    let dir = tempfile::tempdir().unwrap();
    in_virtual_time(start(), async |clock| {
        let settings = PipelineSettings::default();
        let run = Running::open(dir.path(), clock, settings, no_schemas(), &[]).await;
        let header = TraceHeader::new(start(), true);
        let message = OutgoingMessage {
            body: "}{".to_owned(),
            attributes: Default::default(),
            trace_header: Some(header.to_string()),
        };
        run.pipeline.ports.queue.send(&[message]).await.remove(0).expect("the queue takes it");
        run.sleep(60).await;
        assert_eq!(run.ledger().await.archived, 1);
        run.pipeline.recorder.finish(run.pipeline.ports.clock.now());
        let segments = run.pipeline.telemetry.trace(&header.root).unwrap();
        let names: Vec<_> = segments.iter().map(|segment| segment.name.as_str()).collect();
        for name in ["spillway-events", "spillway-consumer", "spillway-events-dlq", "spillway-archiver"] {
            assert_eq!(names.iter().filter(|other| **other == name).count(), 1, "{name} in {names:?}");
        }
    })
    .unwrap();
    assert_eq!(logged("an event was not stored").len(), 1);
}
