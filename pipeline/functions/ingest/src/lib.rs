//! The ingest function. It takes a REST API event of API Gateway, calls the API's handler and returns its
//! answer.
//!
//! The handler is `spillway-ingest`, which runs behind a socket just as well.

mod rest;
mod settings;

pub use rest::{Answer, EventError};
pub use settings::Settings;

use bytes::Bytes;
use http::Request;
use serde_json::value::RawValue;
use spillway_core::trace::TraceHeader;
use spillway_ingest::{Handled, Ingest, Outcome, Work, incoming_trace};
use spillway_lambda::{Invocation, Telemetry};

/// The function: the API's handler, and how it reports what it did.
pub struct Function {
    /// The handler.
    pub ingest: Ingest,
    /// Metrics and traces.
    pub telemetry: Telemetry,
}

/// Handles one request.
///
/// # Errors
/// The event is not what API Gateway sends. Any request has an answer.
pub async fn run(
    function: &Function,
    payload: &RawValue,
    invocation: &Invocation,
) -> Result<Answer, EventError> {
    let started = function.telemetry.now();
    let request = rest::request(payload)?;
    let send_id = function.telemetry.calls.begin();
    let trace = trace(invocation, &request).map(|trace| {
        // The consumer that receives the message continues from the call that sent it.
        if trace.sampled { trace.child_of(&send_id) } else { trace }
    });
    let handled = handle(&function.ingest, &request, trace.as_ref()).await;
    let work = Work {
        outcome: handled.outcome,
        status: handled.response.status(),
        promised: &handled.promised,
        sending: handled.sending,
        started,
        ended: function.telemetry.now(),
    };
    function.telemetry.measure(&work.measurements(&function.telemetry.function));
    let calls = function.telemetry.calls.take();
    if invocation.sampled().is_some() {
        function.telemetry.part(invocation, work.segment(calls));
    }
    Ok(Answer::from(handled.response))
}

async fn handle(ingest: &Ingest, request: &Request<Bytes>, trace: Option<&TraceHeader>) -> Handled {
    let limit = ingest.settings.max_request_bytes;
    if request.body().len() <= limit {
        return spillway_ingest::run(ingest, request, trace).await;
    }
    Handled {
        response: spillway_ingest::request_too_large(limit).into_response(),
        outcome: Outcome::Refused,
        promised: Vec::new(),
        sending: None,
    }
}

/// Lambda names its segment by its own trace, so that comes before the header that API Gateway received.
fn trace(invocation: &Invocation, request: &Request<Bytes>) -> Option<TraceHeader> {
    let own = invocation.trace.clone();
    own.or_else(|| incoming_trace(request.headers()).map(|incoming| incoming.header))
}
