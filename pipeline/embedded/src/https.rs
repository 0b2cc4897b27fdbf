//! An HTTP client for one address: HTTP/1.1 with kept-alive connections, plain on loopback and TLS elsewhere.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request, Uri};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::fmt;
use std::time::Duration;

/// The client that [`https_client`] makes.
pub type HttpsClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;
/// Why a request of it got no answer.
pub type HttpsError = hyper_util::client::legacy::Error;

/// This machine's trusted certificates can't be used.
#[derive(Debug, thiserror::Error)]
#[error("this machine's trusted certificates can't be used: {0}")]
pub struct NoCertificates(String);

/// A client for the scheme of that address. It keeps up to `connections` connections open.
///
/// # Errors
/// [`NoCertificates`] for an address with `https`.
pub fn https_client(url: &Uri, connections: usize) -> Result<HttpsClient, NoCertificates> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(Duration::from_secs(5)));
    let provider = rustls::crypto::ring::default_provider();
    let failed = |error: &dyn fmt::Display| NoCertificates(error.to_string());
    let connector = if url.scheme_str() == Some("https") {
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
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(connections)
        .build(connector))
}

/// A request that posts a body.
pub fn post_request(url: &Uri, content_type: &str, body: Bytes) -> Request<Full<Bytes>> {
    const AGENT: &str = concat!("spillway/", env!("CARGO_PKG_VERSION"));
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = url.clone();
    if let Ok(content_type) = HeaderValue::from_str(content_type) {
        request.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(AGENT));
    request
}
