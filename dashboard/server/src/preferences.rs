//! The switches in the header: theme, zone, live.

use axum::response::IntoResponse;
use axum::{Form, response::Response};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use spillway_dashboard_app::preferences::Change;

#[derive(Deserialize)]
pub struct Switches {
    #[serde(flatten)]
    change: Change,
    #[serde(default)]
    back: String,
}

/// Stores the choice in cookies, and redirects to the page of the form.
pub async fn change(Form(switches): Form<Switches>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    for cookie in switches.change.cookies() {
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
    let back = HeaderValue::try_from(own_path(&switches.back)).unwrap_or(HeaderValue::from_static("/"));
    headers.insert(header::LOCATION, back);
    response
}

/// A path on this server, or the first page. `//host` and `/\host` would lead to another server.
fn own_path(path: &str) -> &str {
    let leaves =
        path.starts_with("//") || path.contains('\\') || path.bytes().any(|byte| byte.is_ascii_control());
    if path.starts_with('/') && !leaves { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_redirects_only_to_pages_of_the_dashboard() {
        assert_eq!(own_path("/metrics?range=1h"), "/metrics?range=1h");
        for elsewhere in
            ["", "https://evil.example/", "//evil.example", "/\\evil.example", "/\r\nset-cookie: a"]
        {
            assert_eq!(own_path(elsewhere), "/", "{elsewhere}");
        }
    }
}
