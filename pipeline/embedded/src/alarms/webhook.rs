//! A webhook: notifications are posted there as JSON.

use crate::https::{HttpsClient, NoCertificates, https_client, post_request};
use http::{StatusCode, Uri};
use spillway_core::one_line;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

/// No answer within this is a failure.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where to post. Its path may be a secret, so it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(Uri);

/// The address of a webhook can't be used. It is not repeated: it may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookUrlError {
    /// No URL at all.
    #[error("the webhook's address is no URL; expected one such as https://hooks.example.com/spillway")]
    Malformed,
    /// Not encrypted, and not on this machine.
    #[error(
        "the webhook's address must begin with https://, or be http:// on a loopback address of this machine"
    )]
    Plain,
    /// Name and password are in it.
    #[error("the webhook's address must not have a user's name or password in it; put a token into its path")]
    User,
}

impl FromStr for WebhookUrl {
    type Err = WebhookUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: Uri = text.parse().map_err(|_| WebhookUrlError::Malformed)?;
        let authority = uri.authority().ok_or(WebhookUrlError::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(WebhookUrlError::User);
        }
        match uri.scheme_str() {
            Some("https") => Ok(Self(uri)),
            Some("http") if is_loopback(authority.host()) => Ok(Self(uri)),
            Some("http") => Err(WebhookUrlError::Plain),
            _ => Err(WebhookUrlError::Malformed),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookUrl({}://{}/…)", self.0.scheme_str().unwrap_or(""), self.0.host().unwrap_or(""))
    }
}

/// Why a message was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// It was refused.
    #[error("the webhook answered {0}")]
    Status(StatusCode),
    /// Connecting failed, or the connection broke.
    #[error("the webhook can't be reached: {0}")]
    Connection(String),
    /// No answer arrived.
    #[error("the webhook did not answer within {} s", TIMEOUT.as_secs())]
    Timeout,
}

impl DeliveryError {
    /// Whether the webhook will never accept this message: a status 4xx that says nothing of the time.
    pub fn is_final(&self) -> bool {
        const TEMPORARY: [StatusCode; 3] =
            [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
        matches!(self, Self::Status(status) if status.is_client_error() && !TEMPORARY.contains(status))
    }
}

/// Posts messages to one webhook.
pub struct Webhook {
    client: HttpsClient,
    url: WebhookUrl,
}

impl Webhook {
    /// A client for that address.
    ///
    /// # Errors
    /// [`NoCertificates`] for an address with `https`.
    pub fn new(url: WebhookUrl) -> Result<Self, NoCertificates> {
        Ok(Self { client: https_client(&url.0, 1)?, url })
    }

    /// Posts a document. Any 2xx means that the webhook accepted it. Redirects are not followed.
    ///
    /// # Errors
    /// See [`DeliveryError`]. The document may still have arrived. A receiver can recognise it by its id.
    pub async fn post(&self, document: String) -> Result<(), DeliveryError> {
        let request = post_request(&self.url.0, "application/json", document.into());
        let answer = tokio::time::timeout(TIMEOUT, self.client.request(request));
        let answer = answer.await.map_err(|_| DeliveryError::Timeout)?;
        // The client's errors do not name the address.
        let answer = answer.map_err(|error| DeliveryError::Connection(one_line(&error)))?;
        if answer.status().is_success() { Ok(()) } else { Err(DeliveryError::Status(answer.status())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine() {
        for good in [
            "https://hooks.example.com/T0/secret",
            "http://127.0.0.1:9000/",
            "http://localhost/x",
            "http://[::1]:9/x",
        ] {
            good.parse::<WebhookUrl>().unwrap();
        }
        for (bad, why) in [
            ("http://hooks.example.com/secret", WebhookUrlError::Plain),
            ("http://127.0.0.1.example.com/secret", WebhookUrlError::Plain),
            ("hooks.example.com/secret", WebhookUrlError::Malformed),
            ("ftp://hooks.example.com/secret", WebhookUrlError::Malformed),
            ("/secret", WebhookUrlError::Malformed),
            ("https://me:secret@hooks.example.com/", WebhookUrlError::User),
        ] {
            let error = bad.parse::<WebhookUrl>().unwrap_err();
            assert_eq!(error, why, "{bad}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn its_path_is_not_shown() {
        let url: WebhookUrl = "https://hooks.example.com/T0/secret".parse().unwrap();
        assert_eq!(format!("{url:?}"), "WebhookUrl(https://hooks.example.com/…)");
    }
}
