//! What CloudWatch would measure of the API and of the ingest function.

use super::Visit;
use crate::concurrency::{Concurrency, Running};
use http::StatusCode;
use spillway_core::Timestamp;
use spillway_core::metric::{Measurement, MetricId, Unit};
use spillway_core::names::Names;
use spillway_core::ports::MetricSink;
use std::borrow::Cow;
use std::sync::Arc;

/// The metrics, named once: each request records all of them.
pub(super) struct Measures {
    sink: Arc<dyn MetricSink>,
    count: MetricId,
    error_4xx: MetricId,
    error_5xx: MetricId,
    latency: MetricId,
    integration_latency: MetricId,
    invocations: MetricId,
    errors: MetricId,
    throttles: MetricId,
    duration: MetricId,
    concurrent: MetricId,
    running: Concurrency,
}

impl Measures {
    pub(super) fn new(sink: Arc<dyn MetricSink>, names: &Names) -> Self {
        let api = |name| metric("AWS/ApiGateway", name, &[("ApiName", &names.api), ("Stage", &names.stage)]);
        let function = |name| metric("AWS/Lambda", name, &[("FunctionName", &names.ingest_function)]);
        Self {
            sink,
            count: api("Count"),
            error_4xx: api("4XXError"),
            error_5xx: api("5XXError"),
            latency: api("Latency"),
            integration_latency: api("IntegrationLatency"),
            invocations: function("Invocations"),
            errors: function("Errors"),
            throttles: function("Throttles"),
            duration: function("Duration"),
            concurrent: function("ConcurrentExecutions"),
            running: Concurrency::default(),
        }
    }

    /// An invocation begins. It ends when the answer is dropped.
    pub(super) fn begin(&self) -> Running<'_> {
        self.running.begin()
    }

    /// Records a request. The errors are recorded as 0 too: their average is the error rate, as in CloudWatch.
    pub(super) fn record(&self, visit: &Visit, status: StatusCode, ended: Timestamp) {
        self.add(&self.count, 1.0, Unit::Count);
        self.add(&self.error_4xx, flag(status.is_client_error()), Unit::Count);
        self.add(&self.error_5xx, flag(status.is_server_error()), Unit::Count);
        self.add(&self.latency, milliseconds(visit.arrived, ended), Unit::Milliseconds);
        let Some(invocation) = &visit.invocation else {
            return;
        };
        let took = milliseconds(invocation.started, invocation.ended);
        self.add(&self.integration_latency, took, Unit::Milliseconds);
        self.add(&self.invocations, 1.0, Unit::Count);
        self.add(&self.errors, flag(invocation.handled.is_none()), Unit::Count);
        self.add(&self.throttles, 0.0, Unit::Count);
        self.add(&self.duration, took, Unit::Milliseconds);
        self.add(&self.concurrent, invocation.concurrent as f64, Unit::Count);
    }

    fn add(&self, metric: &MetricId, value: f64, unit: Unit) {
        self.sink.record(Measurement { metric: metric.clone(), value, unit });
    }
}

/// A metric whose dimensions are borrowed where they can be, so that a copy costs one allocation.
fn metric(
    namespace: &'static str,
    name: &'static str,
    dimensions: &[(&'static str, &Cow<'static, str>)],
) -> MetricId {
    let dimensions = dimensions.iter().map(|(name, value)| ((*name).into(), (*value).clone())).collect();
    MetricId { namespace: namespace.into(), name: name.into(), dimensions }
}

fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}

fn milliseconds(from: Timestamp, to: Timestamp) -> f64 {
    // A clock that was set back makes nothing take less than no time.
    ((to.as_microsecond() - from.as_microsecond()) as f64 / 1000.0).max(0.0)
}
