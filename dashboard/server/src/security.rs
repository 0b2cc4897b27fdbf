//! Security headers of all answers, and checks of all requests.

use crate::Assets;
use axum::{
    body::Body,
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
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

/// Refuses requests for hosts other than this machine's loopback names. Another site can resolve its own name to
/// 127.0.0.1 (DNS rebinding), and would then be the same origin. Its host name reveals it.
pub async fn loopback_hosts(request: Request, next: Next) -> Response {
    let host = host(&request);
    if host.as_deref().is_some_and(is_loopback) {
        return next.run(request).await;
    }
    let text = "The dashboard answers only as 127.0.0.1 or localhost. Use one of these in the address.\n";
    (StatusCode::MISDIRECTED_REQUEST, text).into_response()
}

/// Refuses requests that change data, unless a page of this dashboard sent them.
pub async fn same_origin_posts(request: Request, next: Next) -> Response {
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    if reads || is_same_origin(host(&request).as_deref(), request.headers()) {
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

/// The host in the request, with its port.
fn host(request: &Request) -> Option<String> {
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
    named.or_else(|| request.uri().authority().map(ToString::to_string))
}

/// Any port is valid: a tunnel's end may have a different port than the server.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty() => name,
        _ => host,
    };
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Browsers send `Origin` with every post. If they send `Sec-Fetch-Site`, it must match.
fn is_same_origin(host: Option<&str>, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    let origin = text("origin").map(|origin| {
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        authority.is_some() && authority == host
    });
    let fetched = text("sec-fetch-site").map(|site| site == "same-origin");
    match (origin, fetched) {
        (Some(origin), fetched) => origin && fetched.unwrap_or(true),
        (None, Some(fetched)) => fetched,
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_hosts() {
        for host in ["127.0.0.1:3000", "localhost", "LOCALHOST:80", "[::1]:3000", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "evil.example:3000",
            "127.0.0.1.evil.example",
            "localhost.evil.example:1",
            "",
            ":80",
            "0.0.0.0:3000",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_post_must_come_from_a_page_of_the_dashboard() {
        let sent = |pairs: &[(&'static str, &'static str)]| {
            let headers = pairs
                .iter()
                .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)));
            is_same_origin(Some("127.0.0.1:3000"), &headers.collect())
        };
        assert!(sent(&[("origin", "http://127.0.0.1:3000")]));
        assert!(sent(&[("origin", "http://127.0.0.1:3000"), ("sec-fetch-site", "same-origin")]));
        assert!(sent(&[("sec-fetch-site", "same-origin")]));
        assert!(!sent(&[]), "a program without both headers");
        assert!(!sent(&[("origin", "null")]));
        assert!(!sent(&[("origin", "http://127.0.0.1:3001")]), "another port is another origin");
        assert!(!sent(&[("origin", "http://localhost:3000")]));
        assert!(!sent(&[("sec-fetch-site", "same-site")]));
        assert!(!sent(&[("origin", "http://127.0.0.1:3000"), ("sec-fetch-site", "cross-site")]));
    }
}
