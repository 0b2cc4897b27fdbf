//! The API Gateway side. The event of a REST API ("Input format of a Lambda function for proxy integration")
//! becomes a request. The response becomes the document that API Gateway answers with ("Output format …").
//!
//! We do not use `lambda_http`: it panics at a `Host` that makes no URL, and reads members that this function
//! does not need. It also brings URL, media type and character set libraries into the function that has to
//! start fastest.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Why an event is no request.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// It is not a request.
    #[error("the event is no request of a REST API: {0}")]
    NotARequest(#[source] serde_json::Error),
    /// Its body is not the Base64 that it announces.
    #[error("the event says that its body is Base64, and it is not: {0}")]
    Body(#[source] base64::DecodeError),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    http_method: String,
    path: String,
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
    #[serde(default)]
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
    #[serde(default)]
    request_context: Context,
}

#[derive(Default, Deserialize)]
struct Context {
    #[serde(default)]
    stage: Option<String>,
}

/// The request that an event brings.
///
/// # Errors
/// The event is something else.
pub fn request(payload: &RawValue) -> Result<Request<Bytes>, EventError> {
    let event: Event = serde_json::from_str(payload.get()).map_err(EventError::NotARequest)?;
    let body = match event.body {
        Some(body) if event.is_base64_encoded => STANDARD.decode(body).map_err(EventError::Body)?,
        Some(body) => body.into_bytes(),
        None => Vec::new(),
    };
    let mut request = Request::new(Bytes::from(body));
    *request.method_mut() = Method::from_bytes(event.http_method.as_bytes()).unwrap_or_default();
    let path = without_stage(&event.path, event.request_context.stage.as_deref());
    // An invalid path becomes `/`, which matches no route and is answered as such.
    *request.uri_mut() = Uri::try_from(path).unwrap_or_default();
    *request.headers_mut() = headers(event.multi_value_headers, event.headers);
    Ok(request)
}

/// Routes are `/events` and not `/v1/events`. API Gateway mostly leaves the stage out of the path, but not on
/// every route.
fn without_stage<'p>(path: &'p str, stage: Option<&str>) -> &'p str {
    let rest = stage.and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage));
    rest.filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

/// The first has all headers, the second has each once. A test event may have only one of the two.
fn headers(
    multiple: Option<BTreeMap<String, Vec<String>>>,
    single: Option<BTreeMap<String, String>>,
) -> HeaderMap {
    let multiple = multiple.filter(|headers| !headers.is_empty());
    let all = multiple.unwrap_or_else(|| {
        single.unwrap_or_default().into_iter().map(|(name, value)| (name, vec![value])).collect()
    });
    let mut headers = HeaderMap::new();
    for (name, values) in all {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
        for value in values {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                headers.append(&name, value);
            }
        }
    }
    headers
}

/// The document that API Gateway turns into an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    status_code: u16,
    multi_value_headers: BTreeMap<String, Vec<String>>,
    body: String,
    is_base64_encoded: bool,
}

impl From<Response<Bytes>> for Answer {
    fn from(response: Response<Bytes>) -> Self {
        let (head, body) = response.into_parts();
        let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in &head.headers {
            if let Ok(value) = value.to_str() {
                headers.entry(name.as_str().to_owned()).or_default().push(value.to_owned());
            }
        }
        let (body, is_base64_encoded) = match String::from_utf8(body.to_vec()) {
            Ok(text) => (text, false),
            Err(bytes) => (STANDARD.encode(bytes.as_bytes()), true),
        };
        Self { status_code: head.status.as_u16(), multi_value_headers: headers, body, is_base64_encoded }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json, value::to_raw_value};

    fn read(event: &Value) -> Result<Request<Bytes>, EventError> {
        request(&to_raw_value(event).unwrap())
    }

    #[test]
    fn bytes_come_through_as_they_were_sent() {
        let bytes: Vec<u8> = (0..=255).collect();
        let event = json!({
            "httpMethod": "POST", "path": "/events", "isBase64Encoded": true, "body": STANDARD.encode(&bytes),
            "headers": { "Content-Type": "b" },
            "multiValueHeaders": { "Content-Type": ["a"], "X-Twice": ["1", "2"], "not a name": ["x"], "Bad": ["\n"] },
            "requestContext": { "stage": "v1" }
        });
        let request = read(&event).unwrap();
        assert_eq!(request.body().as_ref(), bytes);
        assert_eq!(request.headers()["content-type"], "a");
        assert_eq!(request.headers().get_all("x-twice").iter().count(), 2);
        assert_eq!(request.headers().len(), 3);
    }

    #[test]
    fn the_stage_is_not_part_of_the_route() {
        let path = |path: &str| {
            let event = json!({ "httpMethod": "GET", "path": path, "requestContext": { "stage": "v1" } });
            read(&event).unwrap().uri().path().to_owned()
        };
        assert_eq!(path("/events"), "/events");
        assert_eq!(path("/v1/events"), "/events");
        assert_eq!(path("/v10/events"), "/v10/events");
        assert_eq!(path("/v1"), "/v1");
        assert_eq!(path("no path at all"), "/");
    }

    #[test]
    fn members_that_are_null_are_not_there() {
        let event = json!({
            "httpMethod": "GET", "path": "/warm-up", "headers": null, "multiValueHeaders": null, "body": null,
            "requestContext": { "stage": null }
        });
        let request = read(&event).unwrap();
        assert_eq!((request.uri().path(), request.body().len()), ("/warm-up", 0));
        let single = json!({ "httpMethod": "POST", "path": "/events", "headers": { "A": "1" }, "multiValueHeaders": {} });
        assert_eq!(read(&single).unwrap().headers()["a"], "1");
    }

    #[test]
    fn what_is_no_request_is_an_error_and_no_panic() {
        for event in [json!(null), json!([]), json!({ "task": "x" }), json!({ "httpMethod": 1, "path": "/" })]
        {
            assert!(matches!(read(&event), Err(EventError::NotARequest(_))), "{event}");
        }
        let event = json!({ "httpMethod": "POST", "path": "/events", "isBase64Encoded": true, "body": "%" });
        assert!(matches!(read(&event), Err(EventError::Body(_))));
    }

    #[test]
    fn an_answer_is_text_or_base64() {
        let answer =
            Answer::from(Response::builder().status(202).header("a", "1").body(Bytes::from("ä")).unwrap());
        let json = serde_json::to_value(&answer).unwrap();
        let expected = json!({ "statusCode": 202, "multiValueHeaders": { "a": ["1"] }, "body": "ä", "isBase64Encoded": false });
        assert_eq!(json, expected);
        let answer = Answer::from(Response::new(Bytes::from_static(&[0xff])));
        assert_eq!((answer.body.as_str(), answer.is_base64_encoded), ("/w==", true));
    }
}
