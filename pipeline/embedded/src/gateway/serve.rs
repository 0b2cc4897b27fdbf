//! The gateway behind a listener.

use super::Gateway;
use super::body::Unread;
use crate::listener;
use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Serves requests until `shutdown` resolves, then answers those that are under way and returns.
///
/// HTTP/1.1 with keep-alive. What [`listener::Limits`] forbids is refused; what is no HTTP at all gets hyper's bare 400 or
/// 431.
pub async fn serve(listener: TcpListener, gateway: Arc<Gateway>, shutdown: impl Future<Output = ()>) {
    let limits = gateway.limits;
    let service = move |request| {
        let gateway = Arc::clone(&gateway);
        async move { answer(&gateway, request).await }
    };
    listener::serve(listener, limits, service, shutdown).await;
}

async fn answer(gateway: &Gateway, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = Unread::new(body).read(gateway.ingest.settings.max_request_bytes, gateway.limits.body_timeout);
    let mut response = gateway.answer(head, body).await;
    if matches!(response.status(), StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE) {
        // There may be more of the body to come, and the server will not read it.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response.map(Full::new)
}
