//! The HTTP API from which a function's process gets its invocations.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>. The extensions API is supported only as far as a
//! function needs it to be notified of its end.

use anyhow::{Context, Result};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::json;
use spillway_core::ports::Clock;
use spillway_embedded::RealClock;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Maximum size of an answer that Lambda accepts.
const MAX_BYTES: usize = 6 * 1024 * 1024;
/// The deadline that Lambda sends to a function. This server does not enforce it.
const TIMEOUT: Duration = Duration::from_secs(30);
/// A sampled trace, so that the measurement includes the cost of tracing.
const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
/// The function's ARN, as an invocation names it.
const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:bench:live";

#[derive(Debug)]
pub struct Outcome {
    /// When the complete answer had arrived.
    pub at: Instant,
    /// What the function answered, or its report of an error.
    pub body: Bytes,
    /// Whether it is an answer, not an error.
    pub success: bool,
}

/// A Runtime API for one process. It stops when this is dropped.
pub struct RuntimeApi {
    /// The address on which it listens.
    pub address: SocketAddr,
    invocations: mpsc::UnboundedSender<Bytes>,
    outcomes: mpsc::UnboundedReceiver<Outcome>,
    server: JoinHandle<()>,
}

struct Shared {
    invocations: Mutex<mpsc::UnboundedReceiver<Bytes>>,
    outcomes: mpsc::UnboundedSender<Outcome>,
}

impl RuntimeApi {
    /// Listens on a free loopback port.
    pub async fn start() -> Result<Self> {
        let (invocations, waiting) = mpsc::unbounded_channel();
        let (ended, outcomes) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared { invocations: Mutex::new(waiting), outcomes: ended });
        let app = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .route("/2020-01-01/extension/register", post(register))
            .route("/2020-01-01/extension/event/next", get(never))
            .layer(axum::extract::DefaultBodyLimit::max(MAX_BYTES))
            .with_state(shared);
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port for a Runtime API")?;
        let address = listener.local_addr()?;
        let listener = listener.tap_io(|stream| {
            // Without this, small answers may be delayed by 40 ms, which would show in the measurement.
            let _ = stream.set_nodelay(true);
        });
        let server = tokio::spawn(async move {
            // The server runs until it is aborted.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { address, invocations, outcomes, server })
    }

    /// Queues an invocation for the next request.
    pub fn offer(&self, event: Bytes) {
        // The receiver exists as long as the server, and the server as long as `self`.
        let _ = self.invocations.send(event);
    }

    /// Waits until an invocation ends.
    pub async fn outcome(&mut self) -> Result<Outcome> {
        self.outcomes.recv().await.context("the Runtime API has ended")
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    let Some(event) = shared.invocations.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline = RealClock.now() + TIMEOUT;
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.as_millisecond().to_string()),
        ("lambda-runtime-invoked-function-arn", FUNCTION_ARN.to_owned()),
        ("lambda-runtime-trace-id", TRACE.to_owned()),
    ];
    (headers, event).into_response()
}

async fn response(State(shared): State<Arc<Shared>>, Path(_): Path<String>, body: Bytes) -> StatusCode {
    end(&shared, body, true)
}

async fn error(State(shared): State<Arc<Shared>>, Path(_): Path<String>, body: Bytes) -> StatusCode {
    end(&shared, body, false)
}

async fn init_error(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    end(&shared, body, false)
}

fn end(shared: &Shared, body: Bytes, success: bool) -> StatusCode {
    // The receiver no longer exists if the measurement is over.
    let _ = shared.outcomes.send(Outcome { at: Instant::now(), body, success });
    StatusCode::ACCEPTED
}

async fn register() -> Response {
    let content = json!({ "functionName": "bench", "functionVersion": "1", "handler": "bootstrap" });
    ([("lambda-extension-identifier", "2b9f6cfc-6d1f-4f9e-8a39-9ce6ad6fe8a0")], Json(content)).into_response()
}

/// An extension that registered for no events receives none.
async fn never() -> StatusCode {
    std::future::pending().await
}
