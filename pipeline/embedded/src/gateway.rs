//! Simulates API Gateway: HTTP in front of the ingest function.
//!
//! [`Gateway::call`] is one request without a socket, as simulations make it; [`serve`] is the same behind a listener.
//! Either way a request is throttled, handled, measured under CloudWatch's names, and traced as X-Ray would.

mod body;
mod latency;
mod measures;
mod sampler;
mod segments;
mod serve;
#[cfg(test)]
mod tests;
mod throttle;

pub use latency::{Latency, TypicalLatency};
pub use serve::serve;

use crate::Pipeline;
use crate::listener::{Hosts, Limits, Sender, sender};
use bytes::Bytes;
use futures::FutureExt as _;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{Request, Response};
use measures::Measures;
use sampler::Sampler;
use segments::Spans;
use spillway_core::Timestamp;
use spillway_core::names::Names;
use spillway_core::ports::{Clock, EventQueue, MetricSink, TraceSink};
use spillway_core::settings::PipelineSettings;
use spillway_core::trace::TraceHeader;
use spillway_ingest::{Handled, Ingest, Problem, ProblemKind, TRACE_HEADER, incoming_trace};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use throttle::Throttle;

/// The longest that a request waits for the function, as in API Gateway. What it has begun to write may still be written.
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(29);

/// What the gateway needs.
#[derive(Clone)]
pub struct Ports {
    /// Where accepted events go.
    pub queue: Arc<dyn EventQueue>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where measurements go.
    pub metrics: Arc<dyn MetricSink>,
    /// Where segments go.
    pub traces: Arc<dyn TraceSink>,
}

impl Ports {
    /// Those of a pipeline.
    pub fn of(pipeline: &Pipeline) -> Self {
        Self {
            queue: Arc::clone(&pipeline.ports.queue),
            clock: Arc::clone(&pipeline.ports.clock),
            metrics: pipeline.recorder.clone(),
            traces: pipeline.recorder.clone(),
        }
    }
}

/// The request that sends one event in structured mode.
pub fn post_event(event: String) -> Request<Bytes> {
    let mut request = Request::new(Bytes::from(event));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = http::Uri::from_static("/events");
    let content_type = HeaderValue::from_static("application/cloudevents+json");
    request.headers_mut().insert(http::header::CONTENT_TYPE, content_type);
    request
}

/// The gateway.
pub struct Gateway {
    ingest: Ingest,
    limits: Limits,
    hosts: Hosts,
    clock: Arc<dyn Clock>,
    measures: Measures,
    traces: Arc<dyn TraceSink>,
    names: Names,
    throttle: Throttle,
    sampler: Sampler,
    latency: Option<Arc<dyn Latency>>,
}

impl Gateway {
    /// A gateway with these rules and names.
    pub fn new(ports: Ports, settings: &PipelineSettings, names: &Names) -> Self {
        Self {
            ingest: Ingest::new(ports.queue, Arc::clone(&ports.clock), settings),
            limits: Limits::default(),
            hosts: Hosts::default(),
            clock: ports.clock,
            measures: Measures::new(ports.metrics, names),
            traces: ports.traces,
            names: names.clone(),
            throttle: Throttle::new(settings.api_rate_per_s, settings.api_burst),
            sampler: Sampler::new(settings.trace_reservoir_per_s, settings.trace_fixed_rate),
            latency: None,
        }
    }

    /// With other limits than the default ones.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// With further names of this machine, for which requests may be.
    pub fn with_hosts(mut self, hosts: Hosts) -> Self {
        self.hosts = hosts;
        self
    }

    /// With calls that take time. For virtual time, where they would take none.
    pub fn with_latency(mut self, latency: Arc<dyn Latency>) -> Self {
        self.ingest.queue =
            Arc::new(latency::DelayedQueue::new(self.ingest.queue, &self.clock, Arc::clone(&latency)));
        self.latency = Some(latency);
        self
    }

    /// Answers one request whose body is there.
    pub async fn call(&self, request: Request<Bytes>) -> Response<Bytes> {
        let (head, body) = request.into_parts();
        let limit = self.ingest.settings.max_request_bytes;
        let body = if body.len() > limit { Err(spillway_ingest::request_too_large(limit)) } else { Ok(body) };
        self.answer(head, std::future::ready(body)).await
    }

    /// Answers one request. The body is only read if the request is for this host and not throttled.
    async fn answer(
        &self,
        head: Parts,
        body: impl Future<Output = Result<Bytes, Problem>>,
    ) -> Response<Bytes> {
        let arrived = self.clock.now();
        let trace = self.trace(&head, arrived);
        let mut visit = Visit { arrived, began: self.clock.elapsed(), ..Visit::default() };
        let mut response = match self.admit(&head, arrived) {
            Err(problem) => problem.into_response(),
            Ok(()) => match body.await {
                Err(problem) => problem.into_response(),
                Ok(body) => self.integrate(Request::from_parts(head, body), &trace, &mut visit).await,
            },
        };
        let ended = self.clock.now();
        self.measures.record(&visit, response.status(), self.clock.elapsed());
        if let Some(spans) = trace.spans {
            spans.record(&*self.traces, &self.names, &trace.header.root, &visit, &response, ended);
        }
        response.headers_mut().insert(HeaderName::from_static(TRACE_HEADER), trace.answer);
        response
    }

    /// Refuses what no handler should see: requests for another host, of another site's page, and over the rate.
    fn admit(&self, head: &Parts, now: Timestamp) -> Result<(), Problem> {
        if !self.hosts.admit(&head.uri, &head.headers) {
            let detail =
                "this API answers to localhost, 127.0.0.1 and the names in --host; nothing was accepted";
            return Err(Problem::new(ProblemKind::MisdirectedRequest, detail));
        }
        if !head.method.is_safe() && sender(&head.uri, &head.headers) == Sender::OtherSite {
            let detail = "a page of another site sent this, and the API takes nothing from pages; nothing was accepted";
            return Err(Problem::new(ProblemKind::Forbidden, detail));
        }
        self.throttle.admit(now).map_err(|wait_s| {
            let problem =
                Problem::new(ProblemKind::Throttled, "over the rate of this API; nothing was accepted");
            problem.with_retry_after(wait_s)
        })
    }

    /// Invokes the function.
    async fn integrate(&self, request: Request<Bytes>, trace: &Trace, visit: &mut Visit) -> Response<Bytes> {
        // The time for a slowly sent body is the client's, not the API's.
        (visit.arrived, visit.began) = (self.clock.now(), self.clock.elapsed());
        if let Some(latency) = &self.latency {
            self.clock.sleep(latency.gateway()).await;
        }
        let (started, began) = (self.clock.now(), self.clock.elapsed());
        let running = self.measures.begin();
        if let Some(latency) = &self.latency {
            self.clock.sleep(latency.function()).await;
        }
        let run = AssertUnwindSafe(spillway_ingest::run(&self.ingest, &request, Some(&trace.header)));
        let run = tokio::time::timeout(self.clock.on_machine(INTEGRATION_TIMEOUT), run.catch_unwind()).await;
        let (handled, failure) = match run {
            Ok(Ok(handled)) => (Some(handled), ProblemKind::FunctionFailed),
            Ok(Err(_panic)) => (None, ProblemKind::FunctionFailed),
            Err(_elapsed) => (None, ProblemKind::FunctionTimedOut),
        };
        let concurrent = running.count();
        let took = self.clock.elapsed().saturating_sub(began);
        let mut invocation = Invocation { started, ended: self.clock.now(), took, concurrent, handled: None };
        let response = match handled {
            Some(Handled { response, outcome, promised, sending }) => {
                invocation.handled = Some(Answered { outcome, promised, sending });
                response
            }
            // As API Gateway answers when a function fails.
            None => Problem::new(
                failure,
                "the outcome is not known; sending the request again is safe if its events have their own ids",
            )
            .into_response(),
        };
        visit.invocation = Some(invocation);
        response
    }

    fn trace(&self, head: &Parts, now: Timestamp) -> Trace {
        let (mut header, decided) = match incoming_trace(&head.headers) {
            Some(incoming) => (incoming.header, incoming.decided),
            None => (TraceHeader::new(now, false), false),
        };
        if !decided {
            header.sampled = self.sampler.sample(now);
        }
        let spans = header.sampled.then(|| Spans::new(head, header.parent.take()));
        if let Some(spans) = &spans {
            // The function that receives the message continues from the call that sent it.
            header.parent = Some(spans.send_id().to_owned());
        }
        let answer = format!("Root={};Sampled={}", header.root, u8::from(header.sampled));
        // A well-formed root has digits and hyphens only.
        let answer = HeaderValue::try_from(answer).unwrap_or(HeaderValue::from_static("Sampled=0"));
        Trace { header, spans, answer }
    }
}

/// The trace of a request.
struct Trace {
    /// The trace header of its messages.
    header: TraceHeader,
    /// The data for segments, if the request is sampled.
    spans: Option<Spans>,
    /// The value returned to the client, so that it can ask for this trace.
    answer: HeaderValue,
}

/// What happened to a request, as far as it got.
#[derive(Default)]
struct Visit {
    arrived: Timestamp,
    /// The same by the clock that never jumps.
    began: Duration,
    invocation: Option<Invocation>,
}

/// One invocation of the ingest function.
struct Invocation {
    started: Timestamp,
    ended: Timestamp,
    took: Duration,
    /// Invocations under way, this one included.
    concurrent: usize,
    /// `None` if it failed.
    handled: Option<Answered>,
}

/// What the handler returns besides its response.
struct Answered {
    outcome: spillway_ingest::Outcome,
    promised: Vec<(spillway_core::ids::EventKey, spillway_core::ids::EventType)>,
    sending: Option<spillway_ingest::Sending>,
}
