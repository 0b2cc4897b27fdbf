//! The trace segments that X-Ray receives about an event and its replay.

use crate::support::{STRUCTURED, event, of_events_table, settled};
use serde_json::{Value, json};
use spillway_tests::emulator::Deployment;
use spillway_tests::eventually;
use spillway_tests::fault_proxy::{Fault, Rule};
use spillway_tests::http::Request;

pub async fn an_event_is_one_trace_from_the_api_to_the_table_and_so_is_its_replay(at: &Deployment) {
    at.proxy.set(6, vec![Rule::all(of_events_table(at), Fault::Throttle)]);
    let body = event("traced", &json!({})).to_string();
    assert_eq!(at.send(&Request::post(STRUCTURED, body)).await.id(), "traced");
    at.until(&["dlq", "list"], |list| list["total"] == 1).await;
    at.proxy.clear();
    let replay = at.cli(&["dlq", "replay", "--all", "--wait", "--json"]).await;
    assert_eq!(replay.code, Some(0), "{replay:?}");
    settled(at).await;

    // Ingest's segment is a child of Lambda's segment of the invocation, which is a child of API Gateway's segment of
    // the request. The emulator sends neither of these, so the trace begins with ingest.
    let accepted =
        at.daemon.documents(|document| document["name"] == "accept" && is_about(document, "traced"));
    let [accepted] = &accepted[..] else { panic!("one accept: {accepted:#?}") };
    assert!(accepted["type"] == "subsegment" && accepted["parent_id"].is_string(), "{accepted:#}");
    let root = accepted["trace_id"].as_str().expect("a trace id");
    assert!(calls(accepted).contains(&("SQS".to_owned(), "SendMessage".to_owned())), "{accepted:#}");

    let outcomes = eventually("the replay is traced", async || {
        let found: Vec<_> = at.daemon.trace(root).iter().flat_map(outcomes).collect();
        if found.iter().any(|(_, outcome, _)| outcome == "stored") { Ok(found) } else { Err(found) }
    })
    .await;
    let consumer = at.named("/functions/consumer/name");
    let archiver = at.named("/functions/archiver/name");
    let of = |function: &str, outcome: &str| {
        outcomes.iter().filter(|(by, found, _)| by == function && found == outcome).collect::<Vec<_>>()
    };
    assert_eq!(of(consumer, "retry").len(), 19, "each try: {outcomes:#?}");
    assert_eq!(
        (of(consumer, "dead_lettered").len(), of(archiver, "archived").len()),
        (1, 1),
        "{outcomes:#?}"
    );
    let [(_, _, stored)] = of(consumer, "stored")[..] else { panic!("stored once: {outcomes:#?}") };
    assert_eq!(stored["replay_id"], replay.json()["replay"]["id"], "the replay is identified by its id");

    // Each of Spillway's segments in the trace has its parent in the same trace.
    let trace = at.daemon.trace(root);
    let known: Vec<_> = trace.iter().flat_map(ids).collect();
    for document in trace.iter().filter(|document| document["type"] != "subsegment") {
        assert!(known.contains(&document["parent_id"]), "{document:#}");
        if document["name"] == consumer {
            assert!(calls(document).iter().any(|(service, _)| service == "DynamoDB"), "{document:#}");
        }
    }
    assert!(
        trace.iter().any(|document| document["name"] == "SQS" || document["origin"] == "AWS::SQS::Queue"),
        "{trace:#?}"
    );
    assert!(at.daemon.unreadable().is_empty());
}

fn is_about(document: &Value, event: &str) -> bool {
    all(document).iter().any(|part| part["annotations"]["event_id"] == event)
}

/// Function, outcome and annotations of each record in a function's segment document.
fn outcomes(document: &Value) -> Vec<(String, String, Value)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let parts = all(document).into_iter().filter(|part| part["annotations"]["outcome"].is_string());
    parts
        .map(|part| {
            (text(&document["name"]), text(&part["annotations"]["outcome"]), part["annotations"].clone())
        })
        .collect()
}

/// Service and operation of each call to AWS.
fn calls(document: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let calls = all(document).into_iter().filter(|part| part["namespace"] == "aws");
    calls.map(|part| (text(&part["name"]), text(&part["aws"]["operation"]))).collect()
}

fn ids(document: &Value) -> Vec<Value> {
    all(document).iter().map(|part| part["id"].clone()).collect()
}

/// A document and everything that it contains.
fn all(document: &Value) -> Vec<&Value> {
    let inside = document["subsegments"].as_array().into_iter().flatten().flat_map(all);
    std::iter::once(document).chain(inside).collect()
}
