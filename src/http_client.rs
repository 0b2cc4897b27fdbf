//! The HTTP client: HTTP/1.1 with persistent connections, plain on loopback and TLS elsewhere.

use crate::answer::CommandError;
use bytes::Bytes;
use http::header::{HeaderMap, RETRY_AFTER};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use serde::Deserialize;
use serde::de::IgnoredAny;
use spillway_core::one_line;
use spillway_embedded::https::{HttpsClient, HttpsError, NoCertificates, https_client, post_request};
use std::time::Duration;

/// A request without an answer fails after this time. It is longer than any timeout in between: API Gateway's is 29 s.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum size of an answer. The largest is a batch's, with an entry for each of 1,000 events.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

/// An HTTP client for one API.
#[derive(Clone)]
pub struct HttpClient {
    client: HttpsClient,
    url: Uri,
}

/// What the API answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    /// How long to wait before the next attempt, if the answer gives it in seconds.
    pub retry_after: Option<Duration>,
    pub body: Bytes,
}

/// What an answer means for the events of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They are promised.
    Promised,
    /// Not now, or not known: send them again with the same ids.
    TryAgain,
    /// Not all are promised, and the same request will be refused again.
    Refused,
}

/// The members by which a promise of this API is known, whatever else answers with 202.
#[derive(Deserialize)]
struct Promise {
    id: Option<IgnoredAny>,
    results: Option<IgnoredAny>,
}

/// An item of an answer to a batch.
#[derive(Deserialize)]
struct BatchItem {
    status: u16,
}

#[derive(Deserialize)]
struct BatchAnswer {
    results: Vec<BatchItem>,
}

impl Answer {
    /// What it means.
    pub fn verdict(&self) -> Verdict {
        match self.status {
            StatusCode::ACCEPTED => match serde_json::from_slice(&self.body) {
                Ok(Promise { id, results }) if id.is_some() || results.is_some() => Verdict::Promised,
                _ => Verdict::Refused,
            },
            StatusCode::MULTI_STATUS => match serde_json::from_slice(&self.body) {
                Ok(BatchAnswer { results })
                    if results.iter().all(|item| item.status == 202 || is_passing(item.status)) =>
                {
                    Verdict::TryAgain
                }
                _ => Verdict::Refused,
            },
            status if is_passing(status.as_u16()) => Verdict::TryAgain,
            _ => Verdict::Refused,
        }
    }
}

impl Answer {
    /// Whether the events may have been accepted, although the answer promises nothing: a gateway has answered for the API.
    pub fn leaves_open(&self) -> bool {
        matches!(self.status, StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT)
    }
}

/// Whether a refusal with this status may pass.
fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=599)
}

/// Why there is no answer. The request may still have arrived.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// Connecting failed, or the connection broke.
    #[error("{}", one_line(.0))]
    Connection(HttpsError),
    /// The answer's body could not be read.
    #[error("the answer could not be read: {0}")]
    Body(String),
    /// No answer arrived in time.
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Timeout,
}

impl HttpClient {
    /// A client that keeps up to `connections` connections to the API open.
    pub fn new(url: Uri, connections: usize) -> Result<Self, NoCertificates> {
        Ok(Self { client: https_client(&url, connections)?, url })
    }

    /// Posts a body and waits for the answer.
    pub async fn post(
        &self,
        content_type: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Answer, NoAnswer> {
        let mut request = post_request(&self.url, content_type, body);
        request.headers_mut().extend(headers.clone());
        tokio::time::timeout(TIMEOUT, self.exchange(request)).await.unwrap_or(Err(NoAnswer::Timeout))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        let response = self.client.request(request).await.map_err(NoAnswer::Connection)?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let body = Limited::new(response.into_body(), LARGEST_ANSWER)
            .collect()
            .await
            .map_err(|error| NoAnswer::Body(error.to_string()))?
            .to_bytes();
        Ok(Answer { status, retry_after, body })
    }
}

/// Parses the API's address. A URL without a path means `/events`.
pub fn events_url(text: &str) -> Result<Uri, String> {
    let wrong =
        || format!("\"{text}\" is not an address of the API; write it like http://127.0.0.1:8080/events");
    let url: Uri = text.parse().map_err(|_| wrong())?;
    if !matches!(url.scheme_str(), Some("http" | "https")) || url.host().is_none_or(str::is_empty) {
        return Err(wrong());
    }
    let mut parts = url.into_parts();
    if parts.path_and_query.as_ref().is_none_or(|path| path.as_str() == "/") {
        parts.path_and_query = "/events".parse().ok();
    }
    Uri::from_parts(parts).map_err(|_| wrong())
}

/// The error for a request that got no answer.
pub fn unreachable(url: &Uri, error: &NoAnswer) -> CommandError {
    CommandError::TryAgain(format!(
        "no answer from {url} ({error}): check that the pipeline is running there"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let read = |text| events_url(text).map(|url| url.to_string());
        assert_eq!(read("http://127.0.0.1:8080"), Ok("http://127.0.0.1:8080/events".to_owned()));
        assert_eq!(read("https://a.example/prod/events"), Ok("https://a.example/prod/events".to_owned()));
        for wrong in ["127.0.0.1:8080", "/events", "ftp://a.example/", "http://", "a b"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_the_api_s_own_202_is_a_promise() {
        let verdict = |status, body: &'static str| {
            let status = StatusCode::from_u16(status).unwrap();
            Answer { status, retry_after: None, body: Bytes::from_static(body.as_bytes()) }.verdict()
        };
        assert_eq!(verdict(202, r#"{"id":"1","source":"/s"}"#), Verdict::Promised);
        assert_eq!(verdict(202, r#"{"results":[]}"#), Verdict::Promised);
        for (status, body) in [
            (200, r#"{"id":"1"}"#),
            (200, "<html>"),
            (201, "{}"),
            (202, "ok"),
            (204, ""),
            (302, ""),
            (400, "{}"),
        ] {
            assert_eq!(verdict(status, body), Verdict::Refused, "{status} {body}");
        }
        for status in [408, 429, 500, 502, 503, 504] {
            assert_eq!(verdict(status, "{}"), Verdict::TryAgain, "{status}");
        }
        let parts = |status| format!(r#"{{"results":[{{"status":202}},{{"status":{status}}}]}}"#).leak();
        assert_eq!(verdict(207, parts(503)), Verdict::TryAgain);
        assert_eq!(verdict(207, parts(413)), Verdict::Refused);
    }

    #[test]
    fn only_502_and_504_leave_open_whether_the_events_were_accepted() {
        for (status, is_open) in
            [(502, true), (504, true), (202, false), (408, false), (429, false), (503, false)]
        {
            let status = StatusCode::from_u16(status).unwrap();
            let answer = Answer { status, retry_after: None, body: Bytes::new() };
            assert_eq!(answer.leaves_open(), is_open, "{status}");
        }
    }

    #[test]
    fn clients_for_both_schemes_can_be_made() {
        for url in ["http://127.0.0.1:1/events", "https://a.example/events"] {
            HttpClient::new(url.parse().unwrap(), 1).unwrap();
        }
    }
}
