//! Helpers that several journeys use.

use serde_json::{Value, json};
use spillway_tests::emulator::Deployment;
use spillway_tests::emulator::deployment::RETRIES;
use spillway_tests::eventually_within;
use spillway_tests::fault_proxy::{Calls, Service};
use spillway_tests::http::Request;
use std::collections::BTreeSet;

pub const STRUCTURED: &str = "application/cloudevents+json";
pub const BATCH: &str = "application/cloudevents-batch+json";
pub const SOURCE: &str = "/journey";

pub fn event(id: &str, data: &Value) -> Value {
    json!({"specversion": "1.0", "id": id, "source": SOURCE, "type": "greeting", "data": data})
}

/// A batch request with an event for each id.
pub fn batch<'a>(ids: impl IntoIterator<Item = &'a String>) -> Request {
    let events: Vec<_> = ids.into_iter().map(|id| event(id, &json!({"n": id}))).collect();
    Request::post(BATCH, json!(events).to_string())
}

/// `PREFIX-0`, `PREFIX-1` and so on.
pub fn ids(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}-{n}")).collect()
}

/// The consumer's calls to the events' table.
pub fn of_events_table(at: &Deployment) -> Calls {
    Calls::of(Service::DynamoDb).about(format!("\"{}\"", at.named("/table/name")))
}

/// The ids in the events' table that begin with a prefix. The table's key is id and source, so each id is there once.
pub async fn stored(at: &Deployment, prefix: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut start = Value::Null;
    loop {
        let mut request = json!({"TableName": at.named("/table/name"), "ConsistentRead": true,
            "ProjectionExpression": "id, #source", "ExpressionAttributeNames": {"#source": "source"},
            "FilterExpression": "begins_with(id, :prefix)",
            "ExpressionAttributeValues": {":prefix": {"S": prefix}}});
        if !start.is_null() {
            request["ExclusiveStartKey"] = start;
        }
        let page = at.aws.call("DynamoDB_20120810.Scan", &request).await;
        for item in page["Items"].as_array().into_iter().flatten() {
            let (id, source) = (&item["id"]["S"], &item["source"]["S"]);
            let new = found.insert(id.as_str().unwrap_or_default().to_owned());
            assert!(new, "{id} is stored from two sources, one is {source}");
        }
        start = page["LastEvaluatedKey"].clone();
        if start.is_null() {
            return found;
        }
    }
}

/// Waits until all events with these ids are stored.
pub async fn all_stored(at: &Deployment, prefix: &str, ids: &[String]) {
    let wanted: BTreeSet<_> = ids.iter().cloned().collect();
    eventually_within(RETRIES, "everything is stored", async || {
        let found = stored(at, prefix).await;
        if found == wanted {
            Ok(())
        } else {
            Err(wanted.symmetric_difference(&found).take(5).cloned().collect::<Vec<_>>())
        }
    })
    .await;
}

/// Waits until no event is in a queue and every promised event is accounted for. Returns the ledger.
///
/// The tool allows for metrics that have not arrived yet, so its `unaccounted` alone would become 0 too early. The emulator
/// holds back a function's last log lines until its next invocation. So the numbers count only if they are the same again
/// after one.
pub async fn settled(at: &Deployment) -> Value {
    let mut before = None;
    eventually_within(RETRIES, "no event is in a queue, and none is unaccounted for", async || {
        let ledger = at.ledger().await;
        if ["queued", "in_flight", "in_dlq", "replaying"].iter().any(|place| ledger[place] != 0) {
            before = None;
            return Err(ledger);
        }
        let numbers =
            ["accepted", "duplicates", "stored", "archived", "discarded"].map(|name| ledger[name].as_u64());
        let [accepted, _, places @ ..] = numbers;
        let is_complete = ledger["unaccounted"] == 0 && Some(places.iter().flatten().sum()) >= accepted;
        if is_complete && before == Some(numbers) {
            return Ok(ledger);
        }
        before = Some(numbers);
        at.nudge().await;
        Err(ledger)
    })
    .await
}

/// The increase of a number of the ledger.
pub fn grown(before: &Value, after: &Value, name: &str) -> i64 {
    let number = |ledger: &Value| ledger[name].as_i64().unwrap_or_else(|| panic!("{name}: {ledger:#}"));
    number(after) - number(before)
}
