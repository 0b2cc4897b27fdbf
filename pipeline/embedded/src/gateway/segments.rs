//! What X-Ray would show of a request: the API's stage, the Lambda service, the function, and its call of SQS.

use super::{Answered, Invocation, Visit};
use bytes::Bytes;
use http::Response;
use http::StatusCode;
use http::header::{HOST, USER_AGENT};
use http::request::Parts;
use serde_json::json;
use spillway_core::Timestamp;
use spillway_core::names::Names;
use spillway_core::ports::TraceSink;
use spillway_core::trace::{Segment, segment_id};
use spillway_ingest::{Work, flag};

/// Longest text of the client's that is kept, in bytes.
const LONGEST_TEXT: usize = 200;

/// A sampled request: what has to be known before it is handled.
pub(super) struct Spans {
    parent: Option<String>,
    send_id: String,
    method: String,
    url: String,
    user_agent: Option<String>,
}

impl Spans {
    pub(super) fn new(head: &Parts, parent: Option<String>) -> Self {
        let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        let url = format!("http://{}{}", text(HOST).unwrap_or_default(), head.uri.path());
        Self {
            parent,
            send_id: segment_id(),
            method: head.method.to_string(),
            // Without the query: it may hold anything that a client put there.
            url: shortened(&url),
            user_agent: text(USER_AGENT).map(shortened),
        }
    }

    /// The id of the call of SQS, which is the parent of all that happens to its messages.
    pub(super) fn send_id(&self) -> &str {
        &self.send_id
    }

    /// Records the segments of a request that has been answered.
    pub(super) fn record(
        self,
        sink: &dyn TraceSink,
        names: &Names,
        root: &str,
        visit: &Visit,
        response: &Response<Bytes>,
        ended: Timestamp,
    ) {
        let status = response.status();
        let mut stage = Segment::new(format!("{}/{}", names.api, names.stage), visit.arrived, ended);
        root.clone_into(&mut stage.trace_id);
        stage.parent_id = self.parent;
        stage.origin = Some("AWS::ApiGateway::Stage".to_owned());
        flag(&mut stage, status);
        let mut request = json!({ "method": self.method, "url": self.url });
        if let Some(user_agent) = self.user_agent {
            request["user_agent"] = user_agent.into();
        }
        let response = json!({ "status": status.as_u16(), "content_length": response.body().len() });
        stage.http = Some(json!({ "request": request, "response": response }));

        if let Some(invocation) = &visit.invocation {
            let mut call = Segment::new("Lambda", invocation.started, invocation.ended);
            call.namespace = Some("aws".to_owned());
            call.fault = invocation.handled.is_none();
            let service = service(root, &call.id, invocation, names);
            let function = function(root, &service.id, invocation, names, self.send_id, status);
            stage.subsegments.push(call);
            sink.record(service);
            sink.record(function);
        }
        sink.record(stage);
    }
}

fn service(root: &str, parent: &str, invocation: &Invocation, names: &Names) -> Segment {
    let failed = invocation.handled.is_none();
    let mut service = Segment::new(&*names.ingest_function, invocation.started, invocation.ended);
    root.clone_into(&mut service.trace_id);
    service.parent_id = Some(parent.to_owned());
    service.origin = Some("AWS::Lambda".to_owned());
    service.fault = failed;
    // The Invoke API's status: 200 for every function that ended, with any answer.
    service.http = Some(json!({ "response": { "status": if failed { 500 } else { 200 } } }));
    service
}

fn function(
    root: &str,
    parent: &str,
    invocation: &Invocation,
    names: &Names,
    send_id: String,
    status: StatusCode,
) -> Segment {
    let mut function = Segment::new(&*names.ingest_function, invocation.started, invocation.ended);
    root.clone_into(&mut function.trace_id);
    function.parent_id = Some(parent.to_owned());
    function.origin = Some("AWS::Lambda::Function".to_owned());
    match &invocation.handled {
        Some(answered) => {
            let accept = accept(answered, invocation, send_id, status);
            function.fault = accept.fault;
            function.subsegments.push(accept);
        }
        None => function.fault = true,
    }
    function
}

/// The function's own work, with its call of SQS.
fn accept(answered: &Answered, invocation: &Invocation, send_id: String, status: StatusCode) -> Segment {
    let call = answered.sending.map(|sending| {
        let mut send = Segment::new("SQS", sending.started, sending.ended);
        send.id = send_id;
        send.namespace = Some("aws".to_owned());
        send.fault = answered.promised.len() < sending.messages;
        send
    });
    let work = Work {
        outcome: answered.outcome,
        status,
        promised: &answered.promised,
        sending: answered.sending,
        started: invocation.started,
        ended: invocation.ended,
    };
    work.segment(call.into_iter().collect())
}

fn shortened(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST_TEXT)].to_owned()
}
