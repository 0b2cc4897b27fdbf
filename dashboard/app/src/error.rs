//! Errors of server functions.

use leptos::{
    prelude::{FromServerFnError, ServerFnErrorErr},
    server_fn::{codec::JsonEncoding, error::ServerFnUrlError},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest reason for a discard, in characters.
pub const LONGEST_REASON: usize = 500;

/// Why an action failed. Causes go to the log.
///
/// It has fixed sentences only: a form without JavaScript gets the error back in the address, and any link can have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionError {
    /// The form selects nothing.
    #[error("Select at least one message.")]
    NothingSelected,
    /// A discard needs a reason.
    #[error("Enter a reason. Nothing was discarded.")]
    NoReason,
    /// The reason is too long.
    #[error("The reason is longer than {LONGEST_REASON} characters. Nothing was discarded.")]
    LongReason,
    /// The checks say that no message would pass.
    #[error("Each of these messages would fail again, so none was put back.")]
    WouldFailAgain,
    /// What is put back would not be stored now, and nobody insisted.
    #[error(
        "Nothing was replayed: it would not be stored now, see Overview. Replay it when that works again, or select “Replay all the same”."
    )]
    PathClosed,
    /// The message does not exist.
    #[error("The message no longer exists. Reload the page.")]
    Gone,
    /// Another operator was faster, with a discard.
    #[error("Discarded in the meantime. Restore the message first. Nothing was replayed.")]
    Discarded,
    /// Another operator or the pipeline was faster.
    #[error("These messages were replayed or discarded in the meantime. Nothing was changed.")]
    Changed,
    /// It may work later.
    #[error("The archive of dead letters does not answer. Nothing was changed. Try again in a moment.")]
    Unavailable,
    /// A note without text.
    #[error("The note is empty. Nothing was saved.")]
    EmptyNote,
    /// A note that is too long, or one too many.
    #[error("The text is too long, or there are too many notes. Nothing was saved.")]
    LongNote,
    /// A name that is too long.
    #[error("The name is too long. Nothing was saved.")]
    LongName,
    /// A mute without an end, or a longer one than is allowed.
    #[error("A mute lasts from a minute to seven days. Nothing was muted.")]
    MuteTime,
    /// Planned work without a reason.
    #[error("Planned work needs a reason. Nothing was muted.")]
    NoMuteReason,
    /// It was undone before.
    #[error("There is nothing to undo: it was undone before.")]
    NothingToUndo,
    /// There is no incident with this id.
    #[error("There is no such incident. Nothing was saved.")]
    NoIncident,
    /// It may work later.
    #[error("It could not be saved now. Nothing was changed. Try again in a moment.")]
    NotSaved,
    /// The request itself was broken: not sent by one of our forms.
    #[error("The form could not be read. Reload the page and try again.")]
    Unreadable,
}

impl FromServerFnError for ActionError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(_: ServerFnErrorErr) -> Self {
        Self::Unreadable
    }
}

/// A failed action of a form without JavaScript: the server function redirects back with the error in the URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAction {
    /// The server function's path.
    pub path: String,
    /// Why it failed.
    pub error: ActionError,
}

impl FailedAction {
    /// Reads `__path` and `__err`. Any link can have them, so an error is one of few fixed sentences.
    pub fn from_query<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let (path, error) = (get("__path")?, get("__err")?);
        let error = ServerFnUrlError::<ActionError>::decode_err(error);
        Some(Self { path: path.to_owned(), error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leptos::prelude::*;

    #[test]
    fn an_error_survives_encoding_in_the_url() {
        let error = ActionError::Changed;
        let url = ServerFnUrlError::new("/actions/replay", error).to_url("http://h/x").unwrap();
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let find = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let read = FailedAction::from_query(find).unwrap();
        assert_eq!(read, FailedAction { path: "/actions/replay".into(), error });
    }

    #[test]
    fn a_link_cannot_put_its_own_words_on_a_page() {
        // In base64: the error of an earlier version with a text of its own, a fixed one with a text, and a text.
        for forged in [
            "eyJraW5kIjoiY29uZmxpY3QiLCJtZXNzYWdlIjoiQ2FsbCB0aGlzIG51bWJlci4ifQ==",
            "eyJjaGFuZ2VkIjoiQ2FsbCB0aGlzIG51bWJlci4ifQ==",
            "ImNhbGwgdGhpcyBudW1iZXIi",
        ] {
            let query = |name: &str| Some(if name == "__err" { forged } else { "/x" });
            assert_eq!(FailedAction::from_query(query).unwrap().error, ActionError::Unreadable, "{forged}");
        }
        let known = |name: &str| Some(if name == "__err" { "ImNoYW5nZWQi" } else { "/x" });
        assert_eq!(FailedAction::from_query(known).unwrap().error, ActionError::Changed);
    }

    #[test]
    fn an_invalid_error_in_the_url_is_reported_as_unreadable() {
        let forged = |name: &str| Some(if name == "__err" { "not base64!" } else { "/x" });
        assert_eq!(FailedAction::from_query(forged).unwrap().error, ActionError::Unreadable);
        assert_eq!(FailedAction::from_query(|_| None), None);
    }

    #[server(prefix = "/actions", endpoint = "test-replay")]
    async fn test_replay(#[server(default)] ids: Vec<String>) -> Result<(), ActionError> {
        match ids.len() {
            0 => Err(ActionError::NothingSelected),
            2 => {
                leptos_axum::redirect("/replays/1");
                Ok(())
            }
            _ => Err(ActionError::Changed),
        }
    }

    /// Sends a form as a browser without JavaScript does. Returns the status and the redirect.
    async fn send(form: &'static str) -> (u16, String) {
        let request = http::Request::post("/actions/test-replay")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "text/html,application/xhtml+xml")
            .header("referer", "http://127.0.0.1:3000/dead-letters?range=1h")
            .body(axum::body::Body::from(form))
            .unwrap();
        let answer = leptos_axum::handle_server_fns_with_context(|| {}, request).await;
        let answer = axum::response::IntoResponse::into_response(answer);
        let location = answer.headers().get("location").map_or("", |value| value.to_str().unwrap());
        (answer.status().as_u16(), location.to_owned())
    }

    #[tokio::test]
    async fn a_successful_form_without_javascript_redirects() {
        assert_eq!(send("ids%5B%5D=a&ids%5B%5D=b").await, (302, "/replays/1".to_owned()));
    }

    #[tokio::test]
    async fn a_failed_form_without_javascript_returns_with_its_error() {
        let (status, location) = send("").await;
        assert_eq!(status, 302);
        let query = location.strip_prefix("http://127.0.0.1:3000/dead-letters?").unwrap().to_owned();
        let page = crate::context::Page::of("/dead-letters", &query, "", jiff::Timestamp::UNIX_EPOCH);
        let failed = page.failed("/actions/test-replay").unwrap();
        assert_eq!(failed.error.to_string(), "Select at least one message.");
        assert_eq!(page.here(), "/dead-letters?range=1h", "links from there do not repeat the error");
    }
}
