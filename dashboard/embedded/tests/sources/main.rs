//! The dashboard's ports over a real data folder.

mod contract;
mod verdicts;

use jiff::{SignedDuration, Timestamp};
use spillway_core::message::{MessageAttributes, OutgoingMessage};
use spillway_core::metric::{Measurement, MetricId, Unit};
use spillway_core::ports::{MetricSink, QueueKind, QueueReceiver as _, TraceSink};
use spillway_core::trace::{Segment, TraceHeader};
use spillway_dashboard_embedded::Sources;
use spillway_dashboard_model::catalogue::{self, Stage};
use spillway_dashboard_model::flow::{State, overall, summary};
use spillway_dashboard_model::traces::TraceFilter;
use spillway_dashboard_model::{Period, TimeRange};
use spillway_embedded::{Options, Pipeline, RealClock};
use std::sync::Arc;

async fn pipeline(folder: &tempfile::TempDir) -> Pipeline {
    Pipeline::open(folder.path(), Options::at(Arc::new(RealClock)))
        .await
        .expect("a fresh folder can be opened")
}

fn message(id: &str) -> OutgoingMessage {
    OutgoingMessage {
        body: format!(r#"{{"specversion":"1.0","id":"{id}","source":"/t","type":"t","data":1}}"#),
        attributes: MessageAttributes::new(),
        trace_header: None,
    }
}

#[tokio::test]
async fn an_empty_folder_has_no_problems() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = pipeline(&folder).await;
    let sources = Sources::of(&pipeline.ports, &pipeline.local);
    let flow = sources.flow.snapshot().await.unwrap();
    let sentences = summary(&flow);
    assert_eq!(sentences.len(), 1, "{sentences:#?}");
    assert_eq!(sentences[0].text.to_string(), "No events have been accepted yet.");
    assert_eq!(overall(&sentences), State::Ok);
}

#[tokio::test]
async fn a_snapshot_shows_the_queue_the_ledger_and_the_last_minutes() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = pipeline(&folder).await;
    let ports = &pipeline.ports;
    for answer in ports.queue.send(&[message("a"), message("b"), message("c")]).await {
        answer.unwrap();
    }
    let received = pipeline.local.queues.receive(QueueKind::Primary, 1).await.unwrap();
    assert_eq!(received.len(), 1);
    pipeline.recorder.flush(ports.clock.now());

    let flow = Sources::of(ports, &pipeline.local).flow.snapshot().await.unwrap();
    assert_eq!((flow.ledger.accepted, flow.ledger.unaccounted()), (3, 0));
    assert_eq!((flow.queue.visible, flow.queue.not_visible), (2, 1));
    assert_eq!(flow.queue.receive_counts, [2, 1]);
    assert!(flow.queue.oldest_sent_at.is_some() && flow.dlq.is_empty());
    assert!(flow.oldest_age_s().is_some_and(|age| age < 600));
    assert_eq!(flow.countdown().messages, 0);
    let activity = flow.activity.as_ref().unwrap();
    assert_eq!((activity.queue.sent, activity.queue.received), (3.0, 1.0));
    assert_eq!(summary(&flow)[0].text.to_string(), "All 3 events accepted are accounted for.");
}

#[tokio::test]
async fn without_the_telemetry_file_the_ledger_is_still_shown() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = pipeline(&folder).await;
    // A folder cannot be opened as a database.
    std::fs::create_dir(folder.path().join("telemetry.db")).unwrap();
    pipeline.ports.queue.send(&[message("a")]).await.remove(0).unwrap();
    let flow = Sources::of(&pipeline.ports, &pipeline.local).flow.snapshot().await.unwrap();
    assert_eq!(flow.ledger.accepted, 1);
    assert!(flow.activity.is_none() && flow.freshness.error.is_some());
    assert!(summary(&flow).iter().any(|sentence| sentence.text.to_string().contains("not known")));
}

#[tokio::test]
async fn charts_and_traces_come_from_what_was_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = pipeline(&folder).await;
    let ports = &pipeline.ports;
    let now = ports.clock.now();
    let latency = MetricId::new("AWS/ApiGateway", "Latency", &[("ApiName", "spillway"), ("Stage", "live")]);
    for value in [10.0, 20.0, 30.0] {
        let measurement = Measurement { metric: latency.clone(), value, unit: Unit::Milliseconds };
        MetricSink::record(&*pipeline.recorder, measurement);
    }
    let header = TraceHeader::new(now, true);
    let segment = Segment { trace_id: header.root.clone(), ..Segment::new("spillway/live", now, now) };
    TraceSink::record(&*pipeline.recorder, segment);
    pipeline.recorder.flush(ports.clock.now());

    let sources = Sources::of(ports, &pipeline.local);
    let soon = now.checked_add(SignedDuration::from_secs(60)).unwrap();
    let range = TimeRange::last(SignedDuration::from_hours(1), soon);
    let entries = catalogue::of_stage(Stage::Api, &ports.names);
    let charts = catalogue::read(&*sources.metrics, &entries, range, Period::MINUTE).await.unwrap();
    let position = entries.iter().position(|entry| entry.key == "latency").unwrap();
    let lines = &charts.charts[position].lines;
    let latest: Vec<_> = entries[position].lines.iter().map(|line| line.label).zip(lines).collect();
    for (label, line) in latest {
        let expected = if label == "p50" { 20.0 } else { 30.0 };
        assert_eq!(line.latest(), Some(expected), "{label}");
    }

    let list = sources.traces.list(range, &TraceFilter::default(), 10).await.unwrap();
    assert_eq!(list.traces.len(), 1);
    let trace = sources.traces.get(&header.root).await.unwrap().unwrap();
    assert_eq!(trace, list.traces[0]);
    assert_eq!(sources.traces.get("1-00000000-000000000000000000000000").await.unwrap(), None);
    assert!(Timestamp::from_second(trace.start_time() as i64).is_ok());
}
