//! Schemas and data that are made to exhaust the program that checks them.

use serde_json::{Value, json};
use spillway_tests::http::Request;
use spillway_tests::{Setup, System};

/// Rules with an expression: a tree whose nodes refer to themselves from two alternatives.
fn rules() -> Value {
    let node = |op: &str| {
        json!({"type": "object", "required": ["op"],
            "properties": {"op": {"enum": [op]}, "arg": {"$ref": "#/$defs/expr"}}})
    };
    let leaf = json!({"type": "object", "required": ["field", "value"], "properties": {"field": {"type": "string"}}});
    json!({"$schema": "https://json-schema.org/draft/2020-12/schema",
        "properties": {"filter": {"$ref": "#/$defs/expr"}, "name": {"type": "string"}},
        "$defs": {"expr": {"anyOf": [node("not"), node("exists"), leaf]}}})
}

/// The text of a tree so deep. Its leaf decides whether it is valid.
fn tree(depth: usize, leaf: &str) -> String {
    format!("{}{leaf}{}", r#"{"op":"not","arg":"#.repeat(depth), "}".repeat(depth))
}

fn event(id: &str, data: &str) -> Request {
    let event =
        format!(r#"{{"specversion":"1.0","id":"{id}","source":"/journey","type":"rule.saved",{data}}}"#);
    Request::post("application/cloudevents+json", event)
}

/// `text` in base64, by the alphabet of RFC 4648.
fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk.iter().fold(0_usize, |bits, byte| (bits << 8) | usize::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let is_padding = place > chunk.len();
            let digit = (bits >> (18 - 6 * place)) & 63;
            encoded.push(if is_padding { '=' } else { ALPHABET[digit].into() });
        }
    }
    encoded
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_tree_of_any_depth_costs_its_own_event_only() {
    let system = System::start(Setup { schemas: vec![("rule.saved", rules())], ..Setup::default() }).await;
    let valid = r#"{"field":"a","value":1}"#;
    let mut expected = Vec::new();
    for depth in [16, 40, 120] {
        let id = format!("wrong-{depth}");
        let data = format!(r#""data":{{"filter":{}}}"#, tree(depth, r#""leaf""#));
        assert_eq!(system.send(&event(&id, &data)).await.status, 202);
        expected.push((id, "/filter: value is not valid under any of the schemas"));
        // The tree is valid, and something beside it is not.
        let id = format!("beside-{depth}");
        let data = format!(r#""data":{{"filter":{},"name":7}}"#, tree(depth, valid));
        assert_eq!(system.send(&event(&id, &data)).await.status, 202);
        expected.push((id, "/name: value is not of type"));
    }
    // No JSON of the API nests 4,000 levels. In base64 nobody looks at it before the consumer.
    let deep = format!(r#"{{"filter":{}}}"#, tree(4_000, valid));
    let refused = system.send(&event("deep", &format!(r#""data":{deep}"#))).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.json()["errors"].to_string().contains("127 levels"), "{refused:?}");
    let encoded = base64(&deep);
    let data = format!(r#""datacontenttype":"application/json","data_base64":"{encoded}""#);
    assert_eq!(system.send(&event("encoded-4000", &data)).await.status, 202);
    expected.push(("encoded-4000".to_owned(), "/data_base64: nested deeper than 127 levels"));

    system.accept("other", "order.placed", &json!({})).await;
    let data = format!(r#""data":{{"filter":{}}}"#, tree(120, valid));
    assert_eq!(system.send(&event("right", &data)).await.status, 202);
    for id in ["other", "right"] {
        system.until(&["get", id], |found| found["state"] == "stored").await;
    }
    let list = system.until(&["dlq", "list"], |list| list["total"] == expected.len()).await;
    for (id, words) in &expected {
        let items = list["items"].as_array().expect("dead letters");
        let item = items.iter().find(|item| item["event_id"] == **id).expect("it is listed");
        assert_eq!(item["class"], "schema", "{item:#}");
        assert!(item["reason"].as_str().is_some_and(|why| why.contains(words)), "{words}: {item:#}");
    }
    let ledger = system.ledger().await;
    assert_eq!((&ledger["accepted"], &ledger["unaccounted"]), (&json!(expected.len() + 2), &json!(0)));
    let peak = system.peak_memory_mb();
    assert!(peak < 200, "the process took {peak} MB");
}
