//! Accepting and storing events.

use serde_json::{Value, json};
use spillway_tests::System;
use spillway_tests::http::Request;

const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

fn event(id: &str, source: &str, data: &Value) -> Value {
    json!({"specversion": "1.0", "id": id, "source": source, "type": "greeting", "data": data})
}

async fn stored(system: &System, id: &str) -> Value {
    let found = system.until(&["get", id], |found| found["state"] == "stored").await;
    found["locations"][0]["event"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_json_is_promised_and_stored() {
    let system = System::start_empty().await;
    let answer = system.send(&Request::post("application/json", r#"{"hello":"world"}"#)).await;
    let event = stored(&system, &answer.id()).await;
    assert_eq!(event["data"], json!({"hello": "world"}));
    assert_eq!(event["specversion"], "1.0");

    let keyed = Request::post("application/json", "{}").header("idempotency-key", "key-1");
    assert_eq!(system.send(&keyed).await.id(), "key-1");
    assert_eq!(system.send(&keyed).await.id(), "key-1");
    let ledger = system.until(&["flow"], |flow| flow["stored"] == 3).await;
    assert_eq!((&ledger["accepted"], &ledger["duplicates"]), (&json!(3), &json!(1)));
    assert_eq!(ledger["unaccounted"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn cloud_events_are_stored_as_they_were_sent_in_every_mode() {
    let system = System::start_empty().await;
    let data = json!({"text": "Grüße", "parts": [1, 2.5, null]});
    let structured = event("structured", "/a", &data);
    assert_eq!(system.send(&Request::post(STRUCTURED, structured.to_string())).await.id(), "structured");
    assert_eq!(stored(&system, "structured").await, structured);

    let binary = Request::post("application/json; charset=utf-8", data.to_string())
        .header("ce-specversion", "1.0")
        .header("ce-id", "binary")
        .header("ce-source", "/a")
        .header("ce-type", "greeting")
        .header("ce-subject", "Gr%C3%BC%C3%9Fe");
    assert_eq!(system.send(&binary).await.id(), "binary");
    let kept = stored(&system, "binary").await;
    assert_eq!((&kept["data"], &kept["subject"]), (&data, &json!("Grüße")));

    let image = Request::post("image/png", &b"\x89PNG\0\xff"[..])
        .header("ce-specversion", "1.0")
        .header("ce-id", "image")
        .header("ce-source", "/a")
        .header("ce-type", "image.uploaded");
    assert_eq!(system.send(&image).await.id(), "image");
    assert_eq!(stored(&system, "image").await["data_base64"], "iVBORwD/");

    let batch = json!([event("batch-1", "/a", &data), event("batch-2", "/a", &json!({}))]);
    let answer = system.send(&Request::post(BATCH, batch.to_string())).await;
    let results = answer.json()["results"].clone();
    assert_eq!(answer.status, 202, "{results:#}");
    for (result, id) in results.as_array().expect("an answer per item").iter().zip(["batch-1", "batch-2"]) {
        assert_eq!((&result["id"], &result["status"]), (&json!(id), &json!(202)));
        stored(&system, id).await;
    }
    let ledger = system.until(&["flow"], |flow| flow["stored"] == 5).await;
    assert_eq!((&ledger["accepted"], &ledger["unaccounted"]), (&json!(5), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_source_and_id_is_one_event() {
    let system = System::start_empty().await;
    let first = event("1", "/a", &json!({"n": 1}));
    let again = event("1", "/a", &json!({"n": 2}));
    let elsewhere = event("1", "/b", &json!({"n": 3}));
    for body in [&first, &first] {
        assert_eq!(system.send(&Request::post(STRUCTURED, body.to_string())).await.id(), "1");
    }
    stored(&system, "1").await;
    for body in [json!([first, again, elsewhere]), json!([again])] {
        assert_eq!(system.send(&Request::post(BATCH, body.to_string())).await.status, 202);
    }
    let ledger = system.until(&["flow"], |flow| flow["stored"] == 6).await;
    assert_eq!((&ledger["accepted"], &ledger["duplicates"]), (&json!(6), &json!(4)));
    let found = system.json(&["get", "1"]).await;
    let kept: Vec<_> =
        found["locations"].as_array().expect("places").iter().map(|place| &place["event"]).collect();
    assert_eq!(kept.len(), 2, "{found:#}");
    assert!(kept.contains(&&first) && kept.contains(&&elsewhere), "the first one stays: {found:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tool_sends_what_it_is_given() {
    let system = System::start_empty().await;
    let sent = system.cli(&["send", "--url", &system.url(), "--type", "t", "--id", "s1", "{\"a\":1}"]).await;
    assert_eq!((sent.code, sent.out.trim()), (Some(0), "s1"), "{sent:?}");
    assert_eq!(stored(&system, "s1").await["data"], json!({"a": 1}));
    let unknown = system.cli(&["get", "never-sent", "--json"]).await;
    assert_eq!((unknown.code, &unknown.json()["state"]), (Some(3), &json!("unknown")));
}
