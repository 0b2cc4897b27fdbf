//! The program as Lambda starts it, with simulated runtime API and AWS on loopback addresses.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use ciborium::Value as Cbor;
use serde_json::{Value, json};
use spillway_testkit::{Request, RuntimeApi};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

const SETTINGS: [(&str, &str); 25] = [
    ("AWS_LAMBDA_FUNCTION_NAME", "shop-reporter"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
    ("AWS_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "key"),
    ("AWS_SECRET_ACCESS_KEY", "very-secret"),
    ("SPILLWAY_DEPLOYMENT", "shop"),
    ("SPILLWAY_LOG_LEVEL", "info"),
    ("SPILLWAY_ARCHIVE_BUCKET", "shop-archive"),
    ("SPILLWAY_ALARMS_KEY", "alarms/alarms.json"),
    ("SPILLWAY_DIGESTS_PREFIX", "digests/"),
    ("SPILLWAY_LOW_TOPIC_ARN", "arn:aws:sns:eu-central-1:123456789012:shop-low"),
    ("SPILLWAY_OPS_TABLE", "shop-ops"),
    ("SPILLWAY_BUDGET", "shop"),
    ("SPILLWAY_ACCOUNT", "123456789012"),
    ("SPILLWAY_PARTITION", "aws"),
    ("SPILLWAY_QUEUE", "shop-events"),
    ("SPILLWAY_DLQ", "shop-events-dlq"),
    ("SPILLWAY_ARCHIVER", "shop-archiver"),
    ("SPILLWAY_DLQ_RETENTION_S", "1209600"),
    ("SPILLWAY_MAX_RECEIVE_COUNT", "20"),
    ("SPILLWAY_RETRY_BASE_S", "5"),
    ("SPILLWAY_RETRY_CAP_S", "900"),
    ("SPILLWAY_VISIBILITY_TIMEOUT_S", "180"),
    ("SPILLWAY_TIMEOUT_S", "120"),
];

/// AWS, as far as the function sees it: the requests, in order.
#[derive(Clone, Default)]
struct Aws(Arc<Mutex<Vec<(String, String)>>>);

impl Aws {
    /// Answers from another thread, as long as the test runs.
    fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let aws = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                aws.answer(Request::read(stream));
            }
        });
        format!("http://{address}")
    }

    fn answer(&self, request: Request) {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let path = request.line.split(' ').nth(1).unwrap().to_owned();
        let name = match request.headers.get("x-amz-target") {
            Some(target) => target.rsplit('.').next().unwrap().to_owned(),
            None if body.starts_with("Action=") => {
                body["Action=".len()..].split('&').next().unwrap().to_owned()
            }
            None => path.split('?').next().unwrap().rsplit('/').next().unwrap().to_owned(),
        };
        self.0.lock().unwrap().push((name.clone(), body));
        match name.as_str() {
            "alarms.json" => request.answer("200 OK", "", document().to_string().as_bytes()),
            "DescribeAlarms" => cbor(request, &map([("MetricAlarms", Cbor::Array(vec![lasting()]))])),
            "DescribeAlarmHistory" => {
                let end = end_date(&request.body);
                cbor(request, &map([("AlarmHistoryItems", Cbor::Array(vec![fired(end - 60.0)]))]));
            }
            "PutItem" => request.answer("200 OK", "Content-Type: application/x-amz-json-1.0\r\n", b"{}"),
            "Publish" => request.answer(
                "200 OK",
                "Content-Type: text/xml\r\n",
                b"<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>",
            ),
            "GetQueueAttributes" => request.answer(
                "200 OK",
                "Content-Type: application/x-amz-json-1.0\r\n",
                br#"{"Attributes":{"ApproximateNumberOfMessages":"0"}}"#,
            ),
            other => panic!("unexpected call {other}"),
        }
    }

    fn requests(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Answers in the protocol of CloudWatch.
fn cbor(request: Request, answer: &Cbor) {
    let mut body = Vec::new();
    ciborium::into_writer(answer, &mut body).unwrap();
    request.answer("200 OK", "smithy-protocol: rpc-v2-cbor\r\nContent-Type: application/cbor\r\n", &body);
}

fn map<'a>(members: impl IntoIterator<Item = (&'a str, Cbor)>) -> Cbor {
    Cbor::Map(members.into_iter().map(|(name, value)| (Cbor::from(name), value)).collect())
}

fn seconds(at: f64) -> Cbor {
    Cbor::Tag(1, Box::new(Cbor::Float(at)))
}

/// The end of the requested time range, which is the function's current time.
fn end_date(body: &[u8]) -> f64 {
    let request: Cbor = ciborium::from_reader(body).unwrap();
    let members = request.into_map().unwrap();
    let (_, end) = members.into_iter().find(|(name, _)| name.as_text() == Some("EndDate")).unwrap();
    let Cbor::Tag(1, end) = end else { panic!("{end:?}") };
    match *end {
        Cbor::Float(end) => end,
        Cbor::Integer(end) => i128::from(end) as f64,
        other => panic!("{other:?}"),
    }
}

/// An alarm that has been on for a long time.
fn lasting() -> Cbor {
    map([
        ("AlarmName", "shop-queue-age-low".into()),
        ("StateValue", "ALARM".into()),
        ("StateReason", "old".into()),
        ("StateTransitionedTimestamp", seconds(1_780_000_000.0)),
    ])
}

/// Another one of its subsystem that has just fired.
fn fired(at: f64) -> Cbor {
    let data = r#"{"oldState":{"stateValue":"OK"},"newState":{"stateValue":"ALARM","stateReason":"deep"}}"#;
    map([
        ("AlarmName", "shop-queue-depth-low".into()),
        ("Timestamp", seconds(at)),
        ("HistoryData", data.into()),
    ])
}

/// The document that Terraform writes.
fn document() -> Value {
    json!({
        "deployment": "shop",
        "rules": include_str!("../../../rules.json"),
        "limits": { "queues.primary.max_receive_count": 20, "queues.primary.max_in_flight": 120_000 },
        "resources": { "queues.primary": "shop-events" },
        "alarms": { "queue-age-low": "shop-queue-age-low", "queue-depth-low": "shop-queue-depth-low" },
        "business_hours": null,
        "dashboard_url": null,
    })
}

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_reads_the_rules_at_its_start_and_runs_the_requested_task() {
    let aws = Aws::default();
    let runtime_api = RuntimeApi::listen();
    let endpoint = aws.listen();
    let _program = Program(
        Command::new(env!("CARGO_BIN_EXE_reporter"))
            .env_clear()
            .envs(SETTINGS)
            .env("SPILLWAY_DLQ_URL", format!("{endpoint}/123456789012/shop-events-dlq"))
            .env("AWS_ENDPOINT_URL", &endpoint)
            .env("AWS_LAMBDA_RUNTIME_API", runtime_api.address())
            .stdout(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let invoke = |task: &str| runtime_api.invoke(&json!({ "task": task }));
    let response = || "POST /2018-06-01/runtime/invocation/r-1/response HTTP/1.1".to_owned();

    assert_eq!(invoke("time-to-loss"), (response(), json!({ "seconds": null })));
    let names =
        |requests: &[(String, String)]| requests.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&aws.requests()), ["alarms.json", "GetQueueAttributes"]);

    assert_eq!(
        invoke("catch-up"),
        (response(), json!({ "digest": null, "alarms": 1, "is_suppressed": false }))
    );
    let requests = aws.requests();
    assert_eq!(names(&requests), ["DescribeAlarms", "DescribeAlarmHistory", "PutItem", "Publish", "PutItem"]);
    let (claim, mail) = (&requests[2].1, &requests[3].1);
    assert!(claim.contains("attribute_not_exists(pk)") && claim.contains("shop-queue-depth-low "), "{claim}");
    assert!(
        mail.contains("shop%3A%20queue-depth-low%20too") && mail.contains("queue-depth-low%3A%20"),
        "{mail}"
    );

    let (line, refused) = invoke("tea");
    assert_eq!(line, "POST /2018-06-01/runtime/invocation/r-1/error HTTP/1.1");
    assert!(refused["errorMessage"].as_str().unwrap().contains("the payload is not one of"), "{refused}");
}
