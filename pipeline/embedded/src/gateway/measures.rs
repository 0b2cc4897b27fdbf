//! What CloudWatch would measure of the API and of the ingest function.

use super::Visit;
use crate::concurrency::{Concurrency, Running};
use http::StatusCode;
use spillway_core::metric::Meter;
use spillway_core::names::Names;
use spillway_core::ports::MetricSink;
use spillway_metrics::{Api, Function, api, function, ingest};
use std::sync::Arc;
use std::time::Duration;

/// The metrics, named once: each request records all of them.
pub(super) struct Measures {
    sink: Arc<dyn MetricSink>,
    count: Meter,
    error_4xx: Meter,
    error_5xx: Meter,
    latency: Meter,
    integration_latency: Meter,
    invocations: Meter,
    errors: Meter,
    throttles: Meter,
    duration: Meter,
    concurrent: Meter,
    accepted: Meter,
    running: Concurrency,
}

impl Measures {
    pub(super) fn new(sink: Arc<dyn MetricSink>, names: &Names) -> Self {
        let (of_api, of_function) = (Api::from(names), Function::from(&names.ingest_function));
        let of_api = |metric| Meter::new(metric, &of_api);
        let of_function = |metric| Meter::new(metric, &of_function);
        Self {
            sink,
            count: of_api(api::REQUESTS),
            error_4xx: of_api(api::CLIENT_ERRORS),
            error_5xx: of_api(api::SERVER_ERRORS),
            latency: of_api(api::LATENCY),
            integration_latency: of_api(api::INTEGRATION_LATENCY),
            invocations: of_function(function::INVOCATIONS),
            errors: of_function(function::ERRORS),
            throttles: of_function(function::THROTTLES),
            duration: of_function(function::DURATION),
            concurrent: of_function(function::CONCURRENCY),
            accepted: of_function(ingest::EVENTS_ACCEPTED),
            running: Concurrency::default(),
        }
    }

    /// An invocation begins. It ends when the returned guard is dropped.
    pub(super) fn begin(&self) -> Running<'_> {
        self.running.begin()
    }

    /// Records a request. The errors are recorded as 0 too: their average is the error rate, as in CloudWatch.
    pub(super) fn record(&self, visit: &Visit, status: StatusCode, ended: Duration) {
        self.add(&self.count, 1.0);
        self.add(&self.error_4xx, flag(status.is_client_error()));
        self.add(&self.error_5xx, flag(status.is_server_error()));
        self.add(&self.latency, milliseconds(ended.saturating_sub(visit.began)));
        let Some(invocation) = &visit.invocation else {
            return;
        };
        let took = milliseconds(invocation.took);
        self.add(&self.integration_latency, took);
        self.add(&self.invocations, 1.0);
        self.add(&self.errors, flag(invocation.handled.is_none()));
        self.add(&self.throttles, 0.0);
        self.add(&self.duration, took);
        self.add(&self.concurrent, invocation.concurrent as f64);
        let promised = invocation.handled.as_ref().map_or(0, |answered| answered.promised.len());
        if promised > 0 {
            self.add(&self.accepted, promised as f64);
        }
    }

    fn add(&self, meter: &Meter, value: f64) {
        self.sink.record(meter.measured(value));
    }
}

fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}

fn milliseconds(took: Duration) -> f64 {
    took.as_micros() as f64 / 1000.0
}
