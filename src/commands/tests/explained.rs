//! `dlq show` and `dlq groups`: why dead letters failed.

use super::assert_output;
use super::dlq::pipeline;
use crate::testing::{ago, dead_letter, run};
use spillway_core::ports::StoredEvent;

#[tokio::test]
async fn groups_are_explained_with_place_origin_and_advice() {
    let pipeline = pipeline();
    let output = run("dlq groups", &pipeline).await;
    assert_output!(output);
    let json = run("dlq groups --json", &pipeline).await.json();
    let first = &json["groups"][0];
    assert_eq!((&first["count"], &json["group_total"]), (&3.into(), &2.into()));
    let explanation = &first["explanation"];
    assert_eq!(explanation["place"]["pointer"], "/data/amount");
    assert_eq!(explanation["place"]["value"], "\"9.90\"");
    assert_eq!(
        (&explanation["expected"]["keyword"], &explanation["expected"]["value"]),
        (&"type".into(), &"\"number\"".into())
    );
    assert_eq!(first["spread"]["sources"]["top"][0]["count"], 3);
    assert_eq!(json["groups"][1]["explanation"]["advice"]["fix"], "store");
    let none = run("dlq groups --type other", &pipeline).await;
    assert_eq!(none.out, "No dead letters wait in the archive, or none match\n");
}

#[tokio::test]
async fn show_compares_with_the_last_good_event() {
    let pipeline = pipeline();
    let good = dead_letter(9, 300);
    let key = good.key.clone().expect("a key");
    let event = StoredEvent {
        key: key.clone(),
        event_type: good.event_type.clone().expect("a type"),
        body: good.body.replace("\"9.90\"", "9.90"),
        accepted_at: ago(300),
        stored_at: ago(300),
        message_id: "good".into(),
    };
    pipeline.state().stored.insert(key, event);
    let output = run("dlq show m1", &pipeline).await.out;
    let failing = |line: &str| {
        line.trim_start().starts_with("fails ") && line.contains("/data/amount") && line.contains("\"9.90\"")
    };
    assert!(output.contains("Beside the good event") && output.lines().any(failing), "{output}");
    assert!(output.contains("Fix the sender and let it send these events again."), "{output}");
    let json = run("dlq show m1 --json", &pipeline).await.json();
    assert_eq!(json["explanation"]["advice"]["fix"], "sender");
    let rows = json["explanation"]["compared"]["rows"].as_array().unwrap();
    let failing: Vec<_> = rows.iter().filter(|row| row["is_failing"] == true).collect();
    assert_eq!((&failing[0]["here"], &failing[0]["there"]), (&"\"9.90\"".into(), &"9.90".into()));
}
