//! Reads a request's body from its connection, with a limit on its size and on the time.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use spillway_ingest::{Problem, ProblemKind, request_too_large};
use std::time::Duration;

/// Bytes of a refused body that are still read, so that a client that sends everything first gets its answer. If a
/// connection with unread bytes is closed, many systems discard the answer.
const LINGER_BYTES: usize = 4 * 1024 * 1024;
const LINGER_TIME: Duration = Duration::from_secs(2);

/// A body that has not been read yet. Dropped unread, it is read and thrown away in the background, within limits.
pub(super) struct Unread(Option<Incoming>);

impl Unread {
    pub(super) fn new(body: Incoming) -> Self {
        Self(Some(body))
    }

    /// Reads it.
    ///
    /// # Errors
    /// It has more than `limit` bytes, takes longer than `timeout`, or breaks off.
    pub(super) async fn read(mut self, limit: usize, timeout: Duration) -> Result<Bytes, Problem> {
        let Some(body) = &mut self.0 else {
            return Ok(Bytes::new());
        };
        if body.size_hint().lower() > limit as u64 {
            return Err(request_too_large(limit));
        }
        match tokio::time::timeout(timeout, collect(body, limit)).await {
            Ok(Ok(read)) => {
                self.0 = None;
                Ok(read)
            }
            Ok(Err(problem)) => Err(problem),
            Err(_) => {
                // There is no point in waiting for the rest of it.
                self.0 = None;
                let detail = format!("the body did not arrive within {timeout:?}; nothing was accepted");
                Err(Problem::new(ProblemKind::RequestTimeout, detail))
            }
        }
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if let Some(mut body) = self.0.take()
            && !body.is_end_stream()
        {
            tokio::spawn(async move {
                let _ = tokio::time::timeout(LINGER_TIME, discard(&mut body)).await;
            });
        }
    }
}

async fn collect(body: &mut Incoming, limit: usize) -> Result<Bytes, Problem> {
    let Some(first) = next(body).await? else {
        return Ok(Bytes::new());
    };
    if first.len() > limit {
        return Err(request_too_large(limit));
    }
    // Most bodies come in one piece, which is then taken as it is.
    if body.is_end_stream() {
        return Ok(first);
    }
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(limit).min(limit);
    let mut whole = BytesMut::with_capacity(first.len() + expected);
    whole.extend_from_slice(&first);
    while let Some(piece) = next(body).await? {
        if whole.len() + piece.len() > limit {
            return Err(request_too_large(limit));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// The next piece of data; trailers are passed over.
async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Problem> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            Problem::new(
                ProblemKind::InvalidRequest,
                "the body broke off or is not well-formed; nothing was accepted",
            )
        })?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

async fn discard(body: &mut Incoming) {
    let mut discarded = 0;
    while let Ok(Some(piece)) = next(body).await {
        discarded += piece.len();
        if discarded > LINGER_BYTES {
            return;
        }
    }
}
