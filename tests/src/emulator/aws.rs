//! Calls to the emulator's services, as plain JSON: a test reads a queue or a table without the SDK under test.

use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::fmt::Display;
use std::net::SocketAddr;

/// The region of the deployment. The emulator keeps regions apart.
pub const REGION: &str = "eu-central-1";
/// The emulator accepts any credentials.
pub const CREDENTIALS: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_REGION", REGION)];

/// A client of the emulator.
#[derive(Clone, Debug)]
pub struct Aws {
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Aws {
    /// A client for the emulator at this address.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Calls an operation, named as in the header `X-Amz-Target`, such as `AmazonSQS.SendMessage`.
    pub async fn call(&self, target: &str, body: &Value) -> Value {
        self.try_call(target, body).await.unwrap_or_else(|error| panic!("{target} {body}: {error}"))
    }

    /// The same, but returns the service's error.
    pub async fn try_call(&self, target: &str, body: &Value) -> Result<Value, String> {
        self.raw(target, body.to_string()).await
    }

    /// The same, with a body that may not be representable as a JSON value.
    pub async fn raw(&self, target: &str, body: String) -> Result<Value, String> {
        let service = match target.split('.').next().unwrap_or_default() {
            "AmazonSQS" => "sqs",
            "DynamoDB_20120810" => "dynamodb",
            "Logs_20140328" => "logs",
            _ => "monitoring",
        };
        let request = self.request("POST", "/", service).header("x-amz-target", target);
        let request = request.header("content-type", "application/x-amz-json-1.0");
        let (status, answer) = self.send(request.body(body.into()).expect("well formed")).await?;
        let answer = String::from_utf8_lossy(&answer);
        if status != 200 {
            return Err(format!("{status}: {answer}"));
        }
        if answer.is_empty() {
            Ok(Value::Null)
        } else {
            serde_json::from_str(&answer).map_err(|error| error.to_string())
        }
    }

    /// Invokes a function and waits for its answer.
    pub async fn invoke(&self, function: &str, payload: &impl Display) -> Value {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let request =
            self.request("POST", &path, "lambda").body(payload.to_string().into()).expect("well formed");
        let (_, answer) = self.send(request).await.unwrap_or_else(|error| panic!("{function}: {error}"));
        serde_json::from_slice(&answer).unwrap_or(Value::Null)
    }

    /// The bytes of an object.
    pub async fn object(&self, bucket: &str, key: &str) -> Bytes {
        let request = self
            .request("GET", &format!("/{bucket}/{key}"), "s3")
            .body(Full::default())
            .expect("well formed");
        let (status, body) = self.send(request).await.unwrap_or_else(|error| panic!("{key}: {error}"));
        assert_eq!(status, 200, "{key}: {}", String::from_utf8_lossy(&body));
        body
    }

    /// The keys of a bucket's objects with this prefix, at most the thousand of the first page.
    pub async fn keys(&self, bucket: &str, prefix: &str) -> Vec<String> {
        let path = format!("/{bucket}?list-type=2&prefix={prefix}");
        let request = self.request("GET", &path, "s3").body(Full::default()).expect("well formed");
        let (status, body) = self.send(request).await.unwrap_or_else(|error| panic!("{path}: {error}"));
        let body = String::from_utf8_lossy(&body);
        assert_eq!(status, 200, "{path}: {body}");
        body.split("<Key>")
            .skip(1)
            .filter_map(|rest| rest.split_once('<'))
            .map(|(key, _)| key.to_owned())
            .collect()
    }

    fn request(&self, method: &str, path: &str, service: &str) -> http::request::Builder {
        // The emulator reads region and service from the scope, but does not check the signature.
        let scope = format!("test/20250101/{REGION}/{service}/aws4_request");
        Request::builder().method(method).uri(format!("http://{}{path}", self.address)).header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"),
        )
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<(u16, Bytes), String> {
        let answer = self.client.request(request).await.map_err(|error| format!("no answer: {error}"))?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.map_err(|error| format!("a broken answer: {error}"))?;
        Ok((status, body.to_bytes()))
    }
}
