//! An outage of the events' table, from the first retry to the replay.

use crate::support::{all_stored, batch, grown, ids, of_events_table, settled, stored};
use serde_json::{Value, json};
use spillway_tests::emulator::Deployment;
use spillway_tests::fault_proxy::{Calls, Fault, Rule, Service};

pub async fn events_that_cannot_be_stored_are_archived_and_replayed(at: &Deployment) {
    let before = settled(at).await;
    let counts = at.proxy.counts();
    at.proxy.set(1, vec![Rule::all(of_events_table(at), Fault::Fail)]);
    let all = ids("outage", 20);
    assert_eq!(at.send(&batch(&all)).await.status, 202, "what is accepted does not depend on the table");

    let list = at.until(&["dlq", "list"], |list| list["total"] == 20).await;
    let faults = at.proxy.counts().since(&counts).faults(Fault::Fail);
    assert!(faults >= 20 * 20, "each was tried twenty times: {faults}");
    assert!(stored(at, "outage").await.is_empty());
    for letter in list["items"].as_array().expect("dead letters") {
        assert_eq!(
            (&letter["class"], &letter["receive_count"]),
            (&json!("store_unavailable"), &json!(20)),
            "{letter:#}"
        );
        let shown = at.json(&["dlq", "show", letter["id"].as_str().expect("an id")]).await;
        assert_eq!(shown["failures"][0]["class"], "store_unavailable", "{shown:#}");
        assert_eq!(body_id(&shown["body"]), letter["event_id"], "the body is what was accepted");
    }
    let ledger = settled(at).await;
    assert_eq!((grown(&before, &ledger, "accepted"), grown(&before, &ledger, "archived")), (20, 20));

    // The archive has objects, and an index to find them.
    let archive = at.topology()["archive"].clone();
    let (bucket, prefix) =
        (archive["bucket"].as_str().unwrap_or_default(), archive["prefix"].as_str().unwrap_or_default());
    for letter in list["items"].as_array().expect("dead letters") {
        let of_it = format!("{prefix}{}/", letter["id"].as_str().expect("an id"));
        let [key] = &at.aws.keys(bucket, &of_it).await[..] else { panic!("one object below {of_it}") };
        let document: Value =
            serde_json::from_slice(&at.aws.object(bucket, key).await).expect("a dead letter is JSON");
        assert_eq!(body_id(&document["body"]), letter["event_id"], "{document:#}");
    }

    at.proxy.clear();
    let replay = at.cli(&["dlq", "replay", "--all", "--wait", "--json"]).await;
    assert_eq!((replay.code, &replay.json()["replay"]["stored"]), (Some(0), &json!(20)), "{replay:?}");
    all_stored(at, "outage", &all).await;
    let after = settled(at).await;
    assert_eq!((grown(&before, &after, "stored"), grown(&before, &after, "archived")), (20, 0));
}

pub async fn an_index_that_fails_is_repaired_later(at: &Deployment) {
    let before = settled(at).await;
    let index = Calls::of(Service::DynamoDb).about(format!("\"{}\"", at.named("/dead_letter_index/name")));
    at.proxy.set(2, vec![Rule::all(of_events_table(at), Fault::Throttle), Rule::all(index, Fault::Fail)]);
    let all = ids("unindexed", 3);
    assert_eq!(at.send(&batch(&all)).await.status, 202);
    let (bucket, unindexed) = (at.named("/archive/bucket"), at.named("/archive/unindexed_prefix"));
    spillway_tests::eventually_within(crate::RETRIES, "the archive has what its index lacks", async || {
        let notes = at.aws.keys(bucket, unindexed).await;
        if notes.len() == 3 { Ok(()) } else { Err(notes) }
    })
    .await;
    let ledger = settled(at).await;
    assert_eq!(grown(&before, &ledger, "archived"), 3, "they are safe, and counted");

    at.proxy.clear();
    let answer = at.aws.invoke(at.named("/functions/archiver/name"), &json!({"task": "mend-index"})).await;
    assert!(answer.get("errorMessage").is_none(), "{answer:#}");
    let list = at.until(&["dlq", "list"], |list| list["total"] == 3).await;
    assert_eq!(list["items"][0]["class"], "store_throttled");
    assert!(at.aws.keys(bucket, unindexed).await.is_empty());
    let replay = at.cli(&["dlq", "replay", "--all", "--wait", "--json"]).await;
    assert_eq!(replay.code, Some(0), "{replay:?}");
    all_stored(at, "unindexed", &all).await;
    settled(at).await;
}

fn body_id(body: &Value) -> Value {
    let event: Value = serde_json::from_str(body.as_str().unwrap_or_default()).expect("a body is an event");
    event["id"].clone()
}
