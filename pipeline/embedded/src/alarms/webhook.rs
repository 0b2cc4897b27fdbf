//! A webhook: notifications are posted there as JSON.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
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

/// This machine's trusted certificates can't be used.
#[derive(Debug, thiserror::Error)]
#[error("this machine's trusted certificates can't be used for the webhook: {0}")]
pub struct NoCertificates(String);

/// Posts messages to one webhook.
pub struct Webhook {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: WebhookUrl,
}

impl Webhook {
    /// A client for that address.
    ///
    /// # Errors
    /// [`NoCertificates`] for an address with `https`.
    pub fn new(url: WebhookUrl) -> Result<Self, NoCertificates> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(Duration::from_secs(5)));
        let provider = rustls::crypto::ring::default_provider();
        let failed = |error: &dyn fmt::Display| NoCertificates(error.to_string());
        let connector = if url.0.scheme_str() == Some("https") {
            HttpsConnectorBuilder::new()
                .with_provider_and_native_roots(provider)
                .map_err(|error| failed(&error))?
                .https_only()
                .enable_http1()
                .wrap_connector(connector)
        } else {
            // It never uses TLS, so no certificate has to be trusted.
            let tls = rustls::ClientConfig::builder_with_provider(provider.into())
                .with_safe_default_protocol_versions()
                .map_err(|error| failed(&error))?
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            HttpsConnectorBuilder::new()
                .with_tls_config(tls)
                .https_or_http()
                .enable_http1()
                .wrap_connector(connector)
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(1)
            .build(connector);
        Ok(Self { client, url })
    }

    /// Posts a document. Any 2xx means that the webhook accepted it. Redirects are not followed.
    ///
    /// # Errors
    /// See [`DeliveryError`]. The document may still have arrived. A receiver can recognise it by its id.
    pub async fn post(&self, document: String) -> Result<(), DeliveryError> {
        let mut request = Request::new(Full::new(Bytes::from(document)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.0.clone();
        const AGENT: &str = concat!("spillway/", env!("CARGO_PKG_VERSION"));
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(AGENT));
        let answer = tokio::time::timeout(TIMEOUT, self.client.request(request));
        let answer = answer.await.map_err(|_| DeliveryError::Timeout)?;
        let answer = answer.map_err(|error| DeliveryError::Connection(chain(&error)))?;
        if answer.status().is_success() { Ok(()) } else { Err(DeliveryError::Status(answer.status())) }
    }
}

/// The error without the address: the client's errors name none.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
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
