//! The archiver function, from the event that Lambda passes in to the answer that Lambda reads.

#![expect(clippy::unwrap_used, reason = "test code")]

use async_trait::async_trait;
use serde_json::{Value, json};
use spillway_core::Timestamp;
use spillway_core::dead_letter::DeadLetter;
use spillway_core::failure::FailureClass;
use spillway_core::ids::{EventKey, MessageId, ReplayId};
use spillway_core::ports::{ArchiveError, IndexRebuild, IndexRepair, IndexedArchive};
use spillway_functions_archiver::{Function, run};
use spillway_testkit::letters::letter;
use spillway_testkit::{FunctionHarness, State};
use std::sync::Arc;
use std::time::Duration;

const TRACE: &str = "Root=1-69000000-0123456789abcdef01234567;Parent=00000000000000bb;Sampled=1";

/// An index that lacks this number of letters, or one that can't be reached.
struct Index(Result<u64, ()>);

#[async_trait]
impl IndexedArchive for Index {
    async fn repair(&self, _: usize, _: Duration) -> Result<IndexRepair, ArchiveError> {
        let indexed = self.0.map_err(|()| down())?;
        Ok(IndexRepair { indexed, failed: 2 })
    }

    async fn rebuild(&self) -> Result<IndexRebuild, ArchiveError> {
        unreachable!("the function never rebuilds the index")
    }

    async fn recover(&self, _: &[MessageId]) -> Result<Vec<MessageId>, ArchiveError> {
        unreachable!("only operators restore content")
    }
}

fn down() -> ArchiveError {
    ArchiveError::Unavailable { reason: "down".to_owned() }
}

type Harness = FunctionHarness<Function>;

fn archiver(set_up: impl FnOnce(&mut State), index: Index) -> Harness {
    FunctionHarness::new("shop-archiver", set_up, |pipeline, telemetry| {
        let ports = pipeline.ports(Default::default());
        Function {
            archiver: ports.archiver(&pipeline.worker_ports(), "test".into()),
            index: Arc::new(index),
            carrier: ports.carrier(),
            replay_rate_per_s: 50.0,
            retention_s: 14 * 86_400,
            timeout: Duration::from_secs(30),
            telemetry,
            queue: "shop-events-dlq".to_owned(),
        }
    })
}

fn invoke(archiver: &Harness, event: &Value) -> Result<Value, String> {
    archiver.invoke(event, Some(TRACE), async |function, payload, invocation| {
        run(function, payload, invocation).await
    })
}

/// Starts a replay of that many messages, whose bodies are `ID-0`, `ID-1` and so on.
fn start(state: &mut State, id: &str, count: usize) {
    let letter = |number| {
        let name = format!("{id}-{number}");
        let letter = letter(0, "order.placed", FailureClass::Schema, "bad");
        DeadLetter { id: MessageId::new(name.as_str()), body: name, ..letter }
    };
    let letters: Vec<_> = (0..count).map(letter).collect();
    let ids: Vec<_> = letters.iter().map(|letter| letter.id.clone()).collect();
    state.dead_letters.extend(letters);
    state.start_replay(&ReplayId::new(id), &ids, "anna", Timestamp::UNIX_EPOCH);
}

/// How many messages of a replay wait.
fn waiting(archiver: &Harness, id: &str) -> u64 {
    let state = archiver.pipeline.state();
    state.replays.iter().find(|(replay, _)| replay.id == ReplayId::new(id)).unwrap().0.waiting
}

fn record(id: &str, body: &str) -> Value {
    json!({
        "messageId": id, "receiptHandle": id, "body": body,
        "attributes": { "ApproximateReceiveCount": "1", "SentTimestamp": "1779996400000", "AWSTraceHeader": TRACE },
        "messageAttributes": { "spillway-accepted": { "stringValue": "1", "dataType": "String" } }
    })
}

#[test]
fn what_the_archive_refuses_stays_and_the_rest_is_settled() {
    let archiver = archiver(|state| state.not_archived = ["b".into()].into(), Index(Ok(0)));
    let answer =
        invoke(&archiver, &json!({ "Records": [record("a", "}{"), record("b", "x"), record("c", "")] }))
            .unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": "b" }] }));
    let archived = archiver.pipeline.state().dead_letters.clone();
    let bodies: Vec<_> = archived.iter().map(|letter| letter.body.as_str()).collect();
    assert_eq!(bodies, ["}{", ""], "any body is kept as it is");
    assert!(archived.iter().all(|letter| letter.failures[0].class == FailureClass::ConsumerCrash));
}

#[test]
fn a_dead_letter_that_makes_the_archiver_panic_fails_alone() {
    let archiver = archiver(|state| state.poisonous = [EventKey::new("/s", "e2")].into(), Index(Ok(0)));
    let body = |id: &str| format!(r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"t"}}"#);
    let records = json!([record("a", &body("e1")), record("b", &body("e2")), record("c", &body("e3"))]);
    let answer = invoke(&archiver, &json!({ "Records": records })).unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": "b" }] }));
    let archived = archiver.pipeline.state().dead_letters.clone();
    let ids: Vec<_> = archived.iter().map(|letter| letter.id.as_str()).collect();
    assert_eq!(ids, ["a", "c"]);
}

#[test]
fn the_age_of_the_oldest_counts_from_its_first_send() {
    let archiver = archiver(|_| {}, Index(Ok(0)));
    let mut given_up = record("a", "x");
    let reason = r#"[{"class":"schema","message":"bad","version":"1","count":1,
        "first_at":"2026-05-01T00:00:00Z","last_at":"2026-05-01T00:00:00Z"}]"#;
    for (name, value) in [
        ("spillway-first-sent", "2026-05-01T00:00:00Z"),
        ("spillway-original-message-id", "first"),
        ("spillway-receive-count", "3"),
        ("spillway-failures", reason),
    ] {
        given_up["messageAttributes"][name] = json!({ "stringValue": value, "dataType": "String" });
    }
    invoke(&archiver, &json!({ "Records": [given_up] })).unwrap();
    let first: Timestamp = "2026-05-01T00:00:00Z".parse().unwrap();
    let line = archiver.lines()[0].clone();
    assert_eq!(line["OldestDeadLetterAge"], 1_780_000_000 - first.as_second());
    assert_eq!(line["FunctionName"], "shop-archiver");
}

#[test]
fn a_dead_letter_shows_in_the_trace_of_its_request() {
    let archiver = archiver(|_| {}, Index(Ok(0)));
    let body = r#"{"specversion":"1.0","id":"e1","source":"/s","type":"t"}"#;
    invoke(&archiver, &json!({ "Records": [record("a", body)] })).unwrap();
    let (waited, function, batch) = (archiver.segment(), archiver.segment(), archiver.segment());
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
fn the_task_repairs_the_index_and_nothing_else_is_a_task() {
    let (archiver, broken) = (archiver(|_| {}, Index(Ok(3))), archiver(|_| {}, Index(Err(()))));
    assert_eq!(
        invoke(&archiver, &json!({ "task": "mend-index" })).unwrap(),
        json!({ "indexed": 3, "failed": 2 })
    );
    assert_eq!(archiver.lines()[0]["DeadLettersUnindexed"], 2);
    let error = invoke(&archiver, &json!({ "task": "dance" })).unwrap_err();
    assert!(error.contains("no task \"dance\"") && error.contains("mend-index"), "{error}");
    let error = invoke(&archiver, &json!({})).unwrap_err();
    assert!(error.contains("not a batch of an SQS queue"), "{error}");
    let error = invoke(&broken, &json!({ "task": "mend-index" })).unwrap_err();
    assert!(error.contains("could not be repaired"), "{error}");
}

#[test]
fn the_schedule_carries_on_replays_that_no_other_program_moves() {
    let set_up = |state: &mut State| {
        for (id, count) in [("broken", 5), ("moving", 90), ("one", 25), ("two", 1)] {
            start(state, id, count);
        }
        state.unreadable_replays = ["broken".into()].into();
        state.moved_elsewhere = ["moving".into()].into();
    };
    let archiver = archiver(set_up, Index(Ok(3)));
    let answer = invoke(&archiver, &json!({ "task": "maintain" })).unwrap();
    assert_eq!(answer, json!({ "indexed": 3, "failed": 2, "sent": 26, "returned": 0, "released": 0 }));
    let left = ["broken", "one", "two"].map(|id| waiting(&archiver, id));
    assert_eq!(left, [5, 0, 0]);
    let moving = waiting(&archiver, "moving");
    assert!(moving >= 80, "only its own program moves it: {moving}");
    let sent = archiver.pipeline.state().sent.clone();
    let position = |body: &str| sent.iter().position(|message| message.body == body).unwrap();
    assert_eq!(sent.len(), 26);
    assert_eq!(position("two-0"), 10, "each replay has its turn");
}

#[test]
fn a_replay_is_carried_on_until_the_functions_time_ends_and_then_by_the_next_invocation() {
    let archiver = archiver(|state| start(state, "one", 1_500), Index(Ok(0)));
    let mut left = Vec::new();
    for _ in 0..2 {
        invoke(&archiver, &json!({ "task": "maintain" })).unwrap();
        left.push(waiting(&archiver, "one"));
    }
    assert_eq!(left, [500, 0], "20 s are left between the check and the last step, at 50 a second");
}

#[test]
fn a_failing_index_does_not_delay_replays() {
    let archiver = archiver(|state| start(state, "one", 7), Index(Err(())));
    let error = invoke(&archiver, &json!({ "task": "maintain" })).unwrap_err();
    assert!(error.contains("could not be repaired"), "{error}");
    assert_eq!(archiver.pipeline.state().sent.len(), 7);
}

#[test]
fn without_replays_the_schedule_only_repairs_the_index() {
    let archiver = archiver(|_| {}, Index(Ok(1)));
    let started = archiver.function.telemetry.now();
    let answer = invoke(&archiver, &json!({ "task": "maintain" })).unwrap();
    assert_eq!(answer, json!({ "indexed": 1, "failed": 2, "sent": 0, "returned": 0, "released": 0 }));
    assert_eq!(archiver.function.telemetry.now(), started, "it does not wait");
}
