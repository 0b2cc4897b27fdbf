//! What the dashboard reads passes the suites that every adapter passes.

use jiff::{SignedDuration, Timestamp};
use spillway_core::message::{MessageAttributes, OutgoingMessage, ReceivedMessage};
use spillway_core::metric::{Measurement, MetricId, Unit};
use spillway_core::ports::{Clock as _, DeadLetterOrder, QueueKind, TraceSink as _};
use spillway_dashboard_embedded::{EmbeddedAlarms, EmbeddedMetrics, EmbeddedQueues, EmbeddedTraces};
use spillway_embedded::alarms::{Watch, WatchOptions};
use spillway_embedded::telemetry::{Mode, Recorder, TelemetryReader};
use spillway_embedded::{Options, Pipeline, RealClock};
use spillway_metrics::{Queue, queue};
use spillway_testkit::ManualClock;
use spillway_testkit::contract::alarms::{EmptyAlarms, Incident, PlayIncident};
use spillway_testkit::contract::metrics::EmptyMetrics;
use spillway_testkit::contract::queues::{Act, ActOnQueues, EmptyQueues};
use spillway_testkit::contract::traces::EmptyTraces;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// A data folder, three hours after the cases begin.
struct Place {
    start: Timestamp,
    clock: Arc<ManualClock>,
    recorder: Arc<Recorder>,
    reader: Arc<TelemetryReader>,
    folder: tempfile::TempDir,
}

fn place() -> Place {
    let start: Timestamp = "2026-03-02T14:00:00Z".parse().expect("a time");
    let clock = Arc::new(ManualClock::at(start));
    clock.advance(Duration::from_secs(3 * 3600));
    let folder = tempfile::tempdir().expect("a folder");
    let recorder = Arc::new(Recorder::new(folder.path(), clock.clone(), Mode::Live));
    let reader = Arc::new(TelemetryReader::new(folder.path()));
    Place { start, clock, recorder, reader, folder }
}

async fn open_metrics() -> EmptyMetrics {
    let Place { start, clock, recorder, reader, folder } = place();
    let now = clock.now();
    EmptyMetrics {
        start,
        record: Box::new(move |metric, values| {
            for (at, value) in values {
                recorder.record_at(&Measurement { metric: metric.clone(), value, unit: Unit::Count }, at);
            }
            // A running pipeline always measures something.
            let other = MetricId { name: "other".into(), ..metric };
            recorder.record_at(&Measurement { metric: other, value: 0.0, unit: Unit::Count }, now);
            recorder.flush(now);
            Box::pin(async {})
        }),
        reader: Arc::new(EmbeddedMetrics::new(reader, clock)),
        keep: Box::new(folder),
    }
}

async fn open_traces() -> EmptyTraces {
    let Place { start, clock, recorder, reader, folder } = place();
    EmptyTraces {
        start,
        record: Box::new(move |segments| {
            for segment in segments {
                recorder.record(segment);
            }
            recorder.flush(clock.now());
            Box::pin(async {})
        }),
        reader: Arc::new(EmbeddedTraces::new(reader)),
        keep: Box::new(folder),
    }
}

/// Messages that are new for ten minutes and then old. The rules are evaluated an hour after the start.
async fn open_alarms() -> EmptyAlarms {
    let start: Timestamp = "2026-03-02T14:00:00Z".parse().expect("a time");
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(ManualClock::at(start));
    let options = Options { simulated_latency: Some(Duration::ZERO), ..Options::at(clock.clone()) };
    let pipeline = Pipeline::open(folder.path(), options).await.expect("a fresh folder opens");
    let watch = Watch::open(&pipeline, WatchOptions::default()).await.expect("the built-in rules");
    let source = EmbeddedAlarms::new(pipeline.ports.clone(), Arc::clone(&pipeline.local.alarms));
    let shared = Arc::new(Mutex::new((pipeline, watch)));
    let keep = Box::new((Arc::clone(&shared), folder));
    let play: PlayIncident = Box::new(move |incident| {
        let (shared, clock) = (Arc::clone(&shared), clock.clone());
        let playing = async move {
            let (pipeline, watch) = &mut *shared.lock().await;
            let age = queue::AGE_OF_OLDEST.of(&Queue::from(&*pipeline.ports.names.queue));
            clock.advance(Duration::from_secs(3600));
            for minute in 0..60 {
                let is_old = minute >= 10 && (minute < 30 || incident == Incident::Lasting);
                let value = if is_old { 4000.0 } else { 5.0 };
                let measured = Measurement { metric: age.clone(), value, unit: Unit::Seconds };
                pipeline.recorder.record_at(&measured, start + SignedDuration::from_mins(minute));
            }
            pipeline.recorder.finish(clock.now());
            watch.evaluate(clock.now()).await.expect("the results are kept");
        };
        Box::pin(playing)
    });
    EmptyAlarms { start, play, source: Arc::new(source), keep }
}

async fn open_queues() -> EmptyQueues {
    let folder = tempfile::tempdir().expect("a folder");
    let pipeline =
        Pipeline::open(folder.path(), Options::at(Arc::new(RealClock))).await.expect("a fresh folder opens");
    let (ports, workers) = (pipeline.ports.clone(), pipeline.workers.clone());
    let reader = Arc::new(EmbeddedQueues::new(Arc::clone(&pipeline.local.queues)));
    let received: Arc<Mutex<Vec<ReceivedMessage>>> = Arc::default();
    let clock = Arc::clone(&ports.clock);
    let act: ActOnQueues = Box::new(move |act| {
        let (ports, workers, received) = (ports.clone(), workers.clone(), Arc::clone(&received));
        let acting = async move {
            let mut received = received.lock().await;
            let mut take = |count: usize| received.drain(..count).collect::<Vec<_>>();
            match act {
                Act::Send(count) => {
                    let message = OutgoingMessage {
                        body: "{}".to_owned(),
                        attributes: MessageAttributes::new(),
                        trace_header: None,
                    };
                    for answer in ports.queue.send(&vec![message; count]).await {
                        answer.expect("it is sent");
                    }
                }
                Act::Receive(count) => {
                    let more = workers.receiver.receive(QueueKind::Primary, count).await;
                    received.extend(more.expect("they are received"));
                }
                Act::Settle(count) => {
                    let handles: Vec<_> =
                        take(count).into_iter().map(|message| message.receipt_handle).collect();
                    let deleted = workers.receiver.delete(QueueKind::Primary, &handles).await;
                    assert_eq!(deleted.expect("they are deleted"), count);
                }
                Act::DeadLetter(count) => {
                    let order = |message| DeadLetterOrder { message, failures: Vec::new() };
                    let orders: Vec<_> = take(count).into_iter().map(order).collect();
                    for answer in workers.redelivery.dead_letter(&orders).await {
                        answer.expect("it is moved");
                    }
                }
            }
        };
        Box::pin(acting)
    });
    let now = Box::new(move || clock.now());
    EmptyQueues { act, reader, now, keep: Box::new((pipeline, folder)) }
}

spillway_testkit::alarms!(crate::contract::open_alarms);
spillway_testkit::queues!(crate::contract::open_queues);
spillway_testkit::metrics!(crate::contract::open_metrics);
spillway_testkit::traces!(crate::contract::open_traces);
