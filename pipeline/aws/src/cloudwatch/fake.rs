//! CloudWatch in memory, for tests: it uses the service's own protocol, so that a test covers the requests and
//! answers on the wire.

#![expect(clippy::expect_used, reason = "a test with a protocol error should fail at that place")]

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::config::{BehaviorVersion, Config, Credentials, Region, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use ciborium::Value;
use spillway_core::Timestamp;
use spillway_core::metric::MetricId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// Namespace, name, and dimensions in order of their names.
type Key = (String, String, Vec<(String, String)>);

/// CloudWatch with the datapoints that a test put into it.
#[derive(Clone, Debug, Default)]
pub struct FakeCloudWatch(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    samples: BTreeMap<Key, Vec<(i64, f64)>>,
    calls: usize,
    queries: usize,
    page: Option<usize>,
    failure: Option<(u16, String)>,
    last: Option<(i64, i64, u32)>,
}

impl FakeCloudWatch {
    /// CloudWatch without datapoints.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics while it holds the lock")
    }

    /// A measurement.
    pub fn put(&self, metric: &MetricId, at: Timestamp, value: f64) {
        let mut dimensions: Vec<_> =
            metric.dimensions.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        dimensions.sort();
        let key = (metric.namespace.to_string(), metric.name.to_string(), dimensions);
        self.state().samples.entry(key).or_default().push((at.as_second(), value));
    }

    /// From now on, answers come in pages of this number of datapoints of each metric.
    pub fn in_pages_of(&self, datapoints: usize) {
        self.state().page = Some(datapoints);
    }

    /// Every call fails from now on.
    pub fn failing(&self, status: u16, code: &str) {
        self.state().failure = Some((status, code.to_owned()));
    }

    /// Calls answer again from now on.
    pub fn repaired(&self) {
        self.state().failure = None;
    }

    /// How many calls there were.
    pub fn calls(&self) -> usize {
        self.state().calls
    }

    /// The number of metrics requested in all calls, which AWS charges for.
    pub fn queries(&self) -> usize {
        self.state().queries
    }

    /// From when to when the last call asked, and with which period.
    pub fn last(&self) -> Option<(i64, i64, u32)> {
        self.state().last
    }

    /// A client of this CloudWatch.
    pub fn client(&self) -> Client {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "a test"))
            .retry_config(aws_sdk_cloudwatch::config::retry::RetryConfig::disabled())
            .http_client(self.clone())
            .build();
        Client::from_conf(config)
    }

    pub(crate) fn answer(&self, body: &[u8]) -> (u16, Value) {
        let mut state = self.state();
        state.calls += 1;
        if let Some((status, code)) = &state.failure {
            let code = format!("com.amazonaws.cloudwatch#{code}");
            return (*status, map([("__type", code.into()), ("message", "The test says no".into())]));
        }
        let request: Value = ciborium::from_reader(body).expect("CBOR");
        let (from, to) = (seconds(&member(&request, "StartTime")), seconds(&member(&request, "EndTime")));
        let offset =
            member(&request, "NextToken").as_text().map_or(0, |text| text.parse().expect("a token of ours"));
        let asked = member(&request, "MetricDataQueries").into_array().expect("queries");
        state.queries += asked.len();
        assert!(asked.len() <= 500, "CloudWatch takes 500 queries in a call");
        let mut more = false;
        let mut results = Vec::new();
        for query in &asked {
            let stat = member(query, "MetricStat");
            let period: u32 = member(&stat, "Period")
                .as_integer()
                .and_then(|period| period.try_into().ok())
                .expect("a period");
            state.last = Some((from, to, period));
            let points = state.series(&member(&stat, "Metric"), &text(&stat, "Stat"), period, (from, to));
            let page = state.page.unwrap_or(usize::MAX);
            more |= points.len() > offset + page.min(points.len());
            let shown: Vec<_> = points.into_iter().skip(offset).take(page).collect();
            let time = |at: i64| Value::Tag(1, Box::new(Value::Float(at as f64)));
            results.push(map([
                ("Id", text(query, "Id").into()),
                ("StatusCode", if more { "PartialData" } else { "Complete" }.into()),
                ("Timestamps", Value::Array(shown.iter().map(|(at, _)| time(*at)).collect())),
                ("Values", Value::Array(shown.iter().map(|(_, value)| Value::Float(*value)).collect())),
            ]));
        }
        let mut answer = vec![("MetricDataResults", Value::Array(results))];
        if more {
            answer.push(("NextToken", (offset + state.page.unwrap_or(0)).to_string().into()));
        }
        (200, map(answer))
    }
}

impl State {
    fn series(&self, metric: &Value, statistic: &str, period: u32, range: (i64, i64)) -> Vec<(i64, f64)> {
        let dimensions = member(metric, "Dimensions").into_array().unwrap_or_default();
        let mut dimensions: Vec<_> =
            dimensions.iter().map(|one| (text(one, "Name"), text(one, "Value"))).collect();
        dimensions.sort();
        let key = (text(metric, "Namespace"), text(metric, "MetricName"), dimensions);
        let mut periods: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for (at, value) in self.samples.get(&key).into_iter().flatten() {
            let start = at.div_euclid(i64::from(period)) * i64::from(period);
            if start >= range.0 && start < range.1 {
                periods.entry(start).or_default().push(*value);
            }
        }
        periods.into_iter().map(|(start, values)| (start, summed_up(statistic, &values))).collect()
    }
}

fn summed_up(statistic: &str, values: &[f64]) -> f64 {
    let sum: f64 = values.iter().sum();
    match statistic {
        "Sum" => sum,
        "SampleCount" => values.len() as f64,
        "Average" => sum / values.len() as f64,
        "Minimum" => values.iter().copied().fold(f64::INFINITY, f64::min),
        _ => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    }
}

fn map<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Map(members.into_iter().map(|(name, value)| (Value::from(name), value)).collect())
}

fn member(value: &Value, name: &str) -> Value {
    let members = value.as_map().into_iter().flatten();
    let found = members.into_iter().find(|(key, _)| key.as_text() == Some(name));
    found.map_or(Value::Null, |(_, value)| value.clone())
}

fn text(value: &Value, name: &str) -> String {
    member(value, name).as_text().unwrap_or_default().to_owned()
}

fn seconds(time: &Value) -> i64 {
    match time {
        Value::Tag(1, time) => match &**time {
            Value::Float(at) => *at as i64,
            other => other.as_integer().and_then(|at| at.try_into().ok()).expect("a time"),
        },
        _ => panic!("no time: {time:?}"),
    }
}

impl HttpConnector for FakeCloudWatch {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let fake = self.clone();
        HttpConnectorFuture::new(async move {
            // Concurrent tasks get their turn before the answer comes, as with the real service.
            tokio::task::yield_now().await;
            let (status, answer) = fake.answer(request.body().bytes().expect("a body in memory"));
            let mut body = Vec::new();
            ciborium::into_writer(&answer, &mut body).expect("a value can be written");
            let status = status.try_into().expect("a status");
            let mut response = HttpResponse::new(status, SdkBody::from(body));
            response.headers_mut().insert("smithy-protocol", "rpc-v2-cbor");
            response.headers_mut().insert("content-type", "application/cbor");
            Ok(response)
        })
    }
}

impl HttpClient for FakeCloudWatch {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
