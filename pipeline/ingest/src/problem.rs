//! The answer to a refused request: problem details (RFC 9457).

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use serde::Serialize;
use spillway_core::event::EventProblem;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Most entries of `errors` in one answer. A sender who fixes these finds the rest with the next request.
const MAX_ERRORS: usize = 100;
/// Seconds until a sender should send again after an outage or a defect.
pub(crate) const RETRY_AFTER_S: u32 = 5;
/// Longest text from the sender (a pointer, a name) in an answer, in bytes.
const LONGEST_ECHO: usize = 500;

/// Declares the kinds, each with its `type`, so that the list of all of them is complete.
macro_rules! problem_kinds {
    ($($(#[$doc:meta])* $kind:ident => $uri:literal,)*) => {
        /// The kinds of problems. Each has a stable `type` that programs can rely on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
        #[strum(serialize_all = "kebab-case")]
        pub enum ProblemKind {
            $($(#[$doc])* $kind,)*
        }

        impl ProblemKind {
            /// All kinds. `docs/http-api.md` lists them.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// The `type` member: a URI reference that stays the same.
            pub fn type_uri(self) -> &'static str {
                match self {
                    $(Self::$kind => $uri,)*
                }
            }
        }
    };
}

problem_kinds! {
    /// 400: a header that can't be understood.
    InvalidRequest => "/problems/invalid-request",
    /// 400: the body is not an event.
    InvalidEvent => "/problems/invalid-event",
    /// 400: an event of a batch is not valid, or the body is not a batch.
    InvalidBatch => "/problems/invalid-batch",
    /// 403: the sender may not use this API.
    Forbidden => "/problems/forbidden",
    /// 404: the path does not exist.
    NotFound => "/problems/not-found",
    /// 405: the path is right, the method is not.
    MethodNotAllowed => "/problems/method-not-allowed",
    /// 408: the body did not arrive in time.
    RequestTimeout => "/problems/request-timeout",
    /// 413: the request has too many bytes.
    RequestTooLarge => "/problems/request-too-large",
    /// 413: an event has too many bytes.
    EventTooLarge => "/problems/event-too-large",
    /// 413: a batch has too many events.
    BatchTooLarge => "/problems/batch-too-large",
    /// 415: a media type that is not accepted.
    UnsupportedMediaType => "/problems/unsupported-media-type",
    /// 415: a compressed body.
    UnsupportedContentEncoding => "/problems/unsupported-content-encoding",
    /// 421: the request is for another host.
    MisdirectedRequest => "/problems/misdirected-request",
    /// 429: over the API's rate.
    Throttled => "/problems/throttled",
    /// 502: the function failed; it is not known whether the events were accepted.
    FunctionFailed => "/problems/function-failed",
    /// 504: the function did not answer in time; it is not known whether the events were accepted.
    FunctionTimedOut => "/problems/function-failed",
    /// 503: the queue is unavailable.
    Unavailable => "/problems/unavailable",
}

impl ProblemKind {
    /// The `title` member.
    pub fn title(self) -> &'static str {
        match self {
            Self::InvalidRequest => "The request is not valid",
            Self::InvalidEvent => "The event is not valid",
            Self::InvalidBatch => "The batch is not valid",
            Self::Forbidden => "The request is forbidden",
            Self::NotFound => "There is nothing at this path",
            Self::MethodNotAllowed => "This path does not accept that method",
            Self::RequestTimeout => "The request did not arrive in time",
            Self::RequestTooLarge => "The request is too large",
            Self::EventTooLarge => "An event is too large",
            Self::BatchTooLarge => "The batch has too many events",
            Self::UnsupportedMediaType => "This media type is not accepted",
            Self::UnsupportedContentEncoding => "This content encoding is not accepted",
            Self::MisdirectedRequest => "The request is for another host",
            Self::Throttled => "Too many requests",
            Self::FunctionFailed | Self::FunctionTimedOut => "The request could not be processed",
            Self::Unavailable => "Events can't be accepted at the moment",
        }
    }

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest | Self::InvalidEvent | Self::InvalidBatch => StatusCode::BAD_REQUEST,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::RequestTooLarge | Self::EventTooLarge | Self::BatchTooLarge => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::UnsupportedMediaType | Self::UnsupportedContentEncoding => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            Self::MisdirectedRequest => StatusCode::MISDIRECTED_REQUEST,
            Self::Throttled => StatusCode::TOO_MANY_REQUESTS,
            Self::FunctionFailed => StatusCode::BAD_GATEWAY,
            Self::FunctionTimedOut => StatusCode::GATEWAY_TIMEOUT,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Seconds to wait before sending again (`Retry-After`), if that can help. They are long enough to prevent a storm of
    /// retries after a short outage, and short enough to keep the backlog small.
    pub fn retry_after_s(self) -> Option<u32> {
        match self {
            Self::Throttled => Some(1),
            Self::FunctionFailed | Self::FunctionTimedOut | Self::Unavailable => Some(RETRY_AFTER_S),
            _ => None,
        }
    }

    /// All kinds as a JSON document, by name: `terraform/modules/api/problems.json`. API Gateway's own answers have the
    /// same statuses, types and titles.
    pub fn document() -> String {
        let kinds: BTreeMap<&str, _> = Self::ALL.iter().map(|kind| ((*kind).into(), kind.entry())).collect();
        serde_json::to_string_pretty(&kinds).unwrap_or_default() + "\n"
    }

    fn entry(self) -> KindEntry {
        KindEntry {
            status: self.status().as_u16(),
            type_uri: self.type_uri(),
            title: self.title(),
            retry_after_s: self.retry_after_s(),
        }
    }
}

/// A kind in [`ProblemKind::document`].
#[derive(Serialize)]
struct KindEntry {
    status: u16,
    #[serde(rename = "type")]
    type_uri: &'static str,
    title: &'static str,
    retry_after_s: Option<u32>,
}

/// A problem, about to become an answer.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    kind: ProblemKind,
    detail: Cow<'static, str>,
    errors: Vec<EventProblem>,
    limit: Option<usize>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem with one sentence about this occurrence: what is wrong and what to do.
    pub fn new(kind: ProblemKind, detail: impl Into<Cow<'static, str>>) -> Self {
        let header = kind.retry_after_s().map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds)));
        Self(Box::new(Parts { kind, detail: detail.into(), errors: Vec::new(), limit: None, header }))
    }

    /// With the errors and their places.
    pub fn with_errors(mut self, errors: Vec<EventProblem>) -> Self {
        self.0.errors = errors;
        self
    }

    /// With the limit that was exceeded: bytes, or events for [`ProblemKind::BatchTooLarge`].
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.0.limit = Some(limit);
        self
    }

    /// With the seconds to wait before sending again (`Retry-After`).
    pub fn with_retry_after(self, seconds: u32) -> Self {
        self.with_header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// With the methods of the path (`Allow`).
    pub fn with_allow(self, methods: &'static str) -> Self {
        self.with_header(ALLOW, HeaderValue::from_static(methods))
    }

    /// With a header that names what is accepted.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }

    /// Which one it is.
    pub fn kind(&self) -> ProblemKind {
        self.0.kind
    }

    /// The answer.
    pub fn into_response(self) -> Response<Bytes> {
        let errors: Vec<_> = self
            .0
            .errors
            .iter()
            .take(MAX_ERRORS)
            .map(|error| ErrorEntry { pointer: shortened(&error.pointer), detail: shortened(&error.detail) })
            .collect();
        let document = Document {
            type_uri: self.0.kind.type_uri(),
            title: self.0.kind.title(),
            status: self.0.kind.status().as_u16(),
            detail: &self.0.detail,
            errors,
            limit: self.0.limit,
        };
        // Text and numbers only: this can't fail, and an empty body would still have the right status.
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = self.0.kind.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some((name, value)) = self.0.header {
            headers.insert(name, value);
        }
        response
    }
}

#[derive(Serialize)]
struct Document<'d> {
    #[serde(rename = "type")]
    type_uri: &'static str,
    title: &'static str,
    status: u16,
    detail: &'d str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ErrorEntry<'d>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<usize>,
}

#[derive(Serialize)]
struct ErrorEntry<'d> {
    pointer: Cow<'d, str>,
    detail: Cow<'d, str>,
}

/// A name can be as long as the request, and an answer of that length helps no client.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST_ECHO {
        return text.into();
    }
    format!("{}…", &text[..text.floor_char_boundary(LONGEST_ECHO)]).into()
}
