//! The services of a deployment in memory, for tests of other crates. They speak the services' own protocols, so a test
//! covers requests and answers on the wire, and they record each call.
//!
//! DynamoDB evaluates the expressions that this crate writes. A test sets the rest: the queues are empty, X-Ray has no
//! traces, CloudWatch no datapoints, and every alarm has been OK since the epoch.

#![expect(clippy::expect_used, reason = "a test with a protocol error should fail at that place")]

mod alarms;
mod dynamodb;

use crate::clients::Clients;
use crate::cloudwatch::fake::FakeCloudWatch;
use alarms::Alarms;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, RuntimeComponents, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use ciborium::Value as Cbor;
use dynamodb::Tables;
use serde_json::{Value, json};
use spillway_core::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// The services.
#[derive(Clone, Debug, Default)]
pub struct FakeAws(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    tables: Tables,
    /// Objects by path.
    objects: BTreeMap<String, Vec<u8>>,
    /// Visible messages, received ones, and delayed ones, by the queue's URL.
    queues: BTreeMap<String, [u64; 3]>,
    alarms: Alarms,
    metrics: FakeCloudWatch,
    /// Segment documents by trace.
    traces: BTreeMap<String, Vec<Value>>,
    calls: Vec<String>,
}

/// An answer: status, content type, body.
type Answer = (u16, &'static str, Vec<u8>);

impl FakeAws {
    /// Empty services.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics while it holds the lock")
    }

    /// The calls since the last time, such as `DynamoDB.Query`.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }

    /// CloudWatch's metrics.
    pub fn metrics(&self) -> FakeCloudWatch {
        self.state().metrics.clone()
    }

    /// An alarm of that name went to a state, such as `ALARM`. The changes of an alarm come in their order.
    pub fn alarm_changed(&self, name: &str, at: Timestamp, to: &str) {
        self.state().alarms.changed(name, at, to);
    }

    /// The queue at that URL has messages: visible, received, and delayed ones.
    pub fn queue_has(&self, url: &str, messages: [u64; 3]) {
        self.state().queues.insert(url.to_owned(), messages);
    }

    /// X-Ray has received a segment, as its document.
    pub fn traced(&self, document: Value) {
        let trace = document["trace_id"].as_str().expect("a segment names its trace").to_owned();
        self.state().traces.entry(trace).or_default().push(document);
    }

    /// Clients of all services.
    pub fn clients(&self) -> Clients {
        let credentials = Credentials::new("id", "secret", None, None, "a test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(self.clone())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(aws_config::retry::RetryConfig::disabled())
            .build();
        Clients::from_config(config)
    }

    fn answer(&self, request: &HttpRequest) -> Answer {
        let body = request.body().bytes().expect("a body in memory");
        let path = request.uri().split_once("://").map_or(request.uri(), |(_, rest)| rest);
        let path = path.find('/').map_or("/", |start| &path[start..]);
        if let Some(target) = request.headers().get("x-amz-target") {
            return self.json(target, body);
        }
        if let Some((_, operation)) = path.split_once("/operation/") {
            return self.cloudwatch(operation, body);
        }
        match path {
            "/TraceSummaries" => self.xray("GetTraceSummaries", body, State::summaries),
            "/Traces" => self.xray("BatchGetTraces", body, State::traces),
            path => self.s3(request.method(), path, body),
        }
    }

    fn xray(&self, operation: &str, body: &[u8], answer: fn(&State, &Value) -> Value) -> Answer {
        let request = serde_json::from_slice(body).expect("JSON");
        let mut state = self.state();
        state.calls.push(format!("XRay.{operation}"));
        (200, "application/json", answer(&state, &request).to_string().into_bytes())
    }

    fn json(&self, target: &str, body: &[u8]) -> Answer {
        let (service, operation) = target.split_once('.').expect("a target names an operation");
        let service = if service.starts_with("DynamoDB") { "DynamoDB" } else { "SQS" };
        let request: Value = serde_json::from_slice(body).expect("JSON");
        let mut state = self.state();
        state.calls.push(format!("{service}.{operation}"));
        let answer = match (service, operation) {
            ("SQS", "GetQueueAttributes") => {
                let url = request["QueueUrl"].as_str().expect("a queue");
                let messages = state.queues.get(url).copied().unwrap_or_default();
                let names = ["", "NotVisible", "Delayed"].into_iter().zip(messages);
                let names = names.map(|(kind, count)| {
                    (format!("ApproximateNumberOfMessages{kind}"), json!(count.to_string()))
                });
                Ok(json!({"Attributes": Value::Object(names.collect())}))
            }
            ("DynamoDB", operation) => state.tables.call(operation, &request),
            other => panic!("the fake services have no {other:?}"),
        };
        let (status, body) = match answer {
            Ok(answer) => (200, answer),
            Err(error) => (400, error),
        };
        (status, "application/x-amz-json-1.0", body.to_string().into_bytes())
    }

    fn cloudwatch(&self, operation: &str, body: &[u8]) -> Answer {
        let mut state = self.state();
        state.calls.push(format!("CloudWatch.{operation}"));
        let request = || ciborium::from_reader(body).expect("CBOR");
        let answer = match operation {
            "GetMetricData" => state.metrics.answer(body).1,
            "DescribeAlarms" => state.alarms.now(&request()),
            "DescribeAlarmHistory" => state.alarms.history(&request()),
            other => panic!("the fake CloudWatch has no {other}"),
        };
        let mut body = Vec::new();
        ciborium::into_writer(&answer, &mut body).expect("a value can be written");
        (200, "application/cbor", body)
    }

    fn s3(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let mut state = self.state();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let xml = |status, text: &str| (status, "application/xml", text.as_bytes().to_vec());
        if query.contains("list-type") {
            state.calls.push("S3.ListObjectsV2".to_owned());
            return xml(200, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");
        }
        state.calls.push(format!("S3.{method}"));
        match method {
            "PUT" => {
                state.objects.insert(path.to_owned(), body.to_vec());
                xml(200, "")
            }
            _ => match state.objects.get(path) {
                Some(object) => (200, "application/json", object.clone()),
                None => xml(404, "<Error><Code>NoSuchKey</Code><Message>There is none</Message></Error>"),
            },
        }
    }
}

impl State {
    /// All traces whose documents have each word of a search's filter that is in quotes.
    fn summaries(&self, request: &Value) -> Value {
        let filter = request["FilterExpression"].as_str().unwrap_or_default();
        let wanted: Vec<&str> = filter.split('"').skip(1).step_by(2).collect();
        let is_wanted = |documents: &Vec<Value>| {
            let text = json!(documents).to_string();
            wanted.iter().all(|word| text.contains(word))
        };
        let found = self.traces.iter().filter(|(_, documents)| is_wanted(documents));
        let summary = |(id, documents): (&String, &Vec<Value>)| json!({"Id": id, "StartTime": documents[0]["start_time"]});
        json!({"TraceSummaries": found.map(summary).collect::<Vec<_>>()})
    }

    fn traces(&self, request: &Value) -> Value {
        let ids = request["TraceIds"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let trace = |id: &str| {
            let documents = self.traces.get(id)?.iter();
            let segment = |document: &Value| json!({"Id": document["id"], "Document": document.to_string()});
            Some(json!({"Id": id, "Segments": documents.map(segment).collect::<Vec<_>>()}))
        };
        json!({"Traces": ids.filter_map(trace).collect::<Vec<_>>()})
    }
}

fn map<'a>(members: impl IntoIterator<Item = (&'a str, Cbor)>) -> Cbor {
    Cbor::Map(members.into_iter().map(|(name, value)| (Cbor::from(name), value)).collect())
}

fn member(value: &Cbor, name: &str) -> Cbor {
    let members = value.as_map().into_iter().flatten();
    let found = members.into_iter().find(|(key, _)| key.as_text() == Some(name));
    found.map_or(Cbor::Null, |(_, value)| value.clone())
}

impl HttpConnector for FakeAws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let fake = self.clone();
        HttpConnectorFuture::new(async move {
            // Concurrent tasks get their turn before the answer comes, as with the real services.
            tokio::task::yield_now().await;
            let (status, content_type, body) = fake.answer(&request);
            let status = status.try_into().expect("a status");
            let mut response = HttpResponse::new(status, SdkBody::from(body));
            if content_type == "application/cbor" {
                response.headers_mut().insert("smithy-protocol", "rpc-v2-cbor");
            }
            response.headers_mut().insert("content-type", content_type);
            Ok(response)
        })
    }
}

impl HttpClient for FakeAws {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
