//! Which requests are traced, and what their segments say.

use super::support::{Behaviour, FixedLatency, gateway, pipeline, post};
use serde_json::json;
use spillway_core::trace::{Segment, TraceHeader};
use std::sync::Arc;

const ROOT: &str = "1-5759e988-bd862e3fe1be46a994272793";

fn with_trace(rest: &str) -> String {
    format!("Root={ROOT};{rest}")
}

fn by_origin(segments: &[Segment], origin: &str) -> Segment {
    let found: Vec<_> = segments.iter().filter(|one| one.origin.as_deref() == Some(origin)).collect();
    assert_eq!(found.len(), 1, "{origin} in {segments:?}");
    found[0].clone()
}

#[tokio::test]
async fn the_segments_lead_from_the_client_to_the_message() {
    let memory = pipeline(Behaviour::Accepts);
    let gateway = gateway(&memory, |_| {}).with_latency(Arc::new(FixedLatency));
    let trace = with_trace("Parent=53995c3f42cd8ad8;Sampled=1");
    let headers = [
        ("x-amzn-trace-id", trace.as_str()),
        ("host", "localhost:8080"),
        ("user-agent", "curl/8"),
        ("idempotency-key", "order-7"),
    ];
    let response = gateway.call(post(&headers, "{}")).await;
    assert_eq!(response.headers()["x-amzn-trace-id"], format!("Root={ROOT};Sampled=1").as_str());

    let segments = memory.state().segments.clone();
    assert_eq!(segments.len(), 3);
    assert!(segments.iter().all(|segment| segment.trace_id == ROOT));
    let stage = by_origin(&segments, "AWS::ApiGateway::Stage");
    let service = by_origin(&segments, "AWS::Lambda");
    let function = by_origin(&segments, "AWS::Lambda::Function");
    assert_eq!(
        (&*stage.name, &*service.name, &*function.name),
        ("spillway/live", "spillway-ingest", "spillway-ingest")
    );

    assert_eq!(stage.parent_id.as_deref(), Some("53995c3f42cd8ad8"));
    assert_eq!(service.parent_id.as_deref(), Some(&*stage.subsegments[0].id));
    assert_eq!(function.parent_id.as_deref(), Some(&*service.id));
    let accept = &function.subsegments[0];
    let send = &accept.subsegments[0];
    let message = TraceHeader::parse(memory.state().sent[0].trace_header.as_deref().unwrap()).unwrap();
    assert_eq!(message, TraceHeader { root: ROOT.into(), parent: Some(send.id.clone()), sampled: true });

    assert_eq!((&*send.name, send.namespace.as_deref()), ("SQS", Some("aws")));
    let milliseconds = |segment: &Segment| ((segment.end_time - segment.start_time) * 1000.0).round();
    assert_eq!([&stage, &service, &function, send].map(milliseconds), [35.0, 25.0, 25.0, 20.0]);
    assert_eq!(accept.annotations["event_id"], "order-7");
    assert_eq!(accept.annotations["event_type"], "json");
    assert_eq!(accept.annotations["outcome"], "accepted");
    let http = stage.http.clone().unwrap();
    assert_eq!(
        http["request"],
        json!({"method":"POST","url":"http://localhost:8080/events","user_agent":"curl/8"})
    );
    assert_eq!(http["response"]["status"], 202);
    assert!(!stage.fault && !stage.error && !stage.throttle);
}

#[tokio::test]
async fn the_senders_sampling_decision_is_kept_and_ours_is_the_default() {
    let memory = pipeline(Behaviour::Accepts);
    let gateway = gateway(&memory, |settings| settings.trace_reservoir_per_s = 1.0);
    let traced = async |header: Option<&str>| {
        let trace = header.map(with_trace);
        let headers: Vec<_> = trace.iter().map(|trace| ("x-amzn-trace-id", trace.as_str())).collect();
        gateway.call(post(&headers, "{}")).await;
        let segments = std::mem::take(&mut memory.state().segments).len();
        let message =
            TraceHeader::parse(memory.state().sent.last().unwrap().trace_header.as_deref().unwrap()).unwrap();
        assert_eq!(message.sampled, segments > 0);
        assert_eq!(message.root == ROOT, header.is_some());
        segments
    };
    assert_eq!(traced(Some("Sampled=0")).await, 0);
    assert_eq!(traced(None).await, 3, "the first of a second");
    assert_eq!(traced(None).await, 0, "the reservoir is used up");
    assert_eq!(traced(Some("Parent=53995c3f42cd8ad8")).await, 0);
    assert_eq!(traced(Some("Sampled=1")).await, 3);
}

#[tokio::test]
async fn errors_are_flagged() {
    let trace = with_trace("Sampled=1");
    let headers = [("x-amzn-trace-id", trace.as_str())];
    for (behaviour, body, (fault, error, throttle), outcome) in [
        (Behaviour::Accepts, "{", (false, true, false), Some("refused")),
        (Behaviour::IsFull, "{}", (true, false, false), Some("unavailable")),
        (Behaviour::Panics, "{}", (true, false, false), None),
    ] {
        let memory = pipeline(behaviour);
        gateway(&memory, |_| {}).call(post(&headers, body)).await;
        let segments = memory.state().segments.clone();
        let stage = by_origin(&segments, "AWS::ApiGateway::Stage");
        assert_eq!((stage.fault, stage.error, stage.throttle), (fault, error, throttle), "{behaviour:?}");
        let function = by_origin(&segments, "AWS::Lambda::Function");
        assert_eq!(function.fault, fault, "{behaviour:?}");
        let found = function.subsegments.first().map(|accept| accept.annotations["outcome"].clone());
        assert_eq!(found, outcome.map(Into::into), "{behaviour:?}");
    }
    let memory = pipeline(Behaviour::Accepts);
    gateway(&memory, |settings| settings.api_rate_per_s = 0.0).call(post(&headers, "{}")).await;
    let segments = memory.state().segments.clone();
    assert_eq!(segments.len(), 1, "a throttled request invokes nothing");
    assert!(segments[0].throttle && segments[0].error);
}

#[tokio::test]
async fn each_event_of_a_batch_can_be_found() {
    let memory = pipeline(Behaviour::Accepts);
    let trace = with_trace("Sampled=1");
    let headers =
        [("x-amzn-trace-id", trace.as_str()), ("content-type", "application/cloudevents-batch+json")];
    let events: Vec<_> =
        ["a", "b"].map(|id| json!({"specversion":"1.0","id":id,"source":"/s","type":"t"})).to_vec();
    gateway(&memory, |_| {}).call(post(&headers, serde_json::Value::from(events).to_string())).await;
    let segments = memory.state().segments.clone();
    let function = by_origin(&segments, "AWS::Lambda::Function");
    let accept = &function.subsegments[0];
    assert_eq!(accept.annotations["event_count"], 2);
    let ids: Vec<_> =
        accept.subsegments.iter().filter_map(|inner| inner.annotations.get("event_id")).collect();
    assert_eq!(ids, ["a", "b"]);
}
