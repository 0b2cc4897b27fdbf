//! What happens to events when DynamoDB throttles, refuses, or does not answer.

use super::*;
use crate::clients::Clients;
use crate::testing::script::{Answer, Script};
use serde_json::json;
use spillway_testkit::letters::store_item;
use std::time::Duration;

fn event(id: &str, body: &str) -> StoreItem {
    store_item(id, "m", body)
}

fn with(clients: &Clients, within_ms: u64) -> DynamoEvents {
    let milliseconds = Duration::from_millis;
    let pace = Pace { base: milliseconds(1), cap: milliseconds(5), within: milliseconds(within_ms) };
    DynamoEvents::new(clients.dynamodb(), "events").with_pace(pace)
}

/// Tries often.
fn store(script: &Script) -> DynamoEvents {
    with(&script.clients(), 20_000)
}

async fn put(script: &Script) -> Result<PutOutcome, StoreError> {
    store(script).put_if_absent(&[event("a", "{}")]).await.remove(0)
}

/// Tries often and gives up soon.
async fn put_with_short_deadline(script: &Script) -> Result<PutOutcome, StoreError> {
    with(&script.hasty_clients(), 600).put_if_absent(&[event("a", "{}")]).await.remove(0)
}

const THROTTLED: &str = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
const THERE: &str = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";

#[tokio::test]
async fn a_throttled_write_is_retried_until_the_deadline() {
    let script =
        Script::start(|_, before| if before < 2 { Answer::error(THROTTLED) } else { Answer::Ok(json!({})) })
            .await;
    assert_eq!(put(&script).await, Ok(PutOutcome::Stored));
    assert_eq!(script.actions(), ["PutItem"; 3]);
    let call = &script.calls()[0].body;
    assert_eq!(call["ConditionExpression"], "attribute_not_exists(id)");
    assert_eq!(call["ReturnValuesOnConditionCheckFailure"], json!(null), "no write is in doubt");
    let script = Script::start(|_, _| Answer::error(THROTTLED)).await;
    assert_eq!(put_with_short_deadline(&script).await, Err(StoreError::Throttled));
}

#[tokio::test]
async fn an_existing_event_counts_as_stored_already() {
    let script = Script::start(|_, _| Answer::error(THERE)).await;
    assert_eq!(put(&script).await, Ok(PutOutcome::AlreadyStored));
    assert_eq!(script.calls().len(), 1);
}

#[tokio::test]
async fn our_own_write_after_a_broken_connection_counts_as_stored_and_another_writers_does_not() {
    for (message, expected) in [("m", PutOutcome::Stored), ("other", PutOutcome::AlreadyStored)] {
        let script = Script::start(move |call, before| {
            if before == 0 {
                return Answer::Cut;
            }
            assert_eq!(call.body["ReturnValuesOnConditionCheckFailure"], "ALL_OLD");
            let mut there = call.body["Item"].clone();
            there["message_id"] = json!({"S": message});
            Answer::Error(THERE, json!({"Item": there}))
        })
        .await;
        assert_eq!(put(&script).await, Ok(expected), "{message}");
    }
    // The same message, written by an earlier delivery of it.
    let script = Script::start(|call, before| {
        if before == 0 {
            return Answer::Status(500, "InternalServerError");
        }
        let mut there = call.body["Item"].clone();
        there["stored_at"] = json!({"S": "2026-01-01T00:00:00Z"});
        Answer::Error(THERE, json!({"Item": there}))
    })
    .await;
    assert_eq!(put(&script).await, Ok(PutOutcome::AlreadyStored));
}

#[tokio::test]
async fn no_answer_is_a_timeout_and_an_error_is_unavailable() {
    let script = Script::start(|_, _| Answer::Silence).await;
    assert!(matches!(put_with_short_deadline(&script).await, Err(StoreError::Timeout { .. })));
    let script = Script::start(|_, _| Answer::Cut).await;
    assert!(matches!(put_with_short_deadline(&script).await, Err(StoreError::Unavailable { .. })));
    let script = Script::start(|_, _| Answer::error("AccessDeniedException")).await;
    assert!(
        matches!(put(&script).await, Err(StoreError::Unavailable { reason }) if reason.contains("AccessDenied"))
    );
    assert_eq!(script.calls().len(), 1, "a refused write is not retried");
}

#[tokio::test]
async fn items_over_400_kb_are_not_sent_and_each_has_an_answer_of_its_own() {
    let script = Script::start(|call, _| match call.body["Item"]["id"]["S"].as_str() {
        Some("b") => {
            Answer::Error("ValidationException", json!({"message": "Item size has exceeded the maximum"}))
        }
        Some("c") => Answer::error(THERE),
        _ => Answer::Ok(json!({})),
    })
    .await;
    let large = "x".repeat(LARGEST_ITEM);
    let items = [event("a", "{}"), event("large", &large), event("c", "{}"), event("d", "{}")];
    let answers = store(&script).put_if_absent(&items).await;
    assert_eq!(answers[0], Ok(PutOutcome::Stored));
    let Err(StoreError::TooLarge { bytes, limit }) = answers[1] else { panic!("{:?}", answers[1]) };
    assert!(bytes > limit && limit == 409_600);
    assert_eq!((&answers[2], &answers[3]), (&Ok(PutOutcome::AlreadyStored), &Ok(PutOutcome::Stored)));
    assert_eq!(script.calls().len(), 3);
}

#[tokio::test]
async fn reading_is_consistent_and_tried_again() {
    let script = Script::start(|call, before| {
        assert_eq!(call.body["ConsistentRead"], true);
        match before {
            0 => Answer::error(THROTTLED),
            _ => Answer::Ok(json!({"Item": {
                "id": {"S": "a"}, "source": {"S": "/s"}, "type": {"S": "t"}, "body": {"S": "{}"}, "message_id": {"S": "m"},
                "accepted_at": {"S": "2026-01-01T00:00:00Z"}, "stored_at": {"S": "2026-01-01T00:00:01Z"},
            }})),
        }
    })
    .await;
    let read = store(&script).get(&EventKey::new("/s", "a")).await.unwrap().unwrap();
    assert_eq!((read.body.as_str(), read.message_id.as_str()), ("{}", "m"));
    let script = Script::start(|_, _| Answer::Ok(json!({"Item": {"id": {"S": "a"}}}))).await;
    let error = store(&script).get(&EventKey::new("/s", "a")).await.unwrap_err();
    assert!(error.to_string().contains("lacks an attribute"), "{error}");
}

#[tokio::test]
async fn what_has_not_been_tried_by_the_deadline_is_not_tried_any_more() {
    let script = Script::start(|_, _| Answer::Silence).await;
    let events: Vec<_> = (0..100).map(|number| event(&number.to_string(), "{}")).collect();
    let answers = with(&script.hasty_clients(), 50).put_if_absent(&events).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(StoreError::Timeout { .. }))), "{answers:?}");
    assert!(script.calls().len() <= WRITES_AT_ONCE, "{} writes of 100", script.calls().len());
}
