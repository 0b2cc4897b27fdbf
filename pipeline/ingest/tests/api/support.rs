//! A queue that remembers what it took and refuses what it is told to, and short ways to ask the handler.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::Value;
use spillway_core::Timestamp;
use spillway_core::ids::MessageId;
use spillway_core::message::OutgoingMessage;
use spillway_core::ports::{EventQueue, QueueError};
use spillway_core::settings::PipelineSettings;
use spillway_core::testkit::ManualClock;
use spillway_ingest::Ingest;
use std::sync::{Arc, Mutex};

/// Decides about the message at a position of a call.
type Refusal = Box<dyn Fn(usize) -> Option<QueueError> + Send + Sync>;

/// The queue.
pub struct FakeQueue {
    refusal: Refusal,
    /// How many of a call's messages it answers for.
    pub answers: usize,
    taken: Mutex<Vec<OutgoingMessage>>,
}

impl FakeQueue {
    /// Takes everything.
    pub fn open() -> Arc<Self> {
        Self::refusing(|_| None)
    }

    /// Takes what `refusal` does not refuse.
    pub fn refusing(refusal: impl Fn(usize) -> Option<QueueError> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { refusal: Box::new(refusal), answers: usize::MAX, taken: Mutex::default() })
    }

    /// What it took so far.
    pub fn taken(&self) -> Vec<OutgoingMessage> {
        self.taken.lock().unwrap().clone()
    }
}

#[async_trait]
impl EventQueue for FakeQueue {
    async fn send(&self, messages: &[OutgoingMessage]) -> Vec<Result<MessageId, QueueError>> {
        messages
            .iter()
            .enumerate()
            .take(self.answers)
            .map(|(position, message)| match (self.refusal)(position) {
                Some(error) => Err(error),
                None => {
                    self.taken.lock().unwrap().push(message.clone());
                    Ok(MessageId::random())
                }
            })
            .collect()
    }
}

/// A handler with small limits: 2,000 bytes an event, 8,000 a request, 10 events a batch.
pub fn ingest(queue: &Arc<FakeQueue>) -> Ingest {
    let settings = PipelineSettings {
        max_event_bytes: 2_000,
        max_request_bytes: 8_000,
        max_batch_events: 10,
        ..PipelineSettings::default()
    };
    let clock = ManualClock::at("2026-01-31T08:00:00Z".parse::<Timestamp>().unwrap());
    Ingest::new(queue.clone(), Arc::new(clock), &settings)
}

/// A request to `POST /events`.
pub fn post(headers: &[(&str, &str)], body: impl Into<Bytes>) -> Request<Bytes> {
    let mut request = Request::builder().method(Method::POST).uri("/events");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

/// An answer's body as JSON.
pub fn json(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

/// An answer's header as text.
pub fn header<'r>(response: &'r Response<Bytes>, name: &str) -> Option<&'r str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}
