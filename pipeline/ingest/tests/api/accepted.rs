//! Accepted requests: their answers, and the messages in the queue.

use crate::support::{header, ingest, json, open_queue, post, queue_refusing};
use http::StatusCode;
use serde_json::{Value, json};
use spillway_core::event::Event;
use spillway_core::ports::QueueError;
use spillway_core::trace::TraceHeader;
use spillway_ingest::{Outcome, handle, run};

const STRUCTURED: (&str, &str) = ("content-type", "application/cloudevents+json");
const BATCH: (&str, &str) = ("content-type", "application/cloudevents-batch+json");
const JSON: (&str, &str) = ("content-type", "application/json");

fn event(id: usize) -> Value {
    json!({"specversion":"1.0","id":id.to_string(),"source":"/s","type":"t","data":{"n":id}})
}

fn batch(count: usize) -> String {
    Value::from((0..count).map(event).collect::<Vec<_>>()).to_string()
}

fn unavailable() -> QueueError {
    QueueError::Unavailable { reason: "disk full at /var/secret".to_owned() }
}

#[tokio::test]
async fn structured_mode_keeps_the_senders_text() {
    let queue = open_queue();
    let text = "{\"specversion\":\"1.0\", \"id\":\"1\",\n\"source\":\"/s\",\"type\":\"t\",\"data\":1.50}";
    let response = handle(&ingest(&queue), post(&[STRUCTURED], text)).await;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    assert_eq!(json(&response), json!({"id":"1","source":"/s"}));
    assert_eq!(queue.state().sent[0].body, text);
}

#[tokio::test]
async fn binary_mode_decodes_its_headers() {
    let queue = open_queue();
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", "Euro%20%E2%82%AC"),
        ("ce-source", "/s"),
        ("ce-type", "\"t\""),
        ("ce-tenant", "a"),
        ("content-type", "text/plain"),
    ];
    let response = handle(&ingest(&queue), post(&headers, "hi")).await;
    assert_eq!(json(&response), json!({"id":"Euro €","source":"/s"}));
    let body: Value = serde_json::from_str(&queue.state().sent[0].body).unwrap();
    let expected = json!({
        "specversion":"1.0","id":"Euro €","source":"/s","type":"t","tenant":"a",
        "datacontenttype":"text/plain","data":"hi",
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn plain_json_is_wrapped_with_the_senders_key_or_a_new_id() {
    for (key, expected) in [(Some("order-7"), "order-7"), (Some("\"quoted\""), "quoted")] {
        let queue = open_queue();
        let headers: Vec<_> = [JSON].into_iter().chain(key.map(|key| ("idempotency-key", key))).collect();
        let response = handle(&ingest(&queue), post(&headers, "{\"a\": 1.50}")).await;
        assert_eq!(json(&response), json!({"id": expected, "source":"/spillway/api"}));
        let body = queue.state().sent[0].body.clone();
        assert!(body.ends_with("\"data\":{\"a\": 1.50}}"), "{body}");
        assert_eq!(Event::from_structured(body.as_bytes()).unwrap().key.id.as_str(), expected);
    }
    let queue = open_queue();
    let deps = ingest(&queue);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let response = handle(&deps, post(&[JSON], "{}")).await;
        ids.push(json(&response)["id"].as_str().unwrap().to_owned());
    }
    assert_ne!(ids[0], ids[1]);
    assert!(ids.iter().all(|id| id.len() == 36 && id.as_bytes()[14] == b'7'), "UUIDv7: {ids:?}");
}

#[tokio::test]
async fn a_batch_is_answered_item_by_item() {
    let queue = open_queue();
    let handled = run(&ingest(&queue), &post(&[BATCH], batch(3)), None).await;
    assert_eq!(handled.response.status(), StatusCode::ACCEPTED);
    let results: Vec<_> = (0..3).map(|n| json!({"id":n.to_string(),"source":"/s","status":202})).collect();
    assert_eq!(json(&handled.response), json!({ "results": results }));
    assert_eq!(handled.outcome, Outcome::Accepted);
    assert_eq!(handled.promised.len(), 3);
    assert_eq!(queue.state().sent.len(), 3);
}

#[tokio::test]
async fn an_empty_batch_is_valid_and_sends_nothing() {
    let queue = queue_refusing(|_| Some(unavailable()));
    let response = handle(&ingest(&queue), post(&[BATCH], "[]")).await;
    assert_eq!((response.status(), json(&response)), (StatusCode::ACCEPTED, json!({"results":[]})));
}

#[tokio::test]
async fn a_batch_accepted_in_part_names_its_items() {
    let queue = queue_refusing(|position| (position == 1).then_some(QueueError::Throttled));
    let handled = run(&ingest(&queue), &post(&[BATCH], batch(3)), None).await;
    assert_eq!(handled.response.status(), StatusCode::MULTI_STATUS);
    assert!(header(&handled.response, "retry-after").is_some());
    let answer = json(&handled.response);
    let statuses: Vec<_> = answer["results"].as_array().unwrap().iter().map(|r| &r["status"]).collect();
    assert_eq!(statuses, [202, 503, 202]);
    let promised: Vec<_> = handled.promised.iter().map(|(key, _)| key.id.as_str()).collect();
    assert_eq!((handled.outcome, promised), (Outcome::PartlyAccepted, vec!["0", "2"]));
}

#[tokio::test]
async fn an_unavailable_queue_is_503_and_its_reason_stays_inside() {
    let in_doubt = QueueError::InDoubt { reason: "no answer from the disk".to_owned() };
    for error in [unavailable(), QueueError::Throttled, in_doubt] {
        for request in [post(&[JSON], "{}"), post(&[BATCH], batch(1)), post(&[BATCH], batch(3))] {
            let error = error.clone();
            let refusal = error.clone();
            let queue = queue_refusing(move |_| Some(refusal.clone()));
            let handled = run(&ingest(&queue), &request, None).await;
            let response = &handled.response;
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(header(response, "content-type"), Some("application/problem+json"));
            assert!(header(response, "retry-after").unwrap().parse::<u32>().unwrap() > 0);
            let document = json(response);
            assert!(document["detail"].as_str().unwrap().starts_with("nothing was accepted"), "{document}");
            assert!(!document.to_string().contains("disk"), "{document}");
            assert_eq!((handled.outcome, handled.promised.len()), (Outcome::Unavailable, 0));
            let sending = handled.sending.unwrap();
            let is_in_doubt = matches!(error, QueueError::InDoubt { .. });
            assert_eq!(sending.in_doubt, if is_in_doubt { sending.messages } else { 0 });
            assert!(queue.state().sent.is_empty());
        }
    }
}

#[tokio::test]
async fn an_event_that_the_queue_will_never_take_is_413_with_its_limit() {
    let queue = queue_refusing(|_| Some(QueueError::TooLarge { bytes: 9, limit: 8 }));
    let handled = run(&ingest(&queue), &post(&[JSON], "{}"), None).await;
    assert_eq!(
        (handled.response.status(), handled.outcome),
        (StatusCode::PAYLOAD_TOO_LARGE, Outcome::Refused)
    );
    assert_eq!(json(&handled.response)["limit"], 8);
}

#[tokio::test]
async fn an_event_without_a_report_is_not_accepted() {
    let queue = open_queue();
    queue.state().answers = 2;
    let handled = run(&ingest(&queue), &post(&[BATCH], batch(3)), None).await;
    assert_eq!(handled.response.status(), StatusCode::MULTI_STATUS);
    assert_eq!((handled.promised.len(), queue.state().sent.len()), (2, 2));
}

#[tokio::test]
async fn messages_carry_the_trace() {
    let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    let queue = open_queue();
    handle(&ingest(&queue), post(&[JSON, ("x-amzn-trace-id", trace)], "{}")).await;
    assert_eq!(queue.state().sent[0].trace_header.as_deref(), Some(trace));

    let own = TraceHeader::parse(trace).unwrap().child_of("00000000000000ff");
    let queue = open_queue();
    run(&ingest(&queue), &post(&[JSON, ("x-amzn-trace-id", trace)], "{}"), Some(&own)).await;
    assert_eq!(queue.state().sent[0].trace_header, Some(own.to_string()));
}

#[tokio::test]
async fn health_answers() {
    let queue = queue_refusing(|_| Some(unavailable()));
    let mut request = post(&[], "");
    *request.method_mut() = http::Method::GET;
    *request.uri_mut() = "/health".parse().unwrap();
    let response = handle(&ingest(&queue), request).await;
    assert_eq!((response.status(), json(&response)), (StatusCode::OK, json!({"status":"ok"})));
}
