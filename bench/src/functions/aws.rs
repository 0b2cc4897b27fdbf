//! SQS, DynamoDB and S3 in memory, as far as the functions call them. Every call is counted, and the condition of a
//! conditional put is checked. Each answer is delayed by the latency that the benchmark sets.

use super::programs::Program;
use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Maximum size of a request to either service, including its encoding.
const MAX_BYTES: usize = 32 * 1024 * 1024;
const CONTENT_TYPE: (&str, &str) = ("content-type", "application/x-amz-json-1.0");
/// SDKs don't check the value, but the field has to be present.
const MD5: &str = "00000000000000000000000000000000";

/// The calls that the services received.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Calls by name, such as `DynamoDB_20120810.PutItem`.
    pub calls: BTreeMap<String, u64>,
    /// Bodies of the sent messages.
    pub messages: Vec<String>,
    /// Items by their key. The key is the key attributes as JSON; the value is the item's approximate size, as DynamoDB
    /// counts it.
    pub items: BTreeMap<String, usize>,
    /// Write units by table.
    pub write_units: BTreeMap<String, f64>,
    /// Total size of the written objects, in bytes.
    pub object_bytes: u64,
    /// Calls that these services do not support.
    pub unknown: BTreeSet<String>,
    /// Bytes that were sent to the X-Ray daemon's address.
    pub trace_bytes: u64,
    /// Total time by which answers were delayed.
    pub held_back: Duration,
    pub answers: u32,
}

impl Seen {
    pub fn total(&self) -> u64 {
        self.calls.values().sum()
    }

    /// Calls of that name.
    pub fn calls_of(&self, name: &str) -> u64 {
        self.calls.get(name).copied().unwrap_or(0)
    }

    /// Records a write: its table, its item if there is one, and whether it is part of a transaction, which costs twice
    /// as much.
    fn wrote(&mut self, write: &Value, transactional: bool) {
        let table = text(&write["TableName"]);
        let item = &write["Item"];
        let units = (size(item).max(1) as f64 / 1024.0).ceil() * if transactional { 2.0 } else { 1.0 };
        // An index stores only keys of an item, so each index entry costs one unit.
        let indexes = INDEX_KEYS.iter().filter(|key| !item[**key].is_null()).count();
        *self.write_units.entry(table).or_insert(0.0) += units + indexes as f64;
    }
}

/// The attributes by which the dead letters' table has indexes (`terraform/main.tf`).
const INDEX_KEYS: [&str; 5] = ["age_bucket", "time_bucket", "group_bucket", "type_bucket", "event_id"];
/// The name under which written objects are counted.
pub const PUT_OBJECT: &str = "S3.PutObject";

struct Services {
    latency: Duration,
    seen: Mutex<Seen>,
}

impl Services {
    fn with<T>(&self, work: impl FnOnce(&mut Seen) -> T) -> T {
        work(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The services. They stop when this is dropped.
pub struct Aws {
    /// Address of SQS and DynamoDB.
    pub address: SocketAddr,
    /// Address of X-Ray's daemon.
    pub daemon: SocketAddr,
    services: Arc<Services>,
    tasks: [JoinHandle<()>; 2],
}

impl Aws {
    /// Listens on free loopback ports. `latency` is added to the time of each call.
    pub async fn start(latency: Duration) -> Result<Self> {
        let services = Arc::new(Services { latency, seen: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port for AWS' services")?;
        let address = listener.local_addr()?;
        let listener = listener.tap_io(|stream| {
            // Without this, small answers may be delayed by 40 ms, which would show in the measurement.
            let _ = stream.set_nodelay(true);
        });
        let app = Router::new()
            .fallback(answer)
            .layer(axum::extract::DefaultBodyLimit::max(MAX_BYTES))
            .with_state(Arc::clone(&services));
        let server = tokio::spawn(async move {
            // The server runs until it is aborted.
            let _ = axum::serve(listener, app).await;
        });
        let socket = UdpSocket::bind("127.0.0.1:0").await.context("no port for X-Ray's daemon")?;
        let daemon = socket.local_addr()?;
        let of_daemon = Arc::clone(&services);
        let traces = tokio::spawn(async move {
            let mut datagram = vec![0; 64 * 1024];
            while let Ok(length) = socket.recv(&mut datagram).await {
                of_daemon.with(|seen| seen.trace_bytes += length as u64);
            }
        });
        Ok(Self { address, daemon, services, tasks: [server, traces] })
    }

    /// The calls received so far.
    pub fn seen(&self) -> Seen {
        self.services.with(|seen| seen.clone())
    }

    /// The same, if it knows every call that the program made.
    pub fn known_calls(&self, program: &Program) -> Result<Seen> {
        let seen = self.seen();
        let unknown = &seen.unknown;
        ensure!(
            unknown.is_empty(),
            "{} made calls that these services don't know: {unknown:?}",
            program.name
        );
        Ok(seen)
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn answer(
    State(services): State<Arc<Services>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let response = match target {
        Some(target) => {
            let request: Value = serde_json::from_slice(&body).unwrap_or_default();
            let (status, content) = services.with(|seen| respond(seen, target, &request));
            (status, [CONTENT_TYPE], content.to_string()).into_response()
        }
        None => services.with(|seen| object(seen, &method, &uri, &body)),
    };
    if !services.latency.is_zero() {
        let begun = Instant::now();
        tokio::time::sleep(services.latency).await;
        // A timer is never early and often a millisecond late.
        services.with(|seen| {
            seen.held_back += begun.elapsed();
            seen.answers += 1;
        });
    }
    response
}

/// S3: accepts every object and stores none.
fn object(seen: &mut Seen, method: &Method, uri: &Uri, body: &Bytes) -> Response {
    let name = match *method {
        Method::PUT => PUT_OBJECT,
        Method::GET | Method::HEAD => "S3.GetObject",
        Method::DELETE => "S3.DeleteObject",
        _ => "S3.Other",
    };
    *seen.calls.entry(name.to_owned()).or_insert(0) += 1;
    match *method {
        Method::PUT => {
            seen.object_bytes += body.len() as u64;
            (StatusCode::OK, [("etag", "\"00000000000000000000000000000000\"")]).into_response()
        }
        Method::GET | Method::HEAD => {
            let content =
                "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>none</Message></Error>";
            (StatusCode::NOT_FOUND, [("content-type", "application/xml")], content).into_response()
        }
        Method::DELETE => StatusCode::NO_CONTENT.into_response(),
        _ => {
            seen.unknown.insert(format!("{method} {uri}"));
            StatusCode::BAD_REQUEST.into_response()
        }
    }
}

fn respond(seen: &mut Seen, target: &str, request: &Value) -> (StatusCode, Value) {
    *seen.calls.entry(target.to_owned()).or_insert(0) += 1;
    let refused = |kind: &str| {
        let kind = format!("com.amazonaws.dynamodb.v20120810#{kind}");
        (StatusCode::BAD_REQUEST, json!({ "__type": kind, "message": "refused" }))
    };
    match target {
        "AmazonSQS.SendMessage" => {
            seen.messages.push(text(&request["MessageBody"]));
            (StatusCode::OK, json!({ "MessageId": id(seen.messages.len()), "MD5OfMessageBody": MD5 }))
        }
        "AmazonSQS.SendMessageBatch" => {
            let entries = request["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
            let mut sent = Vec::new();
            for entry in entries {
                seen.messages.push(text(&entry["MessageBody"]));
                let id = id(seen.messages.len());
                sent.push(json!({ "Id": entry["Id"], "MessageId": id, "MD5OfMessageBody": MD5 }));
            }
            (StatusCode::OK, json!({ "Successful": sent, "Failed": [] }))
        }
        "DynamoDB_20120810.PutItem" => {
            let item = &request["Item"];
            let key = key(item);
            seen.wrote(request, false);
            let conditional = request["ConditionExpression"].as_str().is_some_and(|text| !text.is_empty());
            if conditional && seen.items.contains_key(&key) {
                return refused("ConditionalCheckFailedException");
            }
            seen.items.insert(key, size(item));
            (StatusCode::OK, json!({}))
        }
        "DynamoDB_20120810.UpdateItem" => {
            seen.wrote(request, false);
            (StatusCode::OK, json!({}))
        }
        "DynamoDB_20120810.TransactWriteItems" => {
            let actions = request["TransactItems"].as_array().map(Vec::as_slice).unwrap_or_default();
            for write in
                actions.iter().flat_map(|action| action.as_object().into_iter().flat_map(|a| a.values()))
            {
                seen.wrote(write, true);
            }
            (StatusCode::OK, json!({}))
        }
        "DynamoDB_20120810.GetItem" => (StatusCode::OK, json!({})),
        _ => {
            seen.unknown.insert(target.to_owned());
            refused("UnknownOperationException")
        }
    }
}

/// The key of an item of the events' table, or of another table.
fn key(item: &Value) -> String {
    json!([item["id"]["S"], item["source"]["S"], item["pk"]["S"], item["sk"]["S"]]).to_string()
}

/// The size of an item that has strings and numbers: names and values in UTF-8.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
fn size(item: &Value) -> usize {
    let attributes = item.as_object().into_iter().flatten();
    attributes.map(|(name, value)| name.len() + value_size(value)).sum()
}

fn value_size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => 3 + values.iter().map(|value| 1 + value_size(value)).sum::<usize>(),
        // An attribute value such as {"S": "…"}; the entries of a map have their own names.
        Value::Object(typed) => match typed.iter().next() {
            Some((kind, Value::Object(map))) if kind == "M" => {
                3 + map.iter().map(|(name, value)| 1 + name.len() + value_size(value)).sum::<usize>()
            }
            Some((_, value)) => value_size(value),
            None => 0,
        },
        _ => 1,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(seen: &mut Seen, id: &str) -> StatusCode {
        let item = json!({ "id": { "S": id }, "source": { "S": "/shop" }, "n": { "N": "12" } });
        let request = json!({ "Item": item, "ConditionExpression": "attribute_not_exists(id)" });
        respond(seen, "DynamoDB_20120810.PutItem", &request).0
    }

    #[test]
    fn a_conditional_put_is_refused_the_second_time_and_both_are_counted() {
        let mut seen = Seen::default();
        let answers = ["1", "2", "1"].map(|id| put(&mut seen, id));
        assert_eq!(answers, [StatusCode::OK, StatusCode::OK, StatusCode::BAD_REQUEST]);
        assert_eq!((seen.total(), seen.items.len()), (3, 2));
        assert_eq!(seen.items.values().next(), Some(&("id1source/shopn12".len())));
        assert_eq!(seen.write_units[""], 3.0, "a put that is refused is paid as well");
    }

    #[test]
    fn each_message_of_a_batch_is_one() {
        let mut seen = Seen::default();
        let entry = |id: &str| json!({ "Id": id, "MessageBody": "{}" });
        let request = json!({ "Entries": [entry("a"), entry("b")] });
        let (status, answer) = respond(&mut seen, "AmazonSQS.SendMessageBatch", &request);
        assert_eq!((status, seen.messages.len(), seen.total()), (StatusCode::OK, 2, 1));
        assert_eq!(answer["Successful"][1]["Id"], "b");
    }

    #[test]
    fn an_unknown_call_is_recorded() {
        let mut seen = Seen::default();
        assert_eq!(respond(&mut seen, "AmazonSQS.Other", &Value::Null).0, StatusCode::BAD_REQUEST);
        assert!(seen.unknown.contains("AmazonSQS.Other"));
    }
}
