//! Clients of AWS: built once, with limits in time that fit the function that uses them.

use crate::certificates;
use crate::cold_start::{QueueEndpoint, SharedHttps};
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::SharedCredentialsProvider;
use aws_smithy_http_client::tls::{Provider, TlsContext, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::{Intercept, SharedInterceptor};
use std::time::Duration;

/// How AWS is reached. Credentials, and settings not given here, come from the usual sources of AWS's tools.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The region; `None` takes it from the environment (`AWS_REGION`) or the profile.
    pub region: Option<String>,
    /// The time that one piece of work has, such as a function's timeout. A call ends well before.
    pub time_limit: Duration,
    /// Interceptors that see each call, such as a recorder of traces.
    pub interceptors: Vec<SharedInterceptor>,
}

impl Connection {
    /// For work that has this much time: a function's timeout.
    pub fn within(time_limit: Duration) -> Self {
        Self { region: None, time_limit, interceptors: Vec::new() }
    }

    /// In this region.
    #[must_use]
    pub fn in_region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// With one more that sees each call.
    #[must_use]
    pub fn seen_by(mut self, interceptor: impl Intercept + 'static) -> Self {
        self.interceptors.push(SharedInterceptor::new(interceptor));
        self
    }

    /// Limits for a call and for each attempt at it.
    ///
    /// A healthy call takes some ten milliseconds. An attempt without an answer is aborted after a sixth of the time,
    /// so that there is time for another within [`Pace::for_limits`](crate::backoff::Pace::for_limits). The reason:
    /// the first attempt after a sandbox was frozen may use a connection that has long been closed. A call ends early
    /// enough for the caller to answer for its records.
    fn timeouts(&self) -> TimeoutConfig {
        let attempt = (self.time_limit / 6).clamp(Duration::from_millis(500), Duration::from_secs(5));
        TimeoutConfig::builder()
            .connect_timeout(attempt.min(Duration::from_secs(1)))
            .operation_attempt_timeout(attempt)
            .operation_timeout((self.time_limit * 7 / 10).max(attempt))
            .build()
    }
}

/// Clients that share connections, credentials and limits.
#[derive(Clone, Debug)]
pub struct Clients {
    config: SdkConfig,
    interceptors: Vec<SharedInterceptor>,
}

/// Reads the region and the source of credentials, and prepares HTTPS.
///
/// `AWS_ENDPOINT_URL` and the variables for single services override the addresses, for example with an
/// emulator's.
pub async fn load(connection: Connection) -> Clients {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(https(None))
        .timeout_config(connection.timeouts())
        .retry_config(retries());
    if let Some(region) = &connection.region {
        loader = loader.region(Region::new(region.clone()));
    }
    Clients { config: loader.load().await, interceptors: connection.interceptors }
}

/// The same for a function in Lambda. It starts often, has region and credentials in its environment and calls AWS
/// only. Most of its start would be spent on two tasks. One is to search for them in files, at other services and
/// with tokens. The other is to read all of the system's certificate authorities. The code for these tasks would be
/// most of its memory.
///
/// `AWS_ENDPOINT_URL` overrides the address of all services. Over HTTPS it works only with a certificate
/// signed by one of these authorities. With `SPILLWAY_TRUST=all` all of the system's are read: for the day on which AWS
/// uses another one.
pub fn in_function(connection: Connection) -> Clients {
    let credentials = SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new());
    let region = connection.region.clone().or_else(|| variable("AWS_REGION"));
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(SharedHttps(https(authorities(
            variable("SPILLWAY_TRUST").as_deref(),
            region.as_deref(),
        ))))
        .timeout_config(connection.timeouts())
        .retry_config(retries())
        .credentials_provider(credentials);
    config.set_region(region.map(Region::new));
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
    Clients { config: config.build(), interceptors: connection.interceptors }
}

/// The authorities that a function trusts; `None`: all of the system's.
fn authorities(trust: Option<&str>, region: Option<&str>) -> Option<TlsContext> {
    if trust == Some("all") { None } else { certificates::of_aws(region) }
}

/// One client for all services: certificates are read once, and connections are shared. It trusts these
/// authorities, or all that the system trusts.
fn https(authorities: Option<TlsContext>) -> SharedHttpClient {
    let client = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    match authorities {
        Some(authorities) => client.tls_context(authorities).build_https(),
        None => client.build_https(),
    }
}

/// A variable that Lambda sets in the environment. An empty one counts as missing.
#[expect(clippy::disallowed_methods, reason = "outside of functions the SDK reads the same variables itself")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The SDK's own retries: of throttling, 5xx and broken connections, with exponential backoff, full jitter
/// and a budget that stops retrying when most calls fail. The archive, the replays and the readers rely on
/// them. The queue and the event store turn them off and retry item by item, since their calls return a
/// result for each item.
fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(4)
        .with_initial_backoff(Duration::from_millis(100))
        .with_max_backoff(Duration::from_secs(2))
}

impl Clients {
    /// Clients from a configuration that was made elsewhere.
    pub fn from_config(config: SdkConfig) -> Self {
        Self { config, interceptors: Vec::new() }
    }

    /// The configuration, for clients of further services.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The interceptors that see each call, for clients of further services.
    pub fn interceptors(&self) -> &[SharedInterceptor] {
        &self.interceptors
    }

    /// A client of SQS.
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::from_conf(self.sqs_config().build())
    }

    /// A client of SQS for the queue with this URL. It calls the queue's own host, unless the configuration
    /// sets another endpoint.
    pub fn sqs_of(&self, queue_url: &str) -> aws_sdk_sqs::Client {
        let mut config = self.sqs_config();
        if let Some(endpoint) = QueueEndpoint::at(self.config.endpoint_url().unwrap_or(queue_url)) {
            config = config.endpoint_resolver(endpoint);
        }
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    fn sqs_config(&self) -> aws_sdk_sqs::config::Builder {
        let mut config = aws_sdk_sqs::config::Builder::from(&self.config);
        config.set_interceptors(self.interceptors.iter().cloned());
        config
    }

    /// A client of DynamoDB.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let mut config = aws_sdk_dynamodb::config::Builder::from(&self.config);
        config.set_interceptors(self.interceptors.iter().cloned());
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// A client of S3. A custom endpoint has no subdomain for each bucket, so the bucket is in the path
    /// there.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let mut config = aws_sdk_s3::config::Builder::from(&self.config)
            .force_path_style(self.config.endpoint_url().is_some());
        config.set_interceptors(self.interceptors.iter().cloned());
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// A client of CloudWatch.
    pub fn cloudwatch(&self) -> aws_sdk_cloudwatch::Client {
        let mut config = aws_sdk_cloudwatch::config::Builder::from(&self.config);
        config.set_interceptors(self.interceptors.iter().cloned());
        aws_sdk_cloudwatch::Client::from_conf(config.build())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backoff::Pace;

    #[test]
    fn a_call_leaves_time_for_another_and_for_the_answer() {
        for seconds in [3, 10, 30] {
            let limit = Duration::from_secs(seconds);
            let timeouts = Connection::within(limit).timeouts();
            let attempt = timeouts.operation_attempt_timeout().unwrap();
            let whole = timeouts.operation_timeout().unwrap();
            assert!(attempt * 2 <= whole && whole < limit, "{seconds} s: {timeouts:?}");
            assert!(timeouts.connect_timeout().unwrap() <= attempt);
            // Queue and store retry within their own deadline, which leaves time for one stuck connection.
            let pace = Pace::for_limits(Some(&timeouts));
            assert!(attempt + pace.base < pace.within, "{seconds} s: {attempt:?} of {:?}", pace.within);
        }
    }

    #[test]
    fn with_a_switch_a_function_trusts_all_of_the_systems_authorities() {
        assert!(authorities(Some("all"), Some("eu-central-1")).is_none());
        // A machine without a bundle in one file has none to choose from.
        let chosen = certificates::of_aws(None).is_some();
        assert_eq!(authorities(None, None).is_some(), chosen);
        assert_eq!(authorities(Some("aws"), None).is_some(), chosen);
    }
}
