//! The adapter for CloudWatch, against answers as the service gives them.

use crate::support::at;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::config::retry::RetryConfig;
use aws_sdk_cloudwatch::config::{BehaviorVersion, Config, Credentials, Region, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use ciborium::Value;
use spillway_alerts::AlarmState::{Alarm, Ok as Healthy};
use spillway_alerts_reporter::aws::CloudWatchStates;
use spillway_alerts_reporter::ports::{AlarmStatus, Change, States};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Answers in order, and the operations and requests that they were given to.
#[derive(Clone, Debug, Default)]
struct Recorded {
    answers: Arc<Mutex<VecDeque<(u16, Value)>>>,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Recorded {
    fn of(answers: impl IntoIterator<Item = (u16, Value)>) -> (CloudWatchStates, Self) {
        let recorded =
            Self { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Self::default() };
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "a test"))
            .retry_config(RetryConfig::disabled())
            .http_client(recorded.clone())
            .build();
        (CloudWatchStates::new(Client::from_conf(config)), recorded)
    }

    fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().unwrap().clone()
    }
}

impl HttpConnector for Recorded {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = request.uri().rsplit('/').next().unwrap_or_default().to_owned();
        let body: Value = ciborium::from_reader(request.body().bytes().unwrap()).unwrap();
        self.asked.lock().unwrap().push((operation, body));
        let (status, answer) = self.answers.lock().unwrap().pop_front().unwrap();
        let mut body = Vec::new();
        ciborium::into_writer(&answer, &mut body).unwrap();
        let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
        response.headers_mut().insert("smithy-protocol", "rpc-v2-cbor");
        response.headers_mut().insert("content-type", "application/cbor");
        HttpConnectorFuture::ready(Ok(response))
    }
}

impl HttpClient for Recorded {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn map<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Map(members.into_iter().map(|(name, value)| (Value::from(name), value)).collect())
}

fn time(text: &str) -> Value {
    Value::Tag(1, Box::new(Value::Float(at(text).as_millisecond() as f64 / 1_000.0)))
}

fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.as_map()?.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
}

/// An item as CloudWatch's history has it.
fn item(when: &str, old: &str, new: &str) -> Value {
    let data = format!(
        r#"{{"version":"1.0","type":"Metric","oldState":{{"stateValue":"{old}","stateReason":"before"}},"newState":{{"stateValue":"{new}","stateReason":"Threshold Crossed: 1 datapoint","stateReasonData":{{"version":"1.0","period":60}}}}}}"#
    );
    map([
        ("AlarmName", "shop-queue-age-low".into()),
        ("AlarmType", "MetricAlarm".into()),
        ("Timestamp", time(when)),
        ("HistoryItemType", "StateUpdate".into()),
        ("HistorySummary", format!("Alarm updated from {old} to {new}").into()),
        ("HistoryData", data.into()),
    ])
}

fn history(items: Vec<Value>, token: Option<&str>) -> (u16, Value) {
    let mut answer = vec![("AlarmHistoryItems", Value::Array(items))];
    answer.extend(token.map(|token| ("NextToken", Value::from(token))));
    (200, map(answer))
}

#[tokio::test]
async fn a_night_is_read_page_by_page_and_put_in_order() {
    let (states, recorded) = Recorded::of([
        history(vec![item("2026-03-02T21:00:00.250Z", "ALARM", "OK")], Some("more")),
        history(vec![item("2026-03-02T20:00:00Z", "OK", "ALARM"), map([("HistoryData", "{}".into())])], None),
    ]);
    let (from, to) = (at("2026-03-02T16:00:00Z"), at("2026-03-03T08:00:00Z"));
    let found = states.changes(from, to).await.unwrap();
    let change = |when, from, to| Change {
        alarm: "shop-queue-age-low".into(),
        at: at(when),
        from,
        to,
        reason: "Threshold Crossed: 1 datapoint".into(),
    };
    let expected =
        [change("2026-03-02T20:00:00Z", Healthy, Alarm), change("2026-03-02T21:00:00.250Z", Alarm, Healthy)];
    assert_eq!(found, expected, "an item that is no change is left out");
    let asked = recorded.asked();
    assert_eq!(asked[0].0, "DescribeAlarmHistory");
    let types = member(&asked[0].1, "AlarmTypes").and_then(Value::as_array).unwrap();
    assert_eq!(types.len(), 2, "composite alarms have a history only if they are requested");
    assert_eq!(member(&asked[1].1, "NextToken").and_then(Value::as_text), Some("more"));
}

#[tokio::test]
async fn the_last_change_into_alarm_is_the_newest_before_the_given_time() {
    let (states, recorded) = Recorded::of([history(
        vec![
            item("2026-03-02T12:00:00Z", "ALARM", "OK"),
            item("2026-03-02T11:00:00Z", "OK", "ALARM"),
            item("2026-03-01T11:00:00Z", "OK", "ALARM"),
        ],
        Some("there is more, but it is older"),
    )]);
    let found = states.last_into_alarm("shop-queue-age-low", at("2026-03-02T16:00:00Z")).await.unwrap();
    assert_eq!(found.map(|change| change.at), Some(at("2026-03-02T11:00:00Z")));
    let asked = recorded.asked();
    assert_eq!(member(&asked[0].1, "ScanBy").and_then(Value::as_text), Some("TimestampDescending"));
    assert_eq!(asked.len(), 1);
}

#[tokio::test]
async fn alarms_are_described_a_hundred_at_a_time() {
    let alarm = |name: &str, kind: &'static str| {
        let one = map([
            ("AlarmName", name.into()),
            ("StateValue", "ALARM".into()),
            ("StateReason", "because".into()),
            ("StateUpdatedTimestamp", time("2026-03-03T07:59:00Z")),
            ("StateTransitionedTimestamp", time("2026-03-02T20:00:00Z")),
        ]);
        (200, map([(kind, Value::Array(vec![one]))]))
    };
    let (states, recorded) = Recorded::of([alarm("a", "MetricAlarms"), alarm("b", "CompositeAlarms")]);
    let names: Vec<String> = (0..101).map(|number| format!("n{number}")).collect();
    let found = states.now(&names).await.unwrap();
    let status = |alarm: &str| AlarmStatus {
        alarm: alarm.into(),
        state: Alarm,
        since: at("2026-03-02T20:00:00Z"),
        reason: "because".into(),
    };
    assert_eq!(found, [status("a"), status("b")], "since its last change, not since its last evaluation");
    assert_eq!(recorded.asked().len(), 2);
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    let code = "com.amazonaws.cloudwatch#AccessDeniedException";
    let (states, _) = Recorded::of([(400, map([("__type", code.into()), ("message", "no".into())]))]);
    let error = states.changes(at("2026-03-02T16:00:00Z"), at("2026-03-03T08:00:00Z")).await.unwrap_err();
    assert!(error.0.contains("may not do cloudwatch:DescribeAlarmHistory"), "{error}");
}
