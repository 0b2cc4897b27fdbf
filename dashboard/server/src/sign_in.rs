//! Sign-in links, the check of sessions, and signing out.

use crate::{Deps, Secret, SignInError, security::document};
use axum::{
    Form,
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
        Some(token) => open_session(&deps, token).await,
        None => Ok(None),
    };
    match session {
        Ok(Some(session)) => {
            let body =
                r#"<h1>Signed in</h1><p><a class="button primary" href="/">Go to the dashboard</a></p>"#;
            let head = r#"<meta http-equiv="refresh" content="0; url=/">"#;
            let mut response = document(StatusCode::OK, &deps.assets, "Signed in", head, body);
            set_cookie(&mut response, deps.port, session.reveal(), MAX_AGE_S);
            // The address of this page contains the token. The token is used up, but still must not leak as a referrer.
            response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
            response
        }
        Ok(None) if has_session(&deps, &headers) => {
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
    if deps.sessions.check(session) {
        return next.run(request).await;
    }
    signed_out(&deps, "Your session has ended.")
}

#[derive(Deserialize)]
pub struct SignOut {
    everywhere: Option<String>,
}

/// Ends the session of the client, or all sessions.
pub async fn sign_out(State(deps): State<Deps>, headers: HeaderMap, Form(form): Form<SignOut>) -> Response {
    let why = if form.everywhere.is_some() {
        deps.sessions.end_all();
        "All sessions have ended."
    } else {
        if let Some(session) = session(deps.port, &headers) {
            deps.sessions.end(session);
        }
        "Your session has ended."
    };
    let body = format!("<h1>Signed out</h1><p>{why}</p>{}", how_to_sign_in(&deps));
    let mut response = document(StatusCode::OK, &deps.assets, "Signed out", "", &body);
    set_cookie(&mut response, deps.port, "", 0);
    response
}

async fn open_session(deps: &Deps, token: &str) -> Result<Option<Secret>, SignInError> {
    if deps.tokens.redeem(token).await? { deps.sessions.open().map(Some) } else { Ok(None) }
}

fn set_cookie(response: &mut Response, port: u16, session: &str, max_age_s: i64) {
    let name = cookie_name(port);
    let cookie = format!("{name}={session}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

fn cookie_name(port: u16) -> String {
    format!("spillway-session-{port}")
}

fn has_session(deps: &Deps, headers: &HeaderMap) -> bool {
    session(deps.port, headers).is_some_and(|session| deps.sessions.check(session))
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
    let body = format!("<h1>Sign in</h1><p>{why}</p>{}", how_to_sign_in(deps));
    document(StatusCode::UNAUTHORIZED, &deps.assets, "Sign in", "", &body)
}

fn how_to_sign_in(deps: &Deps) -> String {
    let command = escape(deps.sign_in_command);
    format!(
        "<p>Run this on the machine where Spillway runs, and open the link that it prints:</p>\
         <pre><code>{command}</code></pre>"
    )
}

fn unavailable(deps: &Deps, error: &SignInError) -> Response {
    tracing::error!(error = error as &dyn std::error::Error, "cannot check a sign-in link");
    let body = "<h1>Sign-in does not work now</h1>\
                <p>The store of sign-in links does not answer. The server's log says why. Try again in a moment.</p>";
    document(StatusCode::SERVICE_UNAVAILABLE, &deps.assets, "Sign-in does not work", "", body)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
