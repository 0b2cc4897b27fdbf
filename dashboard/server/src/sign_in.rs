//! Sign-in links, and the check of sessions.

use crate::{Deps, security::document};
use axum::{
    extract::{Query, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;

/// How long the browser keeps the session, in seconds: as long as the server.
const MAX_AGE_S: i64 = crate::sign_ins::SESSION.as_secs();

#[derive(Deserialize)]
pub struct Link {
    token: Option<String>,
}

/// Answers `/sign-in?token=…`: exchanges the token for a session.
///
/// The answer is a page that refreshes to the dashboard, not a redirect. A click on a link on another site is a
/// cross-site navigation, also after a redirect. The browser would then not send the new `SameSite=Strict` cookie. A
/// navigation from the dashboard's own page is same-site.
pub async fn sign_in(
    State(deps): State<Deps>,
    method: Method,
    headers: HeaderMap,
    Query(link): Query<Link>,
) -> Response {
    // A prefetch or preview must not use up the token.
    let looks_ahead = ["sec-purpose", "purpose"].iter().any(|name| {
        headers.get(*name).is_some_and(|value| value.to_str().is_ok_and(|value| value.contains("prefetch")))
    });
    if method != Method::GET || looks_ahead {
        return StatusCode::NO_CONTENT.into_response();
    }
    let session = match link.token.as_deref() {
        Some(token) => deps.sign_ins.redeem(token).await,
        None => Ok(None),
    };
    match session {
        Ok(Some(session)) => {
            let cookie = format!(
                "{}={}; Path=/; Max-Age={MAX_AGE_S}; HttpOnly; SameSite=Strict",
                cookie_name(deps.port),
                session.reveal()
            );
            let body =
                r#"<h1>Signed in</h1><p><a class="button primary" href="/">Go to the dashboard</a></p>"#;
            let head = r#"<meta http-equiv="refresh" content="0; url=/">"#;
            let mut response = document(StatusCode::OK, &deps.assets, "Signed in", head, body);
            if let Ok(cookie) = HeaderValue::try_from(cookie) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            // The address of this page contains the token. The token is used up, but still must not leak as a referrer.
            response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
            response
        }
        Ok(None) if has_session(&deps, &headers).await => {
            let body = r#"<h1>You are signed in already</h1><p><a class="button primary" href="/">Go to the dashboard</a></p>"#;
            document(StatusCode::OK, &deps.assets, "Signed in", "", body)
        }
        Ok(None) => signed_out(&deps, "This sign-in link is not valid. Each link works once."),
        Err(error) => unavailable(&deps, &error),
    }
}

/// Passes requests with a session. Other clients get a page that explains how to sign in.
pub async fn require_session(State(deps): State<Deps>, request: Request, next: Next) -> Response {
    let Some(session) = session(deps.port, request.headers()) else {
        return signed_out(&deps, "You are not signed in.");
    };
    match deps.sign_ins.check(session).await {
        Ok(true) => next.run(request).await,
        Ok(false) => signed_out(&deps, "Your session has ended."),
        Err(error) => unavailable(&deps, &error),
    }
}

fn cookie_name(port: u16) -> String {
    format!("spillway-session-{port}")
}

async fn has_session(deps: &Deps, headers: &HeaderMap) -> bool {
    match session(deps.port, headers) {
        Some(session) => deps.sign_ins.check(session).await.unwrap_or(false),
        None => false,
    }
}

fn session(port: u16, headers: &HeaderMap) -> Option<&str> {
    let name = cookie_name(port);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name.as_str())?.strip_prefix('='))
}

fn signed_out(deps: &Deps, why: &str) -> Response {
    let command = escape(&deps.sign_in_command);
    let body = format!(
        "<h1>Sign in</h1><p>{why}</p><p>Run this on the machine where Spillway runs, and open the link that it prints:</p>\
         <pre><code>{command}</code></pre>"
    );
    document(StatusCode::UNAUTHORIZED, &deps.assets, "Sign in", "", &body)
}

fn unavailable(deps: &Deps, error: &crate::SignInError) -> Response {
    tracing::error!(error = error as &dyn std::error::Error, "cannot check a session");
    let body = "<h1>Sign-in does not work now</h1>\
                <p>The store of sessions does not answer. The server's log says why. Try again in a moment.</p>";
    document(StatusCode::SERVICE_UNAVAILABLE, &deps.assets, "Sign-in does not work", "", body)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
