//! Requests through API Gateway, accepted and refused.

use crate::support::{BATCH, STRUCTURED, event, grown, settled};
use serde_json::{Value, json};
use spillway_tests::emulator::Deployment;
use spillway_tests::http::Request;

async fn kept(at: &Deployment, id: &str) -> Value {
    let found = at.until(&["get", id], |found| found["state"] == "stored").await;
    found["locations"][0]["event"].clone()
}

pub async fn events_are_stored_as_they_were_sent_in_every_mode(at: &Deployment) {
    let before = settled(at).await;
    let data = json!({"text": "Grüße", "parts": [1, 2.5, null]});

    let plain = at.send(&Request::post("application/json", r#"{"hello":"world"}"#)).await.id();
    let keyed = Request::post("application/json", "{}").header("idempotency-key", "accept-key");
    assert_eq!(at.send(&keyed).await.id(), "accept-key");
    let structured = event("accept-structured", &data);
    assert_eq!(at.send(&Request::post(STRUCTURED, structured.to_string())).await.id(), "accept-structured");
    let binary = Request::post("application/json; charset=utf-8", data.to_string())
        .header("ce-specversion", "1.0")
        .header("ce-id", "accept-binary")
        .header("ce-source", "/a")
        .header("ce-type", "greeting")
        .header("ce-subject", "Gr%C3%BC%C3%9Fe");
    assert_eq!(at.send(&binary).await.id(), "accept-binary");
    let batch = json!([event("accept-batch-1", &data), event("accept-batch-2", &json!({}))]);
    let answer = at.send(&Request::post(BATCH, batch.to_string())).await;
    assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));

    assert_eq!(kept(at, &plain).await["data"], json!({"hello": "world"}));
    assert_eq!(kept(at, "accept-structured").await, structured);
    let event = kept(at, "accept-binary").await;
    assert_eq!((&event["data"], &event["subject"]), (&data, &json!("Grüße")));
    assert_eq!(kept(at, "accept-batch-1").await["data"], data);
    kept(at, "accept-batch-2").await;
    let after = settled(at).await;
    assert_eq!((grown(&before, &after, "accepted"), grown(&before, &after, "stored")), (6, 6));
}

pub async fn a_request_that_cannot_be_accepted_gets_a_reason(at: &Deployment) {
    let before = settled(at).await;
    let large = json!({"specversion": "1.0", "id": "large", "source": "/a", "type": "t", "data": "x".repeat(250_000)});
    let incomplete = json!([event("ok", &json!(1)), {"specversion": "1.0", "id": "no-type", "source": "/a"}]);
    for (request, status, words) in [
        (Request::post("application/json", "{\"a\":"), 400, "JSON"),
        (
            Request::post(STRUCTURED, json!({"specversion": "1.0", "id": "x", "type": "t"}).to_string()),
            400,
            "source",
        ),
        (Request::post(BATCH, incomplete.to_string()), 400, "/1"),
        (Request::post(STRUCTURED, large.to_string()), 413, "245760"),
        (Request::post("application/json", "x".repeat(1_100_000)), 413, "1048576"),
        (Request::post("text/plain", "hello"), 415, "text/plain"),
    ] {
        let answer = at.send(&request).await;
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, status, "{body}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{body}");
        assert!(body.contains(words), "{words}: {body}");
    }
    let after = settled(at).await;
    assert_eq!(grown(&before, &after, "accepted"), 0);
}
