//! A gateway whose surroundings remember what reached them.

use crate::gateway::{Gateway, Latency, Ports};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;
use spillway_core::Timestamp;
use spillway_core::ids::MessageId;
use spillway_core::message::OutgoingMessage;
use spillway_core::metric::Measurement;
use spillway_core::names::Names;
use spillway_core::ports::{EventQueue, MetricSink, QueueError, TraceSink};
use spillway_core::settings::PipelineSettings;
use spillway_core::testkit::ManualClock;
use spillway_core::trace::Segment;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};

/// What the queue does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Takes,
    IsFull,
    Panics,
    /// Takes it when somebody adds a permit to [`World::gate`].
    Waits,
}

/// What is around a gateway.
pub struct World {
    pub mood: Mutex<Mood>,
    pub gate: Semaphore,
    /// Told when the queue is asked.
    pub asked: Notify,
    pub taken: Mutex<Vec<OutgoingMessage>>,
    pub measured: Mutex<Vec<Measurement>>,
    pub segments: Mutex<Vec<Segment>>,
    pub clock: ManualClock,
}

pub fn start() -> Timestamp {
    "2026-01-31T08:00:00Z".parse().unwrap()
}

impl World {
    pub fn new(mood: Mood) -> Arc<Self> {
        Arc::new(Self {
            mood: Mutex::new(mood),
            gate: Semaphore::new(0),
            asked: Notify::new(),
            taken: Mutex::default(),
            measured: Mutex::default(),
            segments: Mutex::default(),
            clock: ManualClock::at(start()),
        })
    }

    /// A gateway in this world, with small limits and no sampling of its own.
    pub fn gateway(self: &Arc<Self>, change: impl FnOnce(&mut PipelineSettings)) -> Gateway {
        let mut settings = PipelineSettings {
            max_event_bytes: 10_000,
            max_request_bytes: 20_000,
            trace_reservoir_per_s: 0.0,
            trace_fixed_rate: 0.0,
            ..PipelineSettings::default()
        };
        change(&mut settings);
        let ports = Ports {
            queue: self.clone(),
            clock: Arc::new(SharedClock(Arc::clone(self))),
            metrics: self.clone(),
            traces: self.clone(),
        };
        Gateway::new(ports, &settings, &Names::default())
    }

    /// What was measured since the last time, by metric name.
    pub fn take_measured(&self) -> Vec<(String, f64)> {
        std::mem::take(&mut *self.measured.lock().unwrap())
            .into_iter()
            .map(|measurement| (measurement.metric.name.into_owned(), measurement.value))
            .collect()
    }

    pub fn taken(&self) -> Vec<OutgoingMessage> {
        self.taken.lock().unwrap().clone()
    }
}

#[async_trait]
impl EventQueue for World {
    async fn send(&self, messages: &[OutgoingMessage]) -> Vec<Result<MessageId, QueueError>> {
        self.asked.notify_one();
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Panics => panic!("the queue's code has a bug"),
            Mood::IsFull => {
                let error = QueueError::Unavailable { reason: "the disk is full".to_owned() };
                return messages.iter().map(|_| Err(error.clone())).collect();
            }
            Mood::Waits => self.gate.acquire().await.unwrap().forget(),
            Mood::Takes => {}
        }
        self.taken.lock().unwrap().extend_from_slice(messages);
        messages.iter().map(|_| Ok(MessageId::random())).collect()
    }
}

impl MetricSink for World {
    fn record(&self, measurement: Measurement) {
        self.measured.lock().unwrap().push(measurement);
    }
}

impl TraceSink for World {
    fn record(&self, segment: Segment) {
        self.segments.lock().unwrap().push(segment);
    }
}

struct SharedClock(Arc<World>);

#[async_trait]
impl spillway_core::ports::Clock for SharedClock {
    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.clock.sleep(duration).await;
    }
}

/// 10 ms in the gateway, 5 ms in the function, 20 ms in the queue.
pub struct FixedLatency;

impl Latency for FixedLatency {
    fn gateway(&self) -> Duration {
        Duration::from_millis(10)
    }

    fn function(&self) -> Duration {
        Duration::from_millis(5)
    }

    fn queue(&self) -> Duration {
        Duration::from_millis(20)
    }
}

/// `POST /events` with plain JSON, or with whatever content type is among the headers.
pub fn post(headers: &[(&str, &str)], body: impl Into<Bytes>) -> Request<Bytes> {
    let mut request = Request::post("/events");
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

pub fn json(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}
