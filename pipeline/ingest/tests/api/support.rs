//! A handler over a pipeline in memory, and helpers to call it.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::Value;
use spillway_core::Timestamp;
use spillway_core::ports::QueueError;
use spillway_core::settings::PipelineSettings;
use spillway_ingest::Ingest;
use spillway_testkit::{ManualClock, MemoryPipeline};
use std::sync::Arc;

/// A queue that takes everything.
pub fn open_queue() -> Arc<MemoryPipeline> {
    MemoryPipeline::new(|_| {})
}

/// A queue that takes what `refusal` does not refuse, by the position in a call.
pub fn queue_refusing(refusal: impl Fn(usize) -> Option<QueueError> + Send + 'static) -> Arc<MemoryPipeline> {
    MemoryPipeline::new(|state| state.refuse(move |position, _| refusal(position)))
}

/// A handler with small limits: 2,000 bytes an event, 8,000 a request, 10 events a batch.
pub fn ingest(queue: &Arc<MemoryPipeline>) -> Ingest {
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
