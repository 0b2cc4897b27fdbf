//! The events' table in a third-party emulator of AWS.

use crate::client::Connection;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::sleep;

/// The same name as in the functions' settings (`programs.rs`).
const TABLE: &str = "spillway-events";
/// How often to check whether the new table is ready.
const POLLS: u32 = 100;

/// Creates an empty table as Terraform does: keyed by `id` and `source`.
pub async fn empty_table(emulator: SocketAddr) -> Result<()> {
    // The table may not exist.
    call(emulator, "DeleteTable", &json!({ "TableName": TABLE })).await?;
    let attribute = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
    let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
    let table = json!({
        "TableName": TABLE,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [attribute("id"), attribute("source")],
        "KeySchema": [key("id", "HASH"), key("source", "RANGE")],
    });
    let (status, answer) = call(emulator, "CreateTable", &table).await?;
    ensure!(status == 200, "the emulator made no table: {answer}");
    for _ in 0..POLLS {
        let (_, answer) = call(emulator, "DescribeTable", &json!({ "TableName": TABLE })).await?;
        if answer["Table"]["TableStatus"] == "ACTIVE" {
            return Ok(());
        }
        sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("the emulator's table did not become active")
}

/// The number of items in the table.
pub async fn items(emulator: SocketAddr) -> Result<u64> {
    let (mut items, mut start) = (0, Value::Null);
    loop {
        let mut scan = json!({ "TableName": TABLE, "Select": "COUNT" });
        if !start.is_null() {
            scan["ExclusiveStartKey"] = start;
        }
        let (_, mut page) = call(emulator, "Scan", &scan).await?;
        items += page["Count"].as_u64().with_context(|| format!("the emulator scans nothing: {page}"))?;
        start = page["LastEvaluatedKey"].take();
        if start.is_null() {
            return Ok(items);
        }
    }
}

/// Calls DynamoDB. The emulator reads the service from the signature, but does not check the signature.
async fn call(emulator: SocketAddr, operation: &str, content: &Value) -> Result<(u16, Value)> {
    let content = content.to_string();
    let request = format!(
        "POST / HTTP/1.1\r\nhost: {emulator}\r\nx-amz-target: DynamoDB_20120810.{operation}\r\n\
         content-type: application/x-amz-json-1.0\r\n\
         authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/dynamodb/aws4_request, \
         SignedHeaders=host, Signature=0\r\ncontent-length: {}\r\n\r\n{content}",
        content.len()
    );
    let answer = Connection::open(emulator).await?.answer(request.as_bytes()).await?;
    Ok((answer.status, serde_json::from_slice(&answer.body).unwrap_or_default()))
}
