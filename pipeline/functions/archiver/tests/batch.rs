//! The archiver function from the event that Lambda hands it to the answer that Lambda reads.

#![expect(clippy::unwrap_used, reason = "test code")]

use async_trait::async_trait;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetter, DeadLetterState, Page};
use spillway_core::failure::{Failure, FailureClass};
use spillway_core::ids::{EventKey, MessageId, ReplayId};
use spillway_core::message::MessageAttributes;
use spillway_core::ports::{
    ArchiveError, AuditEntry, IndexRebuild, IndexRepair, IndexedArchive, OpsLog, Replays,
};
use spillway_core::replay::{Replay, ReplayItem, ReplayState};
use spillway_core::testkit::{ManualClock, World};
use spillway_core::trace::TraceHeader;
use spillway_core::usecases::archive::Archiver;
use spillway_core::usecases::replay::Carrier;
use spillway_functions_archiver::{Function, run};
use spillway_lambda::{Common, Environment, Invocation, Telemetry};
use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const TRACE: &str = "Root=1-69000000-0123456789abcdef01234567;Parent=00000000000000bb;Sampled=1";

/// An index that lacks so many, or one that can't be reached.
struct Index(Result<u64, ()>);

#[async_trait]
impl IndexedArchive for Index {
    async fn repair(&self, _: usize) -> Result<IndexRepair, ArchiveError> {
        let indexed = self.0.map_err(|()| down())?;
        Ok(IndexRepair { indexed, failed: 2 })
    }

    async fn rebuild(&self) -> Result<IndexRebuild, ArchiveError> {
        unreachable!("the function never rebuilds the index")
    }
}

fn down() -> ArchiveError {
    ArchiveError::Unavailable { reason: "down".to_owned() }
}

/// Replays with the messages of each that wait; `broken` can't be read, and another program moves `moving`.
#[derive(Default)]
struct Waiting(Mutex<BTreeMap<&'static str, usize>>);

#[async_trait]
impl Replays for Waiting {
    async fn unfinished(&self) -> Result<Vec<ReplayId>, ArchiveError> {
        let mut waiting = self.0.lock().unwrap();
        let unfinished = waiting.iter().filter(|(_, count)| **count > 0).map(|(id, _)| ReplayId::new(*id));
        let unfinished = unfinished.collect();
        if let Some(count) = waiting.get_mut("moving") {
            *count -= 1;
        }
        Ok(unfinished)
    }

    async fn get(&self, replay: &ReplayId) -> Result<Option<Replay>, ArchiveError> {
        Ok(Some(Replay {
            id: replay.clone(),
            by: "anna".to_owned(),
            started_at: Timestamp::UNIX_EPOCH,
            ended_at: None,
            state: ReplayState::Running,
            waiting: self.0.lock().unwrap()[replay.as_str()] as u64,
            sent: 0,
            stored: 0,
            returned: 0,
            trouble: None,
        }))
    }

    async fn waiting(&self, replay: &ReplayId, limit: usize) -> Result<Vec<DeadLetter>, ArchiveError> {
        if replay.as_str() == "broken" {
            return Err(down());
        }
        let count = self.0.lock().unwrap()[replay.as_str()].min(limit);
        Ok((0..count).map(|number| letter(&format!("{replay}-{number}"))).collect())
    }

    async fn mark_sent(&self, replay: &ReplayId, ids: &[MessageId]) -> Result<(), ArchiveError> {
        *self.0.lock().unwrap().get_mut(replay.as_str()).unwrap() -= ids.len();
        Ok(())
    }

    async fn set_trouble(&self, _: &ReplayId, _: Option<&str>) -> Result<(), ArchiveError> {
        Ok(())
    }

    async fn create(&self, _: &ReplayId, _: &[MessageId], _: &str) -> Result<u64, ArchiveError> {
        unreachable!("the function starts no replay")
    }

    async fn mark_returned(&self, _: &ReplayId, _: &MessageId) -> Result<(), ArchiveError> {
        unreachable!("the queue takes every message")
    }

    async fn list(&self, _: usize) -> Result<Vec<Replay>, ArchiveError> {
        unreachable!("the function carries on what is unfinished")
    }

    async fn items(&self, _: &ReplayId, _: Option<&str>, _: usize) -> Result<Page<ReplayItem>, ArchiveError> {
        unreachable!("the function shows no replay")
    }
}

#[async_trait]
impl OpsLog for Waiting {
    async fn append(&self, _: &[AuditEntry]) -> Result<(), ArchiveError> {
        Ok(())
    }

    async fn entries(&self, _: Option<&str>, _: usize) -> Result<Vec<AuditEntry>, ArchiveError> {
        unreachable!("the function reads no audit log")
    }
}

fn letter(id: &str) -> DeadLetter {
    let at = Timestamp::UNIX_EPOCH;
    let failure = Failure::new(FailureClass::Schema, "bad", &"test".into(), at);
    DeadLetter {
        id: id.into(),
        key: None,
        event_type: None,
        body: id.to_owned(),
        attributes: MessageAttributes::new(),
        trace_header: None,
        first_sent_at: at,
        archived_at: at,
        receive_count: 1,
        generation: 0,
        fingerprint: failure.fingerprint(None),
        failures: vec![failure],
        state: DeadLetterState::Archived,
        replays: Vec::new(),
    }
}

struct Stage {
    function: Function,
    lines: Arc<Mutex<Vec<Value>>>,
    daemon: UdpSocket,
}

impl Stage {
    fn with(world: World, index: Index) -> (Self, Arc<World>) {
        let (stage, world, _) = Self::with_replays(world, index, []);
        (stage, world)
    }

    fn with_replays<const N: usize>(
        world: World,
        index: Index,
        waiting: [(&'static str, usize); N],
    ) -> (Self, Arc<World>, Arc<Waiting>) {
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
        let replays = Arc::new(Waiting(Mutex::new(waiting.into())));
        let carrier = Carrier {
            replays: replays.clone(),
            queue: world.clone(),
            ops: replays.clone(),
            clock: clock.clone(),
        };
        let telemetry = Telemetry::with_lines(&Common::read(&environment).unwrap(), clock, note);
        let function = Function {
            archiver,
            index: Arc::new(index),
            carrier,
            replay_rate_per_s: 50.0,
            timeout: Duration::from_secs(30),
            telemetry,
            queue: "shop-events-dlq".to_owned(),
        };
        (Self { function, lines, daemon }, world, replays)
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

#[test]
fn the_schedule_carries_on_replays_that_no_other_program_moves() {
    let replays = [("broken", 5), ("moving", 90), ("one", 25), ("two", 1)];
    let (stage, world, waiting) = Stage::with_replays(World::default(), Index(Ok(3)), replays);
    let answer = stage.invoke(&json!({ "task": "maintain" })).unwrap();
    assert_eq!(answer, json!({ "indexed": 3, "failed": 2, "sent": 26, "returned": 0 }));
    let waiting = waiting.0.lock().unwrap();
    assert_eq!((waiting["broken"], waiting["one"], waiting["two"]), (5, 0, 0));
    assert!(waiting["moving"] >= 80, "only its own program moves it: {}", waiting["moving"]);
    let sent = world.sent.lock().unwrap();
    let position = |body: &str| sent.iter().position(|message| message.body == body).unwrap();
    assert_eq!(sent.len(), 26);
    assert_eq!(position("two-0"), 10, "each replay has its turn");
}

#[test]
fn a_replay_is_carried_on_until_the_functions_time_ends_and_then_by_the_next_invocation() {
    let (stage, _, waiting) = Stage::with_replays(World::default(), Index(Ok(0)), [("one", 1_500)]);
    let mut left = Vec::new();
    for _ in 0..2 {
        stage.invoke(&json!({ "task": "maintain" })).unwrap();
        left.push(waiting.0.lock().unwrap()["one"]);
    }
    assert_eq!(left, [500, 0], "20 s are left after the look and before the last step, at 50 a second");
}

#[test]
fn an_index_that_fails_does_not_hold_up_replays() {
    let (stage, world, _) = Stage::with_replays(World::default(), Index(Err(())), [("one", 7)]);
    let error = stage.invoke(&json!({ "task": "maintain" })).unwrap_err();
    assert!(error.contains("could not be mended"), "{error}");
    assert_eq!(world.sent.lock().unwrap().len(), 7);
}

#[test]
fn where_replays_rest_the_schedule_only_repairs_the_index() {
    let (stage, ..) = Stage::with_replays(World::default(), Index(Ok(1)), []);
    let started = stage.function.telemetry.now();
    let answer = stage.invoke(&json!({ "task": "maintain" })).unwrap();
    assert_eq!(answer, json!({ "indexed": 1, "failed": 2, "sent": 0, "returned": 0 }));
    assert_eq!(stage.function.telemetry.now(), started, "it waits for nothing");
}
