//! The archiver function from the event that Lambda hands it to the answer that Lambda reads.

#![expect(clippy::unwrap_used, reason = "test code")]

use async_trait::async_trait;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use spillway_functions_archiver::{Function, MendIndex, Mended, run};
use spillway_core::Timestamp;
use spillway_core::failure::FailureClass;
use spillway_core::ids::EventKey;
use spillway_core::ports::ArchiveError;
use spillway_core::testkit::{ManualClock, World};
use spillway_core::trace::TraceHeader;
use spillway_core::usecases::archive::Archiver;
use spillway_lambda::{Common, Environment, Invocation, Telemetry};
use std::net::UdpSocket;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const TRACE: &str = "Root=1-69000000-0123456789abcdef01234567;Parent=00000000000000bb;Sampled=1";

/// An index that lacks so many, or one that can't be reached.
struct Index(Result<u64, ()>);

#[async_trait]
impl MendIndex for Index {
    async fn mend_index(&self) -> Result<Mended, ArchiveError> {
        let indexed = self.0.map_err(|()| ArchiveError::Unavailable { reason: "down".to_owned() })?;
        Ok(Mended { indexed, failed: 2 })
    }
}

struct Stage {
    function: Function,
    lines: Arc<Mutex<Vec<Value>>>,
    daemon: UdpSocket,
}

impl Stage {
    fn with(world: World, index: Index) -> (Self, Arc<World>) {
        let world = Arc::new(world);
        let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
        daemon.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let address = daemon.local_addr().unwrap().to_string();
        let environment = Environment::of([
            ("AWS_LAMBDA_FUNCTION_NAME", "shop-archiver"),
            ("SPILLWAY_DEPLOYMENT", "shop"),
            ("SPILLWAY_LOG_LEVEL", "info"),
            ("AWS_XRAY_DAEMON_ADDRESS", &address),
        ]);
        let clock = Arc::new(ManualClock::at(Timestamp::from_second(1_780_000_000).unwrap()));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&lines);
        let note = move |line: &str| noted.lock().unwrap().push(serde_json::from_str(line).unwrap());
        let archiver = Archiver {
            archive: world.clone(),
            clock: clock.clone(),
            version: "test".into(),
            max_receive_count: 20,
        };
        let telemetry = Telemetry::with_lines(&Common::read(&environment).unwrap(), clock, note);
        let function =
            Function { archiver, index: Arc::new(index), telemetry, queue: "shop-events-dlq".to_owned() };
        (Self { function, lines, daemon }, world)
    }

    fn invoke(&self, event: &Value) -> Result<Value, String> {
        let invocation = Invocation { request_id: "request-1".to_owned(), trace: TraceHeader::parse(TRACE) };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let payload = to_raw_value(event).unwrap();
        let answer = runtime.block_on(run(&self.function, &payload, &invocation));
        answer.map(|answer| serde_json::to_value(answer).unwrap()).map_err(|error| error.to_string())
    }

    fn segment(&self) -> Value {
        let mut bytes = vec![0; 65_536];
        let length = self.daemon.recv(&mut bytes).unwrap();
        let text = std::str::from_utf8(&bytes[..length]).unwrap();
        serde_json::from_str(text.split_once('\n').unwrap().1).unwrap()
    }
}

fn record(id: &str, body: &str) -> Value {
    json!({
        "messageId": id, "receiptHandle": id, "body": body,
        "attributes": { "ApproximateReceiveCount": "1", "SentTimestamp": "1779996400000", "AWSTraceHeader": TRACE },
        "messageAttributes": {
            "spillway-first-sent": { "stringValue": "2026-05-01T00:00:00Z", "dataType": "String" }
        }
    })
}

#[test]
fn what_the_archive_does_not_take_stays_and_the_rest_is_settled() {
    let world = World { not_archived: ["b".into()].into(), ..World::default() };
    let (stage, world) = Stage::with(world, Index(Ok(0)));
    let answer =
        stage.invoke(&json!({ "Records": [record("a", "}{"), record("b", "x"), record("c", "")] })).unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": "b" }] }));
    let archived = world.archived.lock().unwrap();
    let bodies: Vec<_> = archived.iter().map(|letter| letter.body.as_str()).collect();
    assert_eq!(bodies, ["}{", ""], "a body is kept as it is, whatever it is");
    assert!(archived.iter().all(|letter| letter.failures[0].class == FailureClass::ConsumerCrash));
}

#[test]
fn a_dead_letter_that_makes_the_archiver_panic_fails_alone() {
    let world = World { poisonous: [EventKey::new("/s", "e2")].into(), ..World::default() };
    let (stage, world) = Stage::with(world, Index(Ok(0)));
    let body = |id: &str| format!(r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"t"}}"#);
    let records = json!([record("a", &body("e1")), record("b", &body("e2")), record("c", &body("e3"))]);
    let answer = stage.invoke(&json!({ "Records": records })).unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": "b" }] }));
    let archived = world.archived.lock().unwrap();
    let ids: Vec<_> = archived.iter().map(|letter| letter.id.as_str()).collect();
    assert_eq!(ids, ["a", "c"]);
}

#[test]
fn the_age_of_the_oldest_goes_by_the_time_it_was_first_sent() {
    let (stage, _) = Stage::with(World::default(), Index(Ok(0)));
    stage.invoke(&json!({ "Records": [record("a", "x")] })).unwrap();
    let first: Timestamp = "2026-05-01T00:00:00Z".parse().unwrap();
    let line = stage.lines.lock().unwrap()[0].clone();
    assert_eq!(line["OldestDeadLetterAge"], 1_780_000_000 - first.as_second());
    assert_eq!(line["FunctionName"], "shop-archiver");
}

#[test]
fn a_dead_letter_shows_in_the_trace_of_its_request() {
    let (stage, _) = Stage::with(World::default(), Index(Ok(0)));
    let body = r#"{"specversion":"1.0","id":"e1","source":"/s","type":"t"}"#;
    stage.invoke(&json!({ "Records": [record("a", body)] })).unwrap();
    let (waited, function, batch) = (stage.segment(), stage.segment(), stage.segment());
    assert_eq!(
        (&waited["name"], &waited["parent_id"]),
        (&json!("shop-events-dlq"), &json!("00000000000000bb"))
    );
    let annotations = &function["subsegments"][0]["annotations"];
    let expected = json!({ "event_id": "e1", "event_type": "t", "outcome": "archived", "receive_count": 1 });
    assert_eq!(annotations, &expected);
    assert_eq!((&batch["type"], &batch["name"]), (&json!("subsegment"), &json!("archive batch")));
}

#[test]
fn the_task_mends_the_index_and_nothing_else_is_a_task() {
    let (stage, _) = Stage::with(World::default(), Index(Ok(3)));
    assert_eq!(stage.invoke(&json!({ "task": "mend-index" })).unwrap(), json!({ "indexed": 3, "failed": 2 }));
    assert_eq!(stage.lines.lock().unwrap()[0]["DeadLettersUnindexed"], 2);
    let error = stage.invoke(&json!({ "task": "dance" })).unwrap_err();
    assert!(error.contains("no task \"dance\"") && error.contains("mend-index"), "{error}");
    let error = stage.invoke(&json!({})).unwrap_err();
    assert!(error.contains("no batch of an SQS queue"), "{error}");
    let (stage, _) = Stage::with(World::default(), Index(Err(())));
    let error = stage.invoke(&json!({ "task": "mend-index" })).unwrap_err();
    assert!(error.contains("could not be mended"), "{error}");
}
