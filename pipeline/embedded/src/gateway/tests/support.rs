//! A gateway over a pipeline in memory, which records what reached it.

use crate::gateway::{Gateway, Latency, Ports};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;
use spillway_core::Timestamp;
use spillway_core::names::Names;
use spillway_core::ports::QueueError;
use spillway_core::settings::PipelineSettings;
use spillway_testkit::MemoryPipeline;
use std::sync::Arc;
use std::time::Duration;

/// What the queue does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    Accepts,
    IsFull,
    Panics,
    /// Accepts it when the test adds a permit to [`MemoryPipeline::gate`].
    Waits,
}

pub fn start() -> Timestamp {
    "2026-01-31T08:00:00Z".parse().unwrap()
}

/// A pipeline whose queue behaves in that way.
pub fn pipeline(behaviour: Behaviour) -> Arc<MemoryPipeline> {
    let pipeline = MemoryPipeline::at(start(), |_| {});
    set_behaviour(&pipeline, behaviour);
    pipeline
}

pub fn set_behaviour(pipeline: &MemoryPipeline, behaviour: Behaviour) {
    let mut state = pipeline.state();
    state.sends_wait = behaviour == Behaviour::Waits;
    state.refuse(move |_, _| match behaviour {
        Behaviour::Panics => panic!("the queue's code has a bug"),
        Behaviour::IsFull => Some(QueueError::Unavailable { reason: "the disk is full".to_owned() }),
        Behaviour::Waits | Behaviour::Accepts => None,
    });
}

/// A gateway over the pipeline, with small limits and without sampling.
pub fn gateway(pipeline: &Arc<MemoryPipeline>, change: impl FnOnce(&mut PipelineSettings)) -> Gateway {
    let mut settings = PipelineSettings {
        max_event_bytes: 10_000,
        max_request_bytes: 20_000,
        trace_reservoir_per_s: 0.0,
        trace_fixed_rate: 0.0,
        ..PipelineSettings::default()
    };
    change(&mut settings);
    let ports = Ports {
        queue: pipeline.clone(),
        clock: pipeline.clock.clone(),
        metrics: pipeline.clone(),
        traces: pipeline.clone(),
    };
    Gateway::new(ports, &settings, &Names::default())
}

/// What was measured since the last time, by metric name.
pub fn take_measured(pipeline: &MemoryPipeline) -> Vec<(String, f64)> {
    std::mem::take(&mut pipeline.state().measured)
        .into_iter()
        .map(|measurement| (measurement.metric.name.into_owned(), measurement.value))
        .collect()
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

/// `POST /events` with plain JSON, or with the content type that is among the headers.
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
