//! Dead letters, and their replays.

use serde_json::json;
use spillway_tests::{Setup, System};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_breaks_its_schema_is_kept_and_replayed_once_the_schema_is_fixed() {
    let number = json!({"properties": {"data": {}, "amount": {"type": "number"}}, "required": ["amount"]});
    let system = System::start(Setup { schemas: vec![("order.placed", number)], ..Setup::default() }).await;
    system.accept("good", "order.placed", &json!({"amount": 9.9})).await;
    system.accept("text", "order.placed", &json!({"amount": "9.90"})).await;
    system.accept("none", "order.placed", &json!({})).await;
    system.accept("other", "order.shipped", &json!({"amount": "any"})).await;

    let list = system.until(&["dlq", "list"], |list| list["total"] == 2).await;
    let items = list["items"].as_array().expect("dead letters");
    for (id, words) in [("text", "/amount"), ("none", "amount")] {
        let item = items.iter().find(|item| item["event_id"] == id).expect("both are listed");
        assert_eq!(item["class"], "schema");
        let reason = item["reason"].as_str().expect("a readable reason");
        assert!(reason.contains(words), "{reason}");
    }
    let ledger = system.until(&["flow"], |flow| flow["stored"] == 2).await;
    assert_eq!((&ledger["accepted"], &ledger["archived"]), (&json!(4), &json!(2)));
    assert_eq!(ledger["unaccounted"], 0);

    // The dry run lists messages that would fail again. After the replay they are back in the archive.
    let trial = system.cli(&["dlq", "replay", "--all", "--dry-run", "--json"]).await;
    assert_eq!((trial.code, &trial.json()["preflight"]["would_fail"]), (Some(1), &json!(2)));
    let back = system.cli(&["dlq", "replay", "text", "--wait", "--json"]).await;
    assert_eq!((back.code, &back.json()["replay"]["returned"]), (Some(1), &json!(1)), "{back:?}");

    system.write_schema("order.placed", &json!({"properties": {"amount": {"type": ["number", "string"]}}}));
    let stored = system.cli(&["dlq", "replay", "--all", "--wait", "--json"]).await;
    assert_eq!((stored.code, &stored.json()["replay"]["stored"]), (Some(0), &json!(2)), "{stored:?}");
    for id in ["good", "text", "none", "other"] {
        assert_eq!(system.json(&["get", id]).await["state"], "stored");
    }
    let ledger = system.ledger().await;
    assert_eq!((&ledger["accepted"], &ledger["stored"]), (&json!(4), &json!(4)), "{ledger:#}");
    assert_eq!(ledger["unaccounted"], 0);
    let shown = system.cli(&["dlq", "show", "text"]).await;
    assert_eq!(shown.code, Some(0));
    assert!(shown.out.contains("replay"), "the history stays: {shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_event_of_a_batch_affects_no_other() {
    let schema = json!({"properties": {"amount": {"type": "number"}}});
    let system = System::start(Setup { schemas: vec![("order.placed", schema)], ..Setup::default() }).await;
    let amount = |n: usize| if n % 10 == 3 { json!("three") } else { json!(n) };
    let events: Vec<_> = (0..50)
        .map(|n| {
            json!({"specversion": "1.0", "id": format!("o{n}"), "source": "/s", "type": "order.placed",
                "data": {"amount": amount(n)}})
        })
        .collect();
    let request =
        spillway_tests::http::Request::post("application/cloudevents-batch+json", json!(events).to_string());
    assert_eq!(system.send(&request).await.status, 202, "the consumer checks content, not the API");
    let ledger = system.until(&["flow"], |flow| flow["stored"] == 45 && flow["archived"] == 5).await;
    assert_eq!(ledger["unaccounted"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_discarded_by_an_operator_with_a_reason_and_may_be_restored() {
    let system = System::start(Setup { schemas: vec![("junk", json!(false))], ..Setup::default() }).await;
    system.accept("j1", "junk", &json!(1)).await;
    system.until(&["dlq", "list"], |list| list["total"] == 1).await;
    assert_eq!(system.cli(&["dlq", "discard", "j1"]).await.code, Some(2), "a reason is required");
    let words = ["dlq", "discard", "j1", "--reason", "a test gone wrong", "--by", "anna"];
    assert_eq!(system.cli(&words).await.code, Some(0));
    let ledger = system.ledger().await;
    assert_eq!((&ledger["discarded"], &ledger["unaccounted"]), (&json!(1), &json!(0)));
    assert!(system.cli(&["dlq", "show", "j1"]).await.out.contains("a test gone wrong"));
    assert_eq!(system.cli(&["dlq", "restore", "j1", "--by", "anna"]).await.code, Some(0));
    let ledger = system.ledger().await;
    assert_eq!((&ledger["archived"], &ledger["unaccounted"]), (&json!(1), &json!(0)));
}
