//! Security headers of all answers, and checks of all requests.

use crate::Assets;
use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use spillway_embedded::listener::{Hosts, Sender, sender};
use std::any::Any;

/// All resources are from this server, nothing is inline, and no site may frame a page.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
                      img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Adds the security headers to an answer, and forbids caching of pages.
pub async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let always = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (http::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (http::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let unless_set = [(header::REFERRER_POLICY, "same-origin"), (header::CACHE_CONTROL, "no-store")];
    for (name, value) in unless_set {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Refuses requests for hosts that are not this machine's, as the API does.
pub async fn known_hosts(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    if hosts.admit(request.uri(), request.headers()) {
        return next.run(request).await;
    }
    let text = "The dashboard answers only as localhost, 127.0.0.1 or a name in --host. Use one of these in the address.\n";
    (StatusCode::MISDIRECTED_REQUEST, text).into_response()
}

/// Refuses requests that change data, unless a page of this dashboard sent them.
pub async fn same_origin_posts(request: Request, next: Next) -> Response {
    if request.method().is_safe() || sender(request.uri(), request.headers()) == Sender::OwnPage {
        return next.run(request).await;
    }
    let text =
        "This form was sent from another site, or by a program. Send it from the dashboard's own page.\n";
    (StatusCode::FORBIDDEN, text).into_response()
}

/// The answer after a panic in the code of a page.
pub fn after_panic(_: Box<dyn Any + Send>) -> Response<Body> {
    tracing::error!("drawing an answer panicked");
    let text = "The dashboard could not draw this page because of a defect in it. The server's log has the details.\n";
    (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
}

/// A small page of the server, outside the app.
pub fn document(status: StatusCode, assets: &Assets, title: &str, head: &str, body: &str) -> Response {
    let paths = assets.paths();
    let (style, icon) = (&paths.style, &paths.icon);
    let html = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title} · Spillway</title>{head}\
         <link rel=\"stylesheet\" href=\"{style}\"><link rel=\"icon\" type=\"image/svg+xml\" href=\"{icon}\"></head>\
         <body class=\"plain\"><main>{body}</main></body></html>"
    );
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}
