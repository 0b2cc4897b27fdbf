//! What happens to batches and transactions that DynamoDB processes in part, or not at once.

use super::batch::{delete_all, get_all, put_all};
use super::item::{item, text};
use super::transact::{Action, Change, TransactionError, change, transact};
use crate::call_error::RetryDecision;
use crate::testing::script::{Answer, Call, Script};
use serde_json::{Value, json};

fn keys(count: usize) -> Vec<super::item::Item> {
    (0..count).map(|n| item([("pk", text(format!("k{n}")))])).collect()
}

#[tokio::test]
async fn unprocessed_keys_are_requested_again() {
    let script = Script::start(|call, _| {
        let keys = call.body["RequestItems"]["t"]["Keys"].as_array().unwrap().clone();
        // Never more than 40 at once.
        let (done, left) = keys.split_at(keys.len().min(40));
        let mut answer = json!({"Responses": {"t": done}, "UnprocessedKeys": {}});
        if !left.is_empty() {
            answer["UnprocessedKeys"] = json!({"t": {"Keys": left, "ConsistentRead": true}});
        }
        Answer::Ok(answer)
    })
    .await;
    let read = get_all(&script.clients().dynamodb(), "t", keys(130)).await.unwrap();
    assert_eq!(read.len(), 130);
    assert_eq!(script.calls().len(), 4, "100 in three calls, 30 in one");
    assert_eq!(script.calls()[3].body["RequestItems"]["t"]["ConsistentRead"], true);
}

#[tokio::test]
async fn unprocessed_writes_are_retried_or_reported() {
    let script = Script::start(|call, before| {
        let requests = call.body["RequestItems"]["t"].as_array().unwrap();
        let left = if before == 0 { &requests[10..] } else { &[] };
        Answer::Ok(json!({"UnprocessedItems": if left.is_empty() { json!({}) } else { json!({"t": left}) }}))
    })
    .await;
    put_all(&script.clients().dynamodb(), "t", keys(25)).await.unwrap();
    let sizes: Vec<_> =
        script.calls().iter().map(|call| call.body["RequestItems"]["t"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [25, 15]);

    let script =
        Script::start(|call, _| Answer::Ok(json!({"UnprocessedItems": call.body["RequestItems"]}))).await;
    let error = delete_all(&script.hasty_clients().dynamodb(), "t", keys(3)).await.unwrap_err();
    assert_eq!((error.decision, error.text.contains("3 items")), (RetryDecision::Throttled, true));
}

fn canceled(codes: &[&str]) -> Answer {
    let reasons: Vec<Value> = codes.iter().map(|code| json!({"Code": code})).collect();
    Answer::Error(
        "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        json!({"CancellationReasons": reasons}),
    )
}

fn two(tries: usize) -> Vec<Action> {
    let change = |name: &str| Action::Change {
        table: "t".to_owned(),
        key: item([("pk", text(format!("{name}{tries}")))]),
        change: Change::default().add("n", 1),
    };
    vec![change("a"), change("b")]
}

#[tokio::test]
async fn transactions_that_conflicted_are_built_again_and_retried() {
    let script = Script::start(|_, before| match before {
        0 => canceled(&["None", "TransactionConflict"]),
        1 => canceled(&["ThrottlingError", "None"]),
        _ => Answer::Ok(json!({})),
    })
    .await;
    transact(&script.clients().dynamodb(), two).await.unwrap();
    let calls = script.calls();
    let key = |call: &Call| call.body["TransactItems"][1]["Update"]["Key"]["pk"]["S"].clone();
    assert_eq!(calls.iter().map(key).collect::<Vec<_>>(), ["b0", "b1", "b2"]);
    let tokens: Vec<_> = calls.iter().map(|call| call.body["ClientRequestToken"].clone()).collect();
    assert!(tokens[0].is_string() && tokens[0] != tokens[1], "another try is another transaction");
}

#[tokio::test]
async fn a_transaction_whose_connection_broke_is_sent_again_with_its_token() {
    let script =
        Script::start(|_, before| if before == 0 { Answer::Cut } else { Answer::Ok(json!({})) }).await;
    transact(&script.clients().dynamodb(), two).await.unwrap();
    let calls = script.calls();
    assert_eq!(calls[0].body["ClientRequestToken"], calls[1].body["ClientRequestToken"]);
}

#[tokio::test]
async fn failed_conditions_are_named_and_not_retried() {
    let script = Script::start(|_, _| canceled(&["None", "ConditionalCheckFailed"])).await;
    assert_eq!(transact(&script.clients().dynamodb(), two).await, Err(TransactionError::Conditions(vec![1])));
    assert_eq!(script.calls().len(), 1);
    let script = Script::start(|_, _| canceled(&["ValidationError", "None"])).await;
    let Err(TransactionError::Call(error)) = transact(&script.clients().dynamodb(), two).await else {
        panic!()
    };
    assert_eq!((error.decision, error.text.contains("ValidationError")), (RetryDecision::Refused, true));

    let script = Script::start(|_, _| {
        Answer::error("com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException")
    })
    .await;
    let client = script.clients().dynamodb();
    let note = Change::default().set("a", text("b")).if_absent("a");
    assert_eq!(change(&client, "t", item([("pk", text("k"))]), note).await, Ok(false));
}
