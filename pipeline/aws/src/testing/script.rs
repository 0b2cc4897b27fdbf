//! An AWS service with scripted answers, on a loopback socket: it throttles, fails in part, breaks connections and
//! gives no answer. No emulator does that.

use crate::clients::Clients;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A call that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The operation, such as `PutItem`; of S3 the method and the path with its query.
    pub action: String,
    pub body: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Success.
    Ok(Value),
    /// An error with status 400 and what belongs to it.
    Error(&'static str, Value),
    /// Success with a body that is no JSON, as S3 has it.
    Text(String),
    /// An error with this status.
    Status(u16, &'static str),
    /// The connection is cut after the request was read: the client can't know whether the request was
    /// executed.
    Cut,
    /// None.
    Silence,
}

impl Answer {
    pub fn error(code: &'static str) -> Self {
        Self::Error(code, Value::Object(serde_json::Map::new()))
    }
}

/// The service, and the calls that it received.
pub(crate) struct Script {
    calls: Arc<Mutex<Vec<Call>>>,
    endpoint: String,
}

impl Script {
    /// Answers each call with this function, which receives the number of calls before it.
    pub async fn start(answer: impl Fn(&Call, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
        let (noted, answer) = (Arc::clone(&calls), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (noted, answer) = (Arc::clone(&noted), Arc::clone(&answer));
                tokio::spawn(async move {
                    let answer = |call: Call| {
                        let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
                        let answer = answer(&call, noted.len());
                        noted.push(call);
                        answer
                    };
                    // A client that disconnects in the middle is no failure of the script.
                    let _ = serve(stream, answer).await;
                });
            }
        });
        Self { calls, endpoint }
    }

    /// Clients of it, with time enough on any machine. If the SDK itself retries, it tries twice.
    pub fn clients(&self) -> Clients {
        self.clients_within(Duration::from_secs(10))
    }

    /// Clients that give up soon.
    pub fn hasty_clients(&self) -> Clients {
        self.clients_within(Duration::from_millis(100))
    }

    fn clients_within(&self, attempt: Duration) -> Clients {
        let limits = TimeoutConfig::builder()
            .operation_attempt_timeout(attempt)
            .operation_timeout(attempt * 10)
            .build();
        let retries =
            RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::from_millis(5));
        let credentials = Credentials::new("id", "secret", None, None, "a test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(&self.endpoint)
            .timeout_config(limits)
            .retry_config(retries)
            .sleep_impl(aws_sdk_dynamodb::config::SharedAsyncSleep::new(Sleep))
            .build();
        Clients::from_config(config)
    }

    /// The calls received until now.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The operations of the calls received until now.
    pub fn actions(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.action).collect()
    }
}

#[derive(Debug)]
struct Sleep;

impl aws_sdk_dynamodb::config::AsyncSleep for Sleep {
    fn sleep(&self, duration: Duration) -> aws_sdk_dynamodb::config::Sleep {
        aws_sdk_dynamodb::config::Sleep::new(tokio::time::sleep(duration))
    }
}

async fn serve(stream: TcpStream, answer: impl Fn(Call) -> Answer) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut action, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_lowercase_name();
            if line.is_empty() {
                break;
            }
            if action.is_empty() {
                action = line.trim_end_matches(" HTTP/1.1").to_owned();
            }
            if let Some(target) = line.strip_prefix("x-amz-target: ") {
                action = target.rsplit('.').next().unwrap_or_default().to_owned();
            }
            if let Some(bytes) = line.strip_prefix("content-length: ") {
                length = bytes.parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let call = Call { action, body: serde_json::from_slice(&body).unwrap_or(Value::Null) };
        let (status, error, mut body) = match answer(call) {
            Answer::Text(body) => {
                let head = format!("HTTP/1.1 200 x\r\ncontent-length: {}\r\n\r\n", body.len());
                stream.write_all(format!("{head}{body}").as_bytes()).await?;
                continue;
            }
            Answer::Ok(body) => (200, None, body),
            Answer::Error(code, body) => (400, Some(code), body),
            Answer::Status(status, code) => (status, Some(code), Value::Object(serde_json::Map::new())),
            Answer::Cut => return Ok(()),
            Answer::Silence => return std::future::pending().await,
        };
        if let Some(code) = error {
            body["__type"] = code.into();
            body["message"] = "scripted".into();
        }
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status} x\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).await?;
    }
}

trait HeaderLine {
    fn to_lowercase_name(&self) -> String;
}

impl HeaderLine for str {
    /// The header with its name in lower case and its value as it is.
    fn to_lowercase_name(&self) -> String {
        match self.split_once(':') {
            Some((name, value)) => format!("{}:{value}", name.to_ascii_lowercase()),
            None => self.to_owned(),
        }
    }
}
