//! The answer after the queue has reported.

use crate::problem::{Problem, ProblemKind, RETRY_AFTER_S};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use serde::Serialize;
use spillway_core::event::Event;
use spillway_core::ids::{EventId, EventSource, MessageId};
use spillway_core::ports::QueueError;

/// The remaining reason to refuse a valid event: characters that are legal in JSON but not in SQS, whose text must be
/// valid in XML.
const NOT_CARRIED: &str = "not accepted: it has a character that the queue does not carry (U+FFFE or U+FFFF); write it as an escape";

/// The queue's report on each event, in their order.
pub(crate) type Sent = [Result<MessageId, QueueError>];

/// 202 for one event.
pub(crate) fn accepted(event: &Event) -> Response<Bytes> {
    json(StatusCode::ACCEPTED, &Accepted { id: &event.key.id, source: &event.key.source })
}

/// 202 for a batch that was accepted whole, 207 for one that was accepted in part.
pub(crate) fn per_item(events: &[Event], sent: &Sent) -> Response<Bytes> {
    let results: Vec<_> = events
        .iter()
        .zip(sent)
        .map(|(event, sent)| {
            let (status, detail) = match sent {
                Ok(_) => (StatusCode::ACCEPTED, None),
                Err(QueueError::TooLarge { .. }) => {
                    (StatusCode::PAYLOAD_TOO_LARGE, Some("not accepted: larger than the queue takes"))
                }
                Err(QueueError::Rejected { .. }) => (StatusCode::BAD_REQUEST, Some(NOT_CARRIED)),
                Err(QueueError::Throttled | QueueError::Unavailable { .. } | QueueError::InDoubt { .. }) => {
                    (StatusCode::SERVICE_UNAVAILABLE, Some("not accepted; send it again"))
                }
            };
            ItemResult { id: &event.key.id, source: &event.key.source, status: status.as_u16(), detail }
        })
        .collect();
    if sent.iter().all(Result::is_ok) {
        return json(StatusCode::ACCEPTED, &Results { results });
    }
    let mut response = json(StatusCode::MULTI_STATUS, &Results { results });
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
    response
}

/// 413, 400 or 503 for a request of which no event was accepted.
pub(crate) fn nothing_accepted(sent: &Sent) -> Response<Bytes> {
    let mut limits = sent.iter().map(|sent| match sent {
        Err(QueueError::TooLarge { limit, .. }) => Some(*limit),
        _ => None,
    });
    match limits.next().flatten() {
        Some(limit) if limits.all(|limit| limit.is_some()) => {
            let detail = format!("an event may have {limit} bytes as CloudEvents JSON; nothing was accepted");
            Problem::new(ProblemKind::EventTooLarge, detail).with_limit(limit)
        }
        _ if sent.iter().all(|sent| matches!(sent, Err(QueueError::Rejected { .. }))) => {
            Problem::new(ProblemKind::InvalidEvent, NOT_CARRIED)
        }
        _ => {
            Problem::new(ProblemKind::Unavailable, "nothing was accepted; send the same request again later")
        }
    }
    .into_response()
}

/// 200: the API runs.
pub(crate) fn healthy() -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(b"{\"status\":\"ok\"}"));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn json(status: StatusCode, body: &impl Serialize) -> Response<Bytes> {
    // Text and numbers only: this can't fail.
    let mut response = Response::new(Bytes::from(serde_json::to_vec(body).unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[derive(Serialize)]
struct Accepted<'e> {
    id: &'e EventId,
    source: &'e EventSource,
}

#[derive(Serialize)]
struct Results<'e> {
    results: Vec<ItemResult<'e>>,
}

#[derive(Serialize)]
struct ItemResult<'e> {
    id: &'e EventId,
    source: &'e EventSource,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}
