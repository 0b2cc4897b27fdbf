//! The ingest function, from the event that API Gateway builds from a request to the answer that it sends
//! back.

#![expect(clippy::unwrap_used, reason = "test code")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use spillway_core::ports::QueueError;
use spillway_core::settings::PipelineSettings;
use spillway_core::trace::TraceHeader;
use spillway_functions_ingest::{Function, run};
use spillway_ingest::Ingest;
use spillway_testkit::{FunctionHarness, State};

const OWN: &str = "Root=1-6a000000-0123456789abcdef01234567;Parent=00000000000000aa;Sampled=1";

type Harness = FunctionHarness<Function>;

fn ingest(set_up: impl FnOnce(&mut State)) -> Harness {
    FunctionHarness::new("shop-ingest", set_up, |pipeline, telemetry| Function {
        ingest: Ingest::new(pipeline.clone(), pipeline.clock.clone(), &PipelineSettings::default()),
        telemetry,
    })
}

fn invoke(ingest: &Harness, event: &Value, trace: Option<&str>) -> Value {
    let answer = ingest
        .invoke(event, trace, async |function, payload, invocation| run(function, payload, invocation).await);
    answer.unwrap()
}

/// A request as the deployment's API passes it on: every body in Base64, since every media type counts as binary.
fn post(body: &[u8]) -> Value {
    json!({
        "resource": "/events", "path": "/events", "httpMethod": "POST",
        "headers": { "content-type": "application/json", "X-Amzn-Trace-Id": "Root=1-6a000000-0123456789abcdef01234567" },
        "multiValueHeaders": {
            "content-type": ["application/json"], "X-Amzn-Trace-Id": ["Root=1-6a000000-0123456789abcdef01234567"]
        },
        "body": STANDARD.encode(body), "isBase64Encoded": true,
        "requestContext": { "stage": "v1", "path": "/v1/events", "httpMethod": "POST" }
    })
}

#[test]
fn an_event_is_queued_before_it_is_answered_and_counted() {
    let ingest = ingest(|_| {});
    let answer = invoke(&ingest, &post(r#"{"order":7,"note":"Grüße"}"#.as_bytes()), None);
    assert_eq!((&answer["statusCode"], &answer["isBase64Encoded"]), (&json!(202), &json!(false)));
    let reply: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    let sent = ingest.pipeline.state().sent.clone();
    let event: Value = serde_json::from_str(&sent[0].body).unwrap();
    assert_eq!((&event["id"], &event["data"]["note"]), (&reply["id"], &json!("Grüße")));
    let line = ingest.lines()[0].clone();
    assert_eq!((&line["EventsAccepted"], &line["FunctionName"]), (&json!(1), &json!("shop-ingest")));
}

#[test]
fn a_message_that_the_queue_did_not_confirm_is_counted_as_in_doubt() {
    let ingest = ingest(|state| {
        state.refuse(|_, _| Some(QueueError::InDoubt { reason: "the connection broke".to_owned() }));
    });
    let answer = invoke(&ingest, &post(br#"{"order":7}"#), None);
    assert_eq!(answer["statusCode"], 503);
    let line = ingest.lines()[0].clone();
    assert_eq!((&line["EventsInDoubt"], &line["EventsAccepted"]), (&json!(1), &Value::Null));
}

#[test]
fn one_trace_goes_from_the_request_to_the_message() {
    let ingest = ingest(|_| {});
    invoke(&ingest, &post(br#"{"order":7}"#), Some(OWN));
    let accept = ingest.segment();
    assert_eq!((&accept["type"], &accept["name"]), (&json!("subsegment"), &json!("accept")));
    assert_eq!(accept["trace_id"], "1-6a000000-0123456789abcdef01234567");
    assert_eq!(accept["parent_id"], "00000000000000aa");
    assert_eq!(accept["annotations"]["outcome"], "accepted");
    let event: Value = serde_json::from_str(&ingest.pipeline.state().sent[0].body).unwrap();
    assert_eq!(
        (&accept["annotations"]["event_id"], accept["annotations"]["event_type"].as_str()),
        (&event["id"], Some("json"))
    );
    let header = ingest.pipeline.state().sent[0].trace_header.clone().unwrap();
    let header = TraceHeader::parse(&header).unwrap();
    assert_eq!((header.root.as_str(), header.sampled), ("1-6a000000-0123456789abcdef01234567", true));
    assert!(
        header.parent.is_some_and(|parent| parent != "00000000000000aa"),
        "the call that sent it is its parent"
    );
}

#[test]
fn a_trace_that_is_not_sampled_is_passed_on_and_not_recorded() {
    let ingest = ingest(|_| {});
    invoke(&ingest, &post(br#"{"order":7}"#), Some(&OWN.replace("Sampled=1", "Sampled=0")));
    let header = ingest.pipeline.state().sent[0].trace_header.clone().unwrap();
    assert!(header.ends_with("Sampled=0"), "{header}");
    assert!(ingest.has_no_segments());
}

#[test]
fn a_queue_that_accepts_nothing_is_503_and_no_promise() {
    let ingest = ingest(State::queue_is_down);
    let answer = invoke(&ingest, &post(br#"{"order":7}"#), None);
    assert_eq!(
        (&answer["statusCode"], &answer["multiValueHeaders"]["retry-after"]),
        (&json!(503), &json!(["5"]))
    );
    assert!(ingest.lines().is_empty());
}

#[test]
fn what_is_too_large_or_no_event_is_refused_as_everywhere() {
    let ingest = ingest(|_| {});
    let large = invoke(&ingest, &post(&vec![b' '; 1024 * 1024 + 1]), None);
    assert_eq!(large["statusCode"], 413);
    let broken = invoke(&ingest, &post(&[0xff, 0xfe, b'{']), None);
    assert_eq!(broken["statusCode"], 400);
    let problem: Value = serde_json::from_str(broken["body"].as_str().unwrap()).unwrap();
    assert_eq!(problem["type"], "/problems/invalid-event");
    assert!(ingest.pipeline.state().sent.is_empty());
}

#[test]
fn a_warm_up_is_404_and_leaves_no_trace() {
    let ingest = ingest(|_| {});
    // As the schedule in terraform/functions.tf sends it.
    let event = json!({
        "resource": "/{proxy+}", "path": "/warm-up", "httpMethod": "GET", "headers": {}, "multiValueHeaders": {},
        "queryStringParameters": {}, "multiValueQueryStringParameters": {}, "pathParameters": {}, "stageVariables": {},
        "body": null, "isBase64Encoded": false,
        "requestContext": {
            "path": "/v1/warm-up", "stage": "v1", "httpMethod": "GET", "requestId": "warm-up",
            "resourcePath": "/{proxy+}", "protocol": "HTTP/1.1", "identity": { "sourceIp": "127.0.0.1" },
            "requestTimeEpoch": 0
        }
    });
    assert_eq!(invoke(&ingest, &event, None)["statusCode"], 404);
    assert!(ingest.lines().is_empty() && ingest.has_no_segments());
}
