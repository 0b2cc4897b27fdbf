//! Records that no consumer can parse. They were put into the queue directly, so no client has a promise for them. This
//! journey runs last, because afterwards the ledger contains dead letters that were never accepted.

use crate::RETRIES;
use crate::support::{SOURCE, event, stored};
use serde_json::json;
use spillway_tests::emulator::Deployment;
use spillway_tests::eventually_within;

pub async fn invalid_records_are_dead_lettered_with_their_reason_and_affect_no_other(at: &Deployment) {
    let queue = at.named("/queues/primary/url");
    let mut good = vec!["poison-good-1", "poison-good-2", "poison-good-3"];
    let of_the_future = json!({"specversion": "9.9", "id": "poison-future", "source": SOURCE, "type": "t"});
    let bodies = [
        event(good[0], &json!(1)).to_string(),
        "no JSON".to_owned(),
        event(good[1], &json!(2)).to_string(),
        // The shortest possible message: SQS accepts no empty one.
        " ".to_owned(),
        of_the_future.to_string(),
        event(good[2], &json!(3)).to_string(),
    ];
    let entry = |(n, body): (usize, &String)| json!({"Id": n.to_string(), "MessageBody": body});
    let entries: Vec<_> = bodies.iter().enumerate().map(entry).collect();
    let request = json!({"QueueUrl": queue, "Entries": entries});
    let answer = at.aws.call("AmazonSQS.SendMessageBatch", &request).await;
    assert!(answer["Failed"].as_array().is_none_or(Vec::is_empty), "{answer:#}");

    // Half of a surrogate pair, which is not valid Unicode text. The emulator's queue does not accept it, so the test
    // invokes the function with it, in Lambda's format.
    let whole = json!(event("poison-good-4", &json!(4)).to_string()).to_string();
    let batch = format!(
        "{{\"Records\":[{},{}]}}",
        record("half", r#""half a pair: \ud800""#),
        record("whole", &whole)
    );
    let answer = at.aws.invoke(at.named("/functions/consumer/name"), &batch).await;
    assert_eq!(answer, json!({"batchItemFailures": []}), "both are settled");
    good.push("poison-good-4");

    eventually_within(RETRIES, "the good ones are stored", async || {
        let found = stored(at, "poison-").await;
        if found.iter().map(String::as_str).eq(good.iter().copied()) { Ok(()) } else { Err(found) }
    })
    .await;
    let list = at.until(&["dlq", "list"], |list| list["total"] == 4).await;
    let reasons: Vec<_> = list["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|letter| {
            (letter["class"].as_str().unwrap_or_default(), letter["reason"].as_str().unwrap_or_default())
        })
        .collect();
    assert!(
        reasons.iter().all(|(class, reason)| *class == "malformed" && !reason.is_empty()),
        "{reasons:#?}"
    );
    assert!(reasons.iter().any(|(_, reason)| reason.contains("specversion")), "{reasons:#?}");
    assert!(
        list["items"].as_array().into_iter().flatten().all(|letter| letter["receive_count"] == 1),
        "{list:#}"
    );
}

/// A record of SQS. Its body is given as JSON.
fn record(id: &str, body: &str) -> String {
    let rest = json!({"messageId": id, "receiptHandle": "none", "messageAttributes": {}, "eventSource": "aws:sqs",
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1700000000000"}});
    format!("{{\"body\":{body},{}", &rest.to_string()[1..])
}
