//! The ingest function from the event that API Gateway makes of a request to the answer that it makes one of.

#![expect(clippy::unwrap_used, reason = "test code")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use spillway_core::Timestamp;
use spillway_core::settings::PipelineSettings;
use spillway_core::testkit::{ManualClock, World};
use spillway_core::trace::TraceHeader;
use spillway_ingest::Ingest;
use spillway_functions_ingest::{Function, run};
use spillway_lambda::{Common, Environment, Invocation, Telemetry};
use std::net::UdpSocket;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const OWN: &str = "Root=1-6a000000-0123456789abcdef01234567;Parent=00000000000000aa;Sampled=1";

struct Stage {
    function: Function,
    world: Arc<World>,
    lines: Arc<Mutex<Vec<Value>>>,
    daemon: UdpSocket,
}

impl Stage {
    fn with(world: World) -> Self {
        let world = Arc::new(world);
        let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
        daemon.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let address = daemon.local_addr().unwrap().to_string();
        let environment = Environment::of([
            ("AWS_LAMBDA_FUNCTION_NAME", "shop-ingest"),
            ("SPILLWAY_DEPLOYMENT", "shop"),
            ("SPILLWAY_LOG_LEVEL", "info"),
            ("AWS_XRAY_DAEMON_ADDRESS", &address),
        ]);
        let clock = Arc::new(ManualClock::at(Timestamp::from_second(1_780_000_000).unwrap()));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&lines);
        let note = move |line: &str| noted.lock().unwrap().push(serde_json::from_str(line).unwrap());
        let telemetry = Telemetry::with_lines(&Common::read(&environment).unwrap(), clock.clone(), note);
        let ingest = Ingest::new(world.clone(), clock, &PipelineSettings::default());
        Self { function: Function { ingest, telemetry }, world, lines, daemon }
    }

    fn invoke(&self, event: &Value, trace: Option<&str>) -> Value {
        let invocation =
            Invocation { request_id: "request-1".to_owned(), trace: trace.and_then(TraceHeader::parse) };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answer = runtime.block_on(run(&self.function, &to_raw_value(event).unwrap(), &invocation));
        serde_json::to_value(answer.unwrap()).unwrap()
    }

    fn segment(&self) -> Value {
        let mut bytes = vec![0; 65_536];
        let length = self.daemon.recv(&mut bytes).unwrap();
        let text = std::str::from_utf8(&bytes[..length]).unwrap();
        serde_json::from_str(text.split_once('\n').unwrap().1).unwrap()
    }

    fn is_silent(&self) -> bool {
        self.daemon.set_nonblocking(true).unwrap();
        self.lines.lock().unwrap().is_empty() && self.daemon.recv(&mut [0; 8]).is_err()
    }
}

/// A request as the deployment's API passes it on: every body in Base64, since every media type counts as binary.
fn post(body: &[u8]) -> Value {
    json!({
        "resource": "/events", "path": "/events", "httpMethod": "POST",
        "headers": { "content-type": "application/json", "X-Amzn-Trace-Id": "Root=1-6a000000-0123456789abcdef01234567" },
        "multiValueHeaders": {
            "content-type": ["application/json"], "X-Amzn-Trace-Id": ["Root=1-6a000000-0123456789abcdef01234567"]
        },
        "body": STANDARD.encode(body), "isBase64Encoded": true,
        "requestContext": { "stage": "v1", "path": "/v1/events", "httpMethod": "POST" }
    })
}

#[test]
fn an_event_is_queued_before_it_is_answered_and_counted() {
    let stage = Stage::with(World::default());
    let answer = stage.invoke(&post(r#"{"order":7,"note":"Grüße"}"#.as_bytes()), None);
    assert_eq!((&answer["statusCode"], &answer["isBase64Encoded"]), (&json!(202), &json!(false)));
    let told: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    let sent = stage.world.sent.lock().unwrap();
    let event: Value = serde_json::from_str(&sent[0].body).unwrap();
    assert_eq!((&event["id"], &event["data"]["note"]), (&told["id"], &json!("Grüße")));
    let line = stage.lines.lock().unwrap()[0].clone();
    assert_eq!((&line["EventsAccepted"], &line["FunctionName"]), (&json!(1), &json!("shop-ingest")));
}

#[test]
fn one_trace_goes_from_the_request_to_the_message() {
    let stage = Stage::with(World::default());
    stage.invoke(&post(br#"{"order":7}"#), Some(OWN));
    let accept = stage.segment();
    assert_eq!((&accept["type"], &accept["name"]), (&json!("subsegment"), &json!("accept")));
    assert_eq!(accept["trace_id"], "1-6a000000-0123456789abcdef01234567");
    assert_eq!(accept["parent_id"], "00000000000000aa");
    assert_eq!(accept["annotations"]["outcome"], "accepted");
    let event: Value = serde_json::from_str(&stage.world.sent.lock().unwrap()[0].body).unwrap();
    assert_eq!(
        (&accept["annotations"]["event_id"], accept["annotations"]["event_type"].as_str()),
        (&event["id"], Some("json"))
    );
    let header = stage.world.sent.lock().unwrap()[0].trace_header.clone().unwrap();
    let header = TraceHeader::parse(&header).unwrap();
    assert_eq!((header.root.as_str(), header.sampled), ("1-6a000000-0123456789abcdef01234567", true));
    assert!(
        header.parent.is_some_and(|parent| parent != "00000000000000aa"),
        "the call that sent it is its parent"
    );
}

#[test]
fn a_trace_that_nobody_wants_is_passed_on_and_not_told() {
    let stage = Stage::with(World::default());
    stage.invoke(&post(br#"{"order":7}"#), Some(&OWN.replace("Sampled=1", "Sampled=0")));
    let header = stage.world.sent.lock().unwrap()[0].trace_header.clone().unwrap();
    assert!(header.ends_with("Sampled=0"), "{header}");
    stage.lines.lock().unwrap().clear();
    assert!(stage.is_silent());
}

#[test]
fn a_queue_that_takes_nothing_is_503_and_no_promise() {
    let stage = Stage::with(World { queue_is_down: true, ..World::default() });
    let answer = stage.invoke(&post(br#"{"order":7}"#), None);
    assert_eq!(
        (&answer["statusCode"], &answer["multiValueHeaders"]["retry-after"]),
        (&json!(503), &json!(["5"]))
    );
    assert!(stage.lines.lock().unwrap().is_empty());
}

#[test]
fn what_is_too_large_or_no_event_is_refused_as_everywhere() {
    let stage = Stage::with(World::default());
    let large = stage.invoke(&post(&vec![b' '; 1024 * 1024 + 1]), None);
    assert_eq!(large["statusCode"], 413);
    let broken = stage.invoke(&post(&[0xff, 0xfe, b'{']), None);
    assert_eq!(broken["statusCode"], 400);
    let problem: Value = serde_json::from_str(broken["body"].as_str().unwrap()).unwrap();
    assert_eq!(problem["type"], "/problems/invalid-event");
    assert!(stage.world.sent.lock().unwrap().is_empty());
}

#[test]
fn a_warm_up_is_404_and_leaves_no_trace() {
    let stage = Stage::with(World::default());
    // As terraform/functions.tf sends it by the clock.
    let event = json!({
        "resource": "/{proxy+}", "path": "/warm-up", "httpMethod": "GET", "headers": {}, "multiValueHeaders": {},
        "queryStringParameters": {}, "multiValueQueryStringParameters": {}, "pathParameters": {}, "stageVariables": {},
        "body": null, "isBase64Encoded": false,
        "requestContext": {
            "path": "/v1/warm-up", "stage": "v1", "httpMethod": "GET", "requestId": "warm-up",
            "resourcePath": "/{proxy+}", "protocol": "HTTP/1.1", "identity": { "sourceIp": "127.0.0.1" },
            "requestTimeEpoch": 0
        }
    });
    assert_eq!(stage.invoke(&event, None)["statusCode"], 404);
    assert!(stage.is_silent());
}
