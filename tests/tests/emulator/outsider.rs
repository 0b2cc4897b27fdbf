//! What people do to a deployment past Spillway: they purge queues, put messages into them, and delete objects and items.
//! Here boto3 does so, as an outside client.

use crate::RETRIES;
use crate::support::{STRUCTURED, all_stored, batch, event, grown, ids, settled, stored};
use serde_json::{Value, json};
use spillway_tests::command::run;
use spillway_tests::emulator::Deployment;
use spillway_tests::emulator::aws::CREDENTIALS;
use spillway_tests::eventually_within;
use spillway_tests::fault_proxy::{Fault, Rule};
use spillway_tests::http::Request;
use spillway_tests::programs::programs;
use std::path::PathBuf;
use tokio::process::Command;

/// Runs an action of `outsider.py` with the emulator's own Python, and returns what it printed.
async fn boto3(at: &Deployment, action: &str, document: &Value) -> Value {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/emulator/outsider.py");
    let mut command = Command::new(programs().emulator.with_file_name("python"));
    command.env_clear().envs(CREDENTIALS).env("AWS_DEFAULT_REGION", spillway_tests::emulator::aws::REGION);
    command.env("AWS_ENDPOINT_URL", format!("http://{}", at.address()));
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("HOME", at.folder());
    command.arg(script).arg(action).arg(document.to_string());
    let output = run(&mut command).await;
    assert_eq!(output.code, Some(0), "{action}: {output:?}");
    output.json()
}

async fn switch(at: &Deployment, on: bool) {
    let arn = at.named("/queues/primary/arn");
    assert_eq!(boto3(at, "switch", &json!({"queue_arn": arn, "on": on})).await, 1);
}

/// Puts messages into a queue, past the API. Returns their ids.
async fn put(at: &Deployment, queue: &str, messages: &[Value]) -> Vec<String> {
    let url = at.named(&format!("/queues/{queue}/url"));
    let sent = boto3(at, "send", &json!({"queue": url, "messages": messages})).await;
    serde_json::from_value(sent).expect("ids")
}

/// Dead letters of these events, one for each. The consumer refuses them, because they are of another version.
pub async fn dead_letters(at: &Deployment, names: &[String]) -> Vec<String> {
    let body = |name: &String| {
        let mut event = event(name, &json!(1));
        event["specversion"] = "9.9".into();
        json!({"body": event.to_string()})
    };
    let sent = put(at, "primary", &names.iter().map(body).collect::<Vec<_>>()).await;
    archived(at, &sent).await;
    sent
}

/// Waits until the archive has these dead letters.
async fn archived(at: &Deployment, wanted: &[String]) {
    eventually_within(RETRIES, "the dead letters are archived", async || {
        for id in wanted {
            let shown = at.cli(&["dlq", "show", id, "--json"]).await;
            if shown.code != Some(0) || shown.json()["state"] != "archived" {
                return Err(shown);
            }
        }
        Ok(())
    })
    .await;
}

/// Dead letters of events that the store refused, which it now takes.
async fn refused_by_store(at: &Deployment, prefix: &str, count: usize) -> Vec<String> {
    at.proxy.set(6, vec![Rule::all(crate::support::of_events_table(at), Fault::Throttle)]);
    let all = ids(prefix, count);
    assert_eq!(at.send(&batch(&all)).await.status, 202);
    at.until(&["dlq", "list", "--contains", prefix], |list| list["total"] == count).await;
    at.proxy.clear();
    all
}

/// Discards what a journey leaves in the archive.
pub async fn discard(at: &Deployment, letters: &[String]) {
    let letters: Vec<_> = letters.iter().map(String::as_str).collect();
    let words = [&["dlq", "discard", "--reason", "a journey", "--json"], &letters[..]].concat();
    assert_eq!(at.cli(&words).await.code, Some(0));
}

/// Issue 9, point 43.
pub async fn letters_of_a_purged_replay_are_released_and_replayed_again(at: &Deployment) {
    let before = settled(at).await;
    let all = refused_by_store(at, "purged", 20).await;
    switch(at, false).await;
    let replay = at.cli(&["dlq", "replay", "--contains", "purged", "--json"]).await.json();
    assert_eq!(replay["replay"]["sent"], 20, "{replay:#}");
    boto3(at, "purge", &json!({"queue": at.named("/queues/primary/url")})).await;
    switch(at, true).await;
    assert_eq!(at.json(&["dlq", "list", "--state", "replaying"]).await["total"], 20);

    let released =
        at.cli(&["dlq", "release", "--contains", "purged", "--yes", "--force", "--json"]).await.json();
    assert_eq!(released["released"].as_array().map(Vec::len), Some(20), "{released:#}");
    let id = replay["replay"]["id"].as_str().expect("an id");
    assert_eq!(at.json(&["replays", id]).await["replay"]["state"], "ended");
    let again = at.cli(&["dlq", "replay", "--contains", "purged", "--wait", "--json"]).await;
    assert_eq!((again.code, &again.json()["replay"]["stored"]), (Some(0), &json!(20)), "{again:?}");
    all_stored(at, "purged", &all).await;
    let after = settled(at).await;
    assert_eq!((grown(&before, &after, "accepted"), grown(&before, &after, "archived")), (20, 0));
}

/// Issue 9, point 44.
pub async fn a_letter_whose_event_is_stored_or_gone_elsewhere_is_found_and_replayed(at: &Deployment) {
    let all = refused_by_store(at, "elsewhere", 2).await;
    let (stored_too, gone) = (&all[0], &all[1]);
    // The client sends the first again, and that is stored.
    let body = event(stored_too, &json!({"n": stored_too})).to_string();
    assert_eq!(at.send(&Request::post(STRUCTURED, body)).await.id(), stored_too.as_str());
    at.until(&["get", stored_too], |found| found["state"] == "stored").await;
    let shown = at.json(&["dlq", "show", stored_too]).await;
    assert!(shown["stored_message"].is_string() && shown["state"] == "archived", "{shown:#}");
    let replay = at.cli(&["dlq", "replay", stored_too, "--wait", "--json"]).await;
    assert_eq!((replay.code, &replay.json()["replay"]["stored"]), (Some(0), &json!(1)), "{replay:?}");

    // The second is stored by its replay, and then the table is restored from an older backup.
    assert_eq!(at.cli(&["dlq", "replay", gone, "--wait", "--json"]).await.code, Some(0));
    let item = json!({"table": at.named("/table/name"), "id": gone, "source": crate::support::SOURCE});
    boto3(at, "delete_item", &item).await;
    assert_eq!(at.json(&["get", gone]).await["state"], "missing");
    let letter = at.json(&["dlq", "show", gone]).await["id"].as_str().expect("an id").to_owned();
    let again = at.cli(&["dlq", "replay", &letter, "--wait", "--json"]).await;
    assert_eq!((again.code, &again.json()["replay"]["stored"]), (Some(0), &json!(1)), "{again:?}");
    all_stored(at, "elsewhere", &all).await;
}

/// Issue 9, point 45.
pub async fn a_letter_whose_object_was_deleted_is_named_and_restored(at: &Deployment) {
    let all = refused_by_store(at, "deleted", 3).await;
    let list = at.json(&["dlq", "list", "--contains", "deleted"]).await;
    let letter = list["items"][0]["id"].as_str().expect("an id").to_owned();
    let (bucket, prefix) = (at.named("/archive/bucket"), at.named("/archive/prefix"));
    let keys = boto3(at, "keys", &json!({"bucket": bucket, "prefix": format!("{prefix}{letter}/")})).await;
    assert_eq!(keys.as_array().map(Vec::len), Some(1), "{keys}");
    boto3(at, "delete_objects", &json!({"bucket": bucket, "keys": keys})).await;

    let list = at.json(&["dlq", "list", "--contains", "deleted"]).await;
    let items = list["items"].as_array().expect("items");
    assert_eq!((&list["total"], items.len()), (&json!(3), 3));
    assert_eq!(items.iter().filter(|item| item["is_lost"] == true).count(), 1, "{list:#}");
    let reindex = at.cli(&["dlq", "reindex", "--json"]).await;
    assert_eq!((reindex.code, &reindex.json()["lost"]), (Some(1), &json!([letter])), "{reindex:?}");
    let replay = at.cli(&["dlq", "replay", "--contains", "deleted", "--wait", "--json"]).await;
    assert_eq!((&replay.json()["replay"]["stored"], replay.code), (&json!(2), Some(1)), "{replay:?}");
    let audit = at.json(&["dlq", "show", &letter]).await["audit"].clone();
    let reason = audit[0]["detail"].as_str().unwrap_or_default().to_owned();
    assert!(reason.ends_with("its content is gone from the archive"), "{audit:#}");

    let recovered = at.cli(&["dlq", "recover", &letter, "--json"]).await;
    assert_eq!(
        (recovered.code, &recovered.json()["recovered"]),
        (Some(0), &json!([letter])),
        "{recovered:?}"
    );
    assert_eq!(at.cli(&["dlq", "replay", &letter, "--wait", "--json"]).await.code, Some(0));
    all_stored(at, "deleted", &all).await;
    settled(at).await;
}

/// Issue 9, point 46.
pub async fn messages_past_the_api_are_counted_by_themselves_and_hide_no_loss(at: &Deployment) {
    let before = settled(at).await;
    let body = |name: &String| json!({"body": event(name, &json!(1)).to_string()});
    let good = ids("foreign", 12);
    put(at, "primary", &good.iter().map(body).collect::<Vec<_>>()).await;
    all_stored(at, "foreign", &good).await;
    let letters = dead_letters(at, &ids("foreign-bad", 3)).await;
    let after = settled(at).await;
    let grew = |name| grown(&before, &after, name);
    assert_eq!((grew("accepted"), grew("foreign"), grew("stored"), grew("archived")), (0, 15, 12, 3));
    assert_eq!(
        (&after["difference"], &after["unaccounted"]),
        (&before["difference"], &json!(0)),
        "{after:#}"
    );
    assert_eq!(at.json(&["dlq", "show", &letters[0]]).await["is_foreign"], true);
    discard(at, &letters).await;
}

/// Issue 9, point 47.
pub async fn ten_attributes_with_their_types_survive_the_dlq_and_a_replay(at: &Deployment) {
    let mut attributes: Value = (0..8).map(|n| (format!("text-{n}"), json!(["String", "x"]))).collect();
    attributes["count"] = json!(["Number", "12.50"]);
    attributes["raw"] = json!(["Binary.png", "AAECgP8="]);
    let bad = |body: &str| json!({"body": body, "attributes": attributes});
    let letter = put(at, "primary", &[bad("not an event")]).await;
    let straight = put(at, "dlq", &[bad("nor is this")]).await;
    let both = [letter.clone(), straight.clone()].concat();
    archived(at, &both).await;
    let check = async |id: &str, generation: u32| {
        let shown = at.json(&["dlq", "show", id]).await;
        assert_eq!(shown["attributes"]["text-7"], "x", "{shown:#}");
        assert_eq!(shown["attributes"]["count"], json!({"type": "Number", "value": "12.50"}));
        assert_eq!(shown["attributes"]["raw"], json!({"type": "Binary.png", "value": "AAECgP8="}));
        assert_eq!(shown["attributes"].as_object().map(serde_json::Map::len), Some(10));
        assert_eq!(shown["generation"], generation);
        shown
    };
    let shown = check(&letter[0], 0).await;
    assert_eq!(shown["failures"][0]["class"], "malformed", "{shown:#}");
    let shown = check(&straight[0], 0).await;
    assert_eq!((&shown["failures"][0]["class"], &shown["receive_count"]), (&json!("unprocessed"), &json!(0)));
    let words = ["dlq", "replay", letter[0].as_str(), straight[0].as_str(), "--wait", "--json"];
    let replay = at.cli(&words).await.json();
    assert_eq!(replay["replay"]["returned"], 2, "{replay:#}");
    check(&letter[0], 1).await;
    check(&straight[0], 1).await;
    discard(at, &both).await;
}

/// Issue 9, point 48.
pub async fn forged_attributes_are_not_believed(at: &Deployment) {
    let before = settled(at).await;
    let forged = |failures: &str| {
        json!({"body": "no event", "attributes": {
            "spillway-original-message-id": ["String", "../../alarms/x"],
            "spillway-first-sent": ["String", "2026-01-01T00:00:00Z"],
            "spillway-receive-count": ["String", "3"],
            "spillway-failures": ["String", failures],
        }})
    };
    let messages = ["[", "[]", "7", "{}"].map(forged);
    let bucket = at.named("/archive/bucket");
    let of_alarms = json!({"bucket": bucket, "prefix": "alarms/"});
    let elsewhere = boto3(at, "keys", &of_alarms).await;
    let letters = put(at, "dlq", &messages).await;
    archived(at, &letters).await;
    let mut described = Vec::new();
    for id in &letters {
        let shown = at.json(&["dlq", "show", id]).await;
        described.push((shown["failures"][0]["class"].clone(), shown["receive_count"].clone()));
    }
    assert_eq!(described, vec![(json!("unprocessed"), json!(0)); 4], "one description for all");
    assert_eq!(boto3(at, "keys", &of_alarms).await, elsewhere, "no object was written there");

    // A replay that never was ends no letter's replay, and its message is an event like any other.
    let forged = json!({"body": event("forged", &json!(1)).to_string(), "attributes": {
        "spillway-replay-id": ["String", "0190a000-0000-7000-8000-000000000000"],
        "spillway-original-message-id": ["String", letters[0]],
        "spillway-generation": ["String", "1"],
        "spillway-first-sent": ["String", "2026-01-01T00:00:00Z"],
    }});
    let sent = put(at, "primary", &[forged]).await;
    all_stored(at, "forged", &["forged".to_owned()]).await;
    let found = at.json(&["get", "forged"]).await;
    assert_eq!(found["locations"][0]["message_id"], sent[0].as_str(), "{found:#}");
    assert_eq!(at.json(&["dlq", "show", &letters[0]]).await["state"], "archived");
    discard(at, &letters).await;
    let after = settled(at).await;
    assert_eq!((grown(&before, &after, "foreign"), stored(at, "forged").await.len()), (5, 1));
}
