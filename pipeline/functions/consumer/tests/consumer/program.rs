//! The program as Lambda starts it, with simulated services on loopback addresses.

use serde_json::{Value, json};
use spillway_testkit::RuntimeApi;
use std::process::{Child, Command, Stdio};

/// The memory of the function by default, in MB (`consumer.memory_mb` in Terraform).
const MEMORY_MB: u64 = 256;

const SETTINGS: [(&str, &str); 21] = [
    ("AWS_LAMBDA_FUNCTION_NAME", "shop-consumer"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
    ("AWS_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "key"),
    ("AWS_SECRET_ACCESS_KEY", "very-secret"),
    ("SPILLWAY_DEPLOYMENT", "shop"),
    ("SPILLWAY_LOG_LEVEL", "warn"),
    ("SPILLWAY_TIMEOUT_S", "30"),
    ("SPILLWAY_EVENT_STORE", "shop-events"),
    ("SPILLWAY_DEAD_LETTER_INDEX_TABLE", "shop-dead-letters"),
    ("SPILLWAY_OPS_TABLE", "shop-ops"),
    ("SPILLWAY_INDEX_SHARDS", "8"),
    ("SPILLWAY_MAX_RECEIVE_COUNT", "20"),
    ("SPILLWAY_RETRY_BASE_S", "5"),
    ("SPILLWAY_RETRY_CAP_S", "900"),
    ("SPILLWAY_VISIBILITY_TIMEOUT_S", "180"),
    ("SPILLWAY_SCHEMAS_BUCKET", "shop-archive"),
    ("SPILLWAY_SCHEMAS_KEY", "schema-sets/current.json"),
    ("SPILLWAY_SCHEMAS_VERSION", "v1"),
    ("NO_PROXY", "*"),
];

fn program(runtime_api: &RuntimeApi, services: &RuntimeApi) -> Child {
    let url = |queue: &str| format!("http://{}/123456789012/{queue}", services.address());
    Command::new(env!("CARGO_BIN_EXE_consumer"))
        .env_clear()
        .envs(SETTINGS)
        .env("SPILLWAY_QUEUE_URL", url("shop-events"))
        .env("SPILLWAY_DLQ_URL", url("shop-events-dlq"))
        .env("AWS_ENDPOINT_URL", format!("http://{}", services.address()))
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api.address())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The largest part of the machine's memory that a process has had at any time, in MB (`VmHWM`).
fn peak_memory_mb(program: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// Rules with an expression: a tree whose nodes refer to themselves from two alternatives.
fn rules() -> Value {
    let node = |op: &str| {
        json!({"type": "object", "required": ["op"],
            "properties": {"op": {"enum": [op]}, "arg": {"$ref": "#/$defs/expr"}}})
    };
    let leaf = json!({"type": "object", "required": ["field"], "properties": {"field": {"type": "string"}}});
    json!({"properties": {"filter": {"$ref": "#/$defs/expr"}, "name": {"type": "string"}},
        "$defs": {"expr": {"anyOf": [node("not"), node("exists"), leaf]}}})
}

fn record(id: &str, depth: usize, leaf: &str, beside: &str) -> Value {
    let tree = format!("{}{leaf}{}", r#"{"op":"not","arg":"#.repeat(depth), "}".repeat(depth));
    let body = format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"rule.saved","data":{{"filter":{tree}{beside}}}}}"#
    );
    json!({
        "messageId": id, "receiptHandle": format!("handle of {id}"), "body": body, "messageAttributes": {},
        "attributes": { "ApproximateReceiveCount": "1", "SentTimestamp": "1779999990000" }
    })
}

#[test]
fn an_expression_tree_of_any_depth_is_checked_in_the_memory_of_the_function() {
    let (runtime_api, services) = (RuntimeApi::listen(), RuntimeApi::listen());
    let mut program = program(&runtime_api, &services);
    let schemas = services.next();
    assert!(schemas.line.starts_with("GET /shop-archive/schema-sets/current.json?"), "{}", schemas.line);
    schemas.answer("200 OK", "", json!({"rule.saved": rules().to_string()}).to_string().as_bytes());

    let valid = r#"{"field":"a"}"#;
    let records = [
        record("right", 120, valid, ""),
        record("wrong-40", 40, r#""leaf""#, ""),
        record("wrong-120", 120, r#""leaf""#, ""),
        record("beside-120", 120, valid, r#","name":7"#),
        // No event of the API nests so deep. The message came past it.
        record("wrong-4000", 4_000, r#""leaf""#, ""),
    ];
    runtime_api.give(&json!({ "Records": records }));
    let stored = services.next();
    assert_eq!(stored.headers["x-amz-target"], "DynamoDB_20120810.PutItem");
    assert_eq!(stored.json()["Item"]["id"]["S"], "right");
    stored.answer("200 OK", "", b"{}");
    let sent = services.next();
    assert_eq!(sent.headers["x-amz-target"], "AmazonSQS.SendMessageBatch");
    let request = sent.json();
    let entries = request["Entries"].as_array().unwrap();
    let done = |entry: &Value| json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": ""});
    let done: Vec<_> = entries.iter().map(done).collect();
    sent.answer("200 OK", "", json!({"Successful": done, "Failed": []}).to_string().as_bytes());
    let answer = runtime_api.next();
    assert_eq!(answer.json(), json!({"batchItemFailures": []}), "each has its outcome");
    answer.answer("202 Accepted", "", b"");

    let reasons = [
        "/filter: value is not valid under any of the schemas",
        "/filter: value is not valid under any of the schemas",
        "/name: value is not of type",
        "nested deeper than 127 levels",
    ];
    assert_eq!(entries.len(), reasons.len());
    for (entry, reason) in entries.iter().zip(reasons) {
        let failures = entry["MessageAttributes"].to_string();
        assert!(failures.contains(reason), "{reason}: {failures}");
    }
    let peak = peak_memory_mb(&program);
    program.kill().unwrap();
    program.wait().unwrap();
    assert!(peak < MEMORY_MB - 56, "the function took {peak} MB");
}
