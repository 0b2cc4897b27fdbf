//! Work that a client can skip while a function starts.

use aws_sdk_sqs::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// Prepares HTTPS once, with the first call. By default the SDK also does this for each new client, in order
/// to find unreadable certificates early. It then throws the result away.
#[derive(Debug)]
pub(crate) struct SharedHttps(pub SharedHttpClient);

impl HttpClient for SharedHttps {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.0.http_connector(settings, components)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

/// A queue's own address. The SDK would compute it from the region, with a table of all partitions and a
/// pattern for each.
#[derive(Debug)]
pub(crate) struct QueueEndpoint(Endpoint);

impl QueueEndpoint {
    /// Where the queue with this URL takes calls: its URL without the path. `None` if it is no URL.
    pub fn at(queue_url: &str) -> Option<Self> {
        let (scheme, rest) = queue_url.split_once("://")?;
        let host = rest.split('/').next().filter(|host| !host.is_empty())?;
        Some(Self(Endpoint::builder().url(format!("{scheme}://{host}")).build()))
    }
}

impl ResolveEndpoint for QueueEndpoint {
    fn resolve_endpoint<'a>(&'a self, _: &'a Params) -> EndpointFuture<'a> {
        EndpointFuture::ready(Ok(self.0.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_called_at_its_own_host() {
        let url = |queue: &str| QueueEndpoint::at(queue).map(|found| found.0.url().to_owned());
        let aws = "https://sqs.eu-central-1.amazonaws.com";
        assert_eq!(url(&format!("{aws}/123456789012/events")).as_deref(), Some(aws));
        assert_eq!(url("http://127.0.0.1:4566/0/q").as_deref(), Some("http://127.0.0.1:4566"));
        for wrong in ["", "events", "https://", "https:///events"] {
            assert_eq!(url(wrong), None, "{wrong}");
        }
    }
}
