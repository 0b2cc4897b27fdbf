//! Notes each call of AWS, as an interceptor in the SDK's clients.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, Metadata};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use serde::Deserialize;
use serde_json::json;
use spillway_core::Timestamp;
use spillway_core::ports::Clock;
use spillway_core::trace::{Segment, segment_id};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Maximum calls that are noted for one invocation. A batch makes one or two for each record.
const MAX_CALLS: usize = 500;
/// Whether a service's code means throttling. The adapter for AWS knows the codes.
type IsThrottling = fn(&str) -> bool;

/// The calls of an invocation. A sandbox works on one invocation at a time, so there is one list.
pub struct Calls {
    clock: Arc<dyn Clock>,
    noted: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    /// The id that the next call gets.
    reserved: Option<String>,
    ended: Vec<Segment>,
}

/// When a call began, and its id.
#[derive(Debug)]
struct Begun {
    id: String,
    at: Timestamp,
}

impl Storable for Begun {
    type Storer = StoreReplace<Self>;
}

impl Calls {
    /// None so far.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, noted: Mutex::default() }
    }

    /// The interceptor for the SDK's clients.
    pub fn interceptor(self: &Arc<Self>, is_throttling: fn(&str) -> bool) -> Interceptor {
        Interceptor { calls: Arc::clone(self), is_throttling }
    }

    /// Clears all calls and returns the id of the next one, so that what it sends can name it as its parent.
    pub fn begin(&self) -> String {
        let mut noted = self.noted();
        *noted = Noted { reserved: Some(segment_id()), ended: Vec::new() };
        noted.reserved.clone().unwrap_or_default()
    }

    /// The calls since the beginning, as subsegments.
    pub fn take(&self) -> Vec<Segment> {
        std::mem::take(&mut self.noted().ended)
    }

    fn noted(&self) -> std::sync::MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, call: Segment) {
        let mut noted = self.noted();
        if noted.ended.len() < MAX_CALLS {
            noted.ended.push(call);
        }
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").finish_non_exhaustive()
    }
}

/// Sees each call of a client from its beginning to its end, with its retries and the waits between them.
#[derive(Clone, Debug)]
pub struct Interceptor {
    calls: Arc<Calls>,
    is_throttling: IsThrottling,
}

#[dyn_dispatch_hint]
impl Intercept for Interceptor {
    fn name(&self) -> &'static str {
        "TraceCalls"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let id = self.calls.noted().reserved.take().unwrap_or_else(segment_id);
        cfg.interceptor_state().store_put(Begun { id, at: self.calls.clock.now() });
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (Some(begun), Some(call)) = (cfg.load::<Begun>(), cfg.load::<Metadata>()) else { return Ok(()) };
        let ended = self.calls.clock.now();
        let mut segment = describe(call, begun, ended, context.response(), self.is_throttling);
        if let Some(Err(error)) = context.output_or_error()
            && !(segment.error || segment.fault)
        {
            let kind = if error.is_timeout_error() { "Timeout" } else { "NoAnswer" };
            if context.response().is_none() || error.is_timeout_error() {
                segment.fault = true;
                segment.cause = Some(cause(kind));
            }
        }
        self.calls.add(segment);
        Ok(())
    }
}

/// The subsegment of a call. X-Ray and the SDK use the same names for services.
fn describe(
    call: &Metadata,
    begun: &Begun,
    ended: Timestamp,
    response: Option<&HttpResponse>,
    is_throttling: IsThrottling,
) -> Segment {
    let mut segment = Segment::new(call.service(), begun.at, ended);
    segment.id.clone_from(&begun.id);
    segment.namespace = Some("aws".to_owned());
    let mut aws = json!({ "operation": call.name() });
    if let Some(response) = response {
        let status = response.status().as_u16();
        segment.http = Some(json!({ "response": { "status": status } }));
        let headers = response.headers();
        if let Some(id) = headers.get("x-amzn-requestid").or_else(|| headers.get("x-amz-request-id")) {
            aws["request_id"] = id.into();
        }
        let code = if status >= 400 { error_code(response) } else { None };
        // DynamoDB's normal answer for an event that is stored already.
        if code.as_deref() != Some("ConditionalCheckFailedException") {
            segment.error = (400..500).contains(&status);
            segment.fault = status >= 500;
            segment.throttle = status == 429 || code.as_deref().is_some_and(is_throttling);
            segment.cause = code.as_deref().map(cause);
        }
    }
    segment.aws = Some(aws);
    segment
}

/// The code of an error, and nothing else of it: its text may quote a client's data.
fn error_code(response: &HttpResponse) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(rename = "__type")]
        code: String,
    }
    let header = response.headers().get("x-amzn-errortype").map(str::to_owned);
    let in_json = || Some(serde_json::from_slice::<Body>(response.body().bytes()?).ok()?.code);
    let in_xml = || {
        let text = std::str::from_utf8(response.body().bytes()?).ok()?;
        Some(text.split_once("<Code>")?.1.split_once("</Code>")?.0.to_owned())
    };
    // `com.amazonaws.dynamodb.v20120810#ThrottlingException:http://…` in full.
    let full = header.or_else(in_json).or_else(in_xml)?;
    let code = full.split(':').next()?.rsplit('#').next()?;
    Some(code.chars().take(80).collect())
}

fn cause(kind: &str) -> serde_json::Value {
    json!({ "exceptions": [{ "id": segment_id(), "type": kind, "remote": true }] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_runtime_api::client::interceptors::context::{Input, InterceptorContext};
    use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, OrchestratorError};
    use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
    use aws_smithy_types::body::SdkBody;
    use spillway_testkit::ManualClock;
    use std::time::Duration;

    /// Plays a call of an SDK's client, as its orchestrator would.
    fn call(calls: &Arc<Calls>, clock: &ManualClock, answer: Option<(u16, &'static str)>) {
        let interceptor =
            calls.interceptor(|code| ["ProvisionedThroughputExceededException", "SlowDown"].contains(&code));
        let components = RuntimeComponentsBuilder::for_tests().build().unwrap();
        let mut cfg = ConfigBag::base();
        cfg.interceptor_state().store_put(Metadata::new("PutItem", "DynamoDB"));
        let mut context = InterceptorContext::new(Input::doesnt_matter());
        interceptor.read_before_execution(&(&context).into(), &mut cfg).unwrap();
        clock.advance(Duration::from_millis(7));
        context.enter_serialization_phase();
        context.take_input();
        context.set_request(HttpRequest::empty());
        context.enter_before_transmit_phase();
        context.enter_transmit_phase();
        context.take_request();
        match answer {
            Some((status, body)) => {
                let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
                response.headers_mut().insert("x-amzn-requestid", "R1");
                context.set_response(response);
            }
            None => context.fail(OrchestratorError::other("connection refused")),
        }
        interceptor.read_after_execution(&(&context).into(), &components, &mut cfg).unwrap();
    }

    fn calls() -> (Arc<Calls>, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        (Arc::new(Calls::new(clock.clone())), clock)
    }

    fn only(answer: Option<(u16, &'static str)>) -> Segment {
        let (calls, clock) = calls();
        call(&calls, &clock, answer);
        let [segment] = <[Segment; 1]>::try_from(calls.take()).unwrap();
        segment
    }

    #[test]
    fn a_call_becomes_a_subsegment_with_the_id_that_was_reserved() {
        let (calls, clock) = calls();
        let id = calls.begin();
        call(&calls, &clock, Some((200, "{}")));
        call(&calls, &clock, Some((200, "{}")));
        let noted = calls.take();
        assert_eq!((noted[0].id == id, noted[1].id == id), (true, false));
        assert_eq!((noted[0].name.as_str(), noted[0].namespace.as_deref()), ("DynamoDB", Some("aws")));
        assert_eq!(noted[0].aws, Some(json!({ "operation": "PutItem", "request_id": "R1" })));
        assert!((noted[0].end_time - noted[0].start_time - 0.007).abs() < 1e-9);
        assert!(!noted[0].fault && !noted[0].error && noted[0].cause.is_none());
        assert!(calls.take().is_empty());
    }

    #[test]
    fn a_failed_call_has_its_code_and_quotes_nothing() {
        let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"secret"}"#;
        let throttled = only(Some((400, body)));
        assert!(throttled.throttle && throttled.error && !throttled.fault);
        let text = serde_json::to_string(&throttled).unwrap();
        assert!(text.contains("\"type\":\"ProvisionedThroughputExceededException\""), "{text}");
        assert!(!text.contains("secret"), "{text}");
        let slow = only(Some((503, "<Error><Code>SlowDown</Code><Message>secret</Message></Error>")));
        assert!(slow.throttle && slow.fault && !slow.error);
        let lost = only(None);
        assert!(lost.fault && lost.http.is_none());
        assert_eq!(lost.cause.unwrap()["exceptions"][0]["type"], "NoAnswer");
    }

    #[test]
    fn an_event_that_is_stored_already_is_no_error() {
        let there = only(Some((400, r#"{"__type":"x#ConditionalCheckFailedException"}"#)));
        assert!(!there.error && !there.fault && there.cause.is_none());
    }

    #[test]
    fn each_invocation_starts_without_calls() {
        let (calls, clock) = calls();
        call(&calls, &clock, Some((200, "")));
        calls.begin();
        assert!(calls.take().is_empty());
        for _ in 0..MAX_CALLS + 5 {
            call(&calls, &clock, Some((200, "")));
        }
        assert_eq!(calls.take().len(), MAX_CALLS);
    }
}
