//! What a server function answers when it cannot do it.

use leptos::{
    prelude::{FromServerFnError, ServerFnErrorErr},
    server_fn::{codec::JsonEncoding, error::ServerFnUrlError},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why an action was not done, in words for the person who asked for it. Causes go to the log.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum ActionError {
    /// What was sent cannot be used.
    #[error("{message}")]
    Invalid {
        /// What is wrong, and what to do.
        message: String,
    },
    /// What it was about is not there any more.
    #[error("{what} is not there any more. Reload the page to see what is.")]
    Gone {
        /// What was looked for.
        what: String,
    },
    /// Somebody or something else was faster.
    #[error("{message}")]
    Conflict {
        /// What happened meanwhile.
        message: String,
    },
    /// It may work later.
    #[error("{message} Nothing was changed. Try again in a moment.")]
    Unavailable {
        /// What does not answer.
        message: String,
    },
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

/// A failed action, as the page sees it when a form was sent without JavaScript: the server function
/// redirects back with the error in the URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAction {
    /// The server function's path.
    pub path: String,
    /// Why it failed.
    pub error: ActionError,
}

impl FailedAction {
    /// Reads `__path` and `__err`. Anybody can put those into a link, so the page shows it as text and
    /// draws no conclusion from it.
    pub fn from_query<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let (path, error) = (get("__path")?, get("__err")?);
        let error = ServerFnUrlError::<ActionError>::decode_err(error);
        Some(Self { path: path.to_owned(), error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_survives_the_way_through_the_url() {
        let error = ActionError::Conflict { message: "Somebody is replaying these messages.".into() };
        let url = ServerFnUrlError::new("/actions/replay", error.clone()).to_url("http://h/x").unwrap();
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let find = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let read = FailedAction::from_query(find).unwrap();
        assert_eq!(read, FailedAction { path: "/actions/replay".into(), error });
    }

    #[test]
    fn a_made_up_error_is_only_unreadable() {
        let forged = |name: &str| Some(if name == "__err" { "not base64!" } else { "/x" });
        assert_eq!(FailedAction::from_query(forged).unwrap().error, ActionError::Unreadable);
        assert_eq!(FailedAction::from_query(|_| None), None);
    }
}
