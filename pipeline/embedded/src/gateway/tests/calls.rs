//! One request at a time: answers, throttling, measurements.

use super::support::{Behaviour, FixedLatency, gateway, json, pipeline, post, set_behaviour, take_measured};
use http::StatusCode;
use std::sync::Arc;
use std::time::Duration;

fn named(measured: &[(String, f64)]) -> Vec<(&str, f64)> {
    measured.iter().map(|(name, value)| (name.as_str(), *value)).collect()
}

#[tokio::test]
async fn an_accepted_request_is_measured_in_every_stage() {
    let memory = pipeline(Behaviour::Accepts);
    let gateway = gateway(&memory, |_| {}).with_latency(Arc::new(FixedLatency));
    assert_eq!(gateway.call(post(&[], "{}")).await.status(), StatusCode::ACCEPTED);
    let metrics: Vec<_> = memory.state().measured.iter().map(|one| one.metric.clone()).collect();
    for metric in &metrics {
        let dimensions: Vec<_> = metric.dimensions.iter().map(|(n, v)| (&**n, &**v)).collect();
        match &*metric.namespace {
            "AWS/ApiGateway" => assert_eq!(dimensions, [("ApiName", "spillway"), ("Stage", "live")]),
            "AWS/Lambda" | "Spillway" => assert_eq!(dimensions, [("FunctionName", "spillway-ingest")]),
            other => panic!("a metric in {other}"),
        }
    }
    let expected = [
        ("Count", 1.0),
        ("4XXError", 0.0),
        ("5XXError", 0.0),
        ("Latency", 35.0),
        ("IntegrationLatency", 25.0),
        ("Invocations", 1.0),
        ("Errors", 0.0),
        ("Throttles", 0.0),
        ("Duration", 25.0),
        ("ConcurrentExecutions", 1.0),
        ("EventsAccepted", 1.0),
    ];
    assert_eq!(named(&take_measured(&memory)), expected);
}

#[tokio::test]
async fn over_its_rate_the_api_answers_429_and_invokes_nothing() {
    let memory = pipeline(Behaviour::Accepts);
    let gateway = gateway(&memory, |settings| (settings.api_rate_per_s, settings.api_burst) = (0.5, 2.0));
    for _ in 0..2 {
        assert_eq!(gateway.call(post(&[], "{}")).await.status(), StatusCode::ACCEPTED);
    }
    take_measured(&memory);
    let response = gateway.call(post(&[], "{}")).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["retry-after"], "2");
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(json(&response)["type"], "/problems/throttled");
    assert_eq!(memory.state().sent.len(), 2);
    let measured = take_measured(&memory);
    assert_eq!(named(&measured), [("Count", 1.0), ("4XXError", 1.0), ("5XXError", 0.0), ("Latency", 0.0)]);

    memory.clock.advance(Duration::from_secs(2));
    assert_eq!(gateway.call(post(&[], "{}")).await.status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_full_queue_is_an_error_of_the_api_and_none_of_the_function() {
    let memory = pipeline(Behaviour::IsFull);
    let gateway = gateway(&memory, |_| {});
    let response = gateway.call(post(&[], "{}")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
    let measured = take_measured(&memory);
    assert!(named(&measured).contains(&("5XXError", 1.0)), "{measured:?}");
    assert!(named(&measured).contains(&("Errors", 0.0)), "{measured:?}");

    set_behaviour(&memory, Behaviour::Accepts);
    assert_eq!(gateway.call(post(&[], "{}")).await.status(), StatusCode::ACCEPTED, "the API accepts again");
}

#[tokio::test]
async fn a_function_that_panics_is_502_and_the_next_request_is_served() {
    let memory = pipeline(Behaviour::Panics);
    let gateway = gateway(&memory, |_| {});
    let response = gateway.call(post(&[], "{}")).await;
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert!(!json(&response).to_string().contains("bug"), "{}", json(&response));
    let measured = take_measured(&memory);
    assert!(named(&measured).contains(&("Errors", 1.0)), "{measured:?}");

    set_behaviour(&memory, Behaviour::Accepts);
    assert_eq!(gateway.call(post(&[], "{}")).await.status(), StatusCode::ACCEPTED);
    assert!(named(&take_measured(&memory)).contains(&("ConcurrentExecutions", 1.0)));
}

#[tokio::test(start_paused = true)]
async fn a_function_that_does_not_answer_in_time_is_504() {
    let memory = pipeline(Behaviour::Waits);
    let gateway = gateway(&memory, |_| {});
    let response = gateway.call(post(&[], "{}")).await;
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(json(&response)["type"], "/problems/function-failed");
    assert_eq!(response.headers()["retry-after"], "5");
}

#[tokio::test]
async fn only_requests_for_this_machine_are_taken() {
    let memory = pipeline(Behaviour::Accepts);
    let gateway =
        gateway(&memory, |_| {}).with_hosts(crate::listener::Hosts::new(&["events.example".to_owned()]));
    let rebound = [("host", "evil.example:8080"), ("origin", "http://evil.example:8080")];
    for headers in [&rebound[..], &rebound[..1]] {
        let response = gateway.call(post(headers, "{}")).await;
        assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST);
        assert_eq!(json(&response)["type"], "/problems/misdirected-request");
        assert!(named(&take_measured(&memory)).contains(&("4XXError", 1.0)));
    }
    assert!(memory.state().sent.is_empty());
    for host in ["localhost:8080", "127.0.0.1", "events.example", "spillway"] {
        let response = gateway.call(post(&[("host", host)], "{}")).await;
        assert_eq!(response.status(), StatusCode::ACCEPTED, "{host}");
    }
}

#[tokio::test]
async fn pages_of_other_sites_can_send_nothing_and_read_nothing() {
    let memory = pipeline(Behaviour::Accepts);
    let gateway = gateway(&memory, |_| {});
    let host = ("host", "localhost:8080");
    for site in [
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("origin", "http://localhost:3000"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let response = gateway.call(post(&[host, site], "{}")).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{site:?}");
        assert_eq!(json(&response)["type"], "/problems/forbidden");
    }
    assert!(memory.state().sent.is_empty());
    let origin = ("origin", "http://evil.example");
    let mut preflight = post(&[host, origin, ("access-control-request-method", "POST")], "");
    *preflight.method_mut() = http::Method::OPTIONS;
    for request in [preflight, post(&[host, origin], "{}")] {
        let response = gateway.call(request).await;
        assert!(response.status().is_client_error());
        let allows = response.headers().keys().any(|name| name.as_str().starts_with("access-control-"));
        assert!(!allows, "CORS is closed: {response:?}");
    }
}

#[tokio::test]
async fn concurrent_executions_count_the_requests_under_way() {
    let memory = pipeline(Behaviour::Waits);
    let gateway = gateway(&memory, |_| {});
    {
        // The client of the first goes away.
        let first = gateway.call(post(&[], "{}"));
        let second = gateway.call(post(&[], "{}"));
        tokio::pin!(first, second);
        assert!(futures::poll!(&mut first).is_pending());
        assert!(futures::poll!(&mut second).is_pending());
        memory.gate.add_permits(1);
        drop(futures::poll!(&mut first));
        assert!(named(&take_measured(&memory)).contains(&("ConcurrentExecutions", 1.0)));
    }
    memory.gate.add_permits(1);
    gateway.call(post(&[], "{}")).await;
    let measured = take_measured(&memory);
    assert!(named(&measured).contains(&("ConcurrentExecutions", 1.0)), "{measured:?}");
}

#[tokio::test]
async fn bad_requests_are_measured_as_4xx() {
    let memory = pipeline(Behaviour::Accepts);
    let gateway = gateway(&memory, |_| {});
    for (request, status) in [
        (post(&[], "{"), StatusCode::BAD_REQUEST),
        (post(&[], vec![b' '; 20_001]), StatusCode::PAYLOAD_TOO_LARGE),
        (post(&[("content-type", "text/csv")], "a"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let response = gateway.call(request).await;
        assert_eq!(response.status(), status);
        assert!(response.headers().contains_key("x-amzn-trace-id"));
        let measured = take_measured(&memory);
        assert!(named(&measured).contains(&("4XXError", 1.0)), "{measured:?}");
        assert!(named(&measured).contains(&("5XXError", 0.0)), "{measured:?}");
    }
    assert!(memory.state().sent.is_empty());
}
