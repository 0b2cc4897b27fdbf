//! What the archiver makes of a batch from the DLQ.

#![expect(clippy::unwrap_used, reason = "test code")]

use spillway_core::Timestamp;
use spillway_core::dead_letter::DeadLetter;
use spillway_core::failure::FailureClass;
use spillway_core::ids::{EventKey, MessageId, ReplayId};
use spillway_core::message::{
    ACCEPTED, FAILURES, FIRST_SENT, MessageAttributes, ORIGINAL_MESSAGE_ID, RECEIVE_COUNT, ReceivedMessage,
    of_replay, with_own,
};
use spillway_core::usecases::archive::ArchiveReport;
use spillway_testkit::letters::failure;
use spillway_testkit::{MemoryPipeline, now};
use std::sync::Arc;

fn message(id: &str, body: &str, attributes: MessageAttributes) -> ReceivedMessage {
    ReceivedMessage {
        message_id: id.into(),
        receipt_handle: id.into(),
        body: body.to_owned(),
        attributes,
        trace_header: None,
        sent_at: Timestamp::UNIX_EPOCH,
        receive_count: 1,
        failures: Vec::new(),
        redriven: false,
    }
}

/// What the consumer sets, with these failures and this id.
fn given_up(failures: &str, id: &str, senders: &MessageAttributes) -> MessageAttributes {
    let own = [
        (ORIGINAL_MESSAGE_ID, id.to_owned()),
        (FIRST_SENT, Timestamp::UNIX_EPOCH.to_string()),
        (RECEIVE_COUNT, "3".to_owned()),
        (FAILURES, failures.to_owned()),
    ];
    with_own(senders, own)
}

fn failures() -> String {
    serde_json::to_string(&[failure(FailureClass::Schema, "bad", Timestamp::UNIX_EPOCH)]).unwrap()
}

fn accepted() -> MessageAttributes {
    MessageAttributes::from([(ACCEPTED.to_owned(), "1".into())])
}

fn archive(pipeline: &Arc<MemoryPipeline>, batch: Vec<ReceivedMessage>) -> ArchiveReport {
    let archiver = pipeline.ports(Default::default()).archiver(&pipeline.worker_ports(), "test".into());
    now(archiver.archive_batch(batch))
}

fn archived(batch: Vec<ReceivedMessage>) -> Vec<DeadLetter> {
    let pipeline = MemoryPipeline::new(|_| {});
    assert!(archive(&pipeline, batch).records.iter().all(|record| record.result.is_ok()));
    pipeline.state().dead_letters.clone()
}

fn facts(letter: &DeadLetter) -> (&str, FailureClass, u32, bool) {
    (letter.id.as_str(), letter.last_failure().unwrap().class, letter.receive_count, letter.is_foreign)
}

#[test]
fn a_message_is_described_as_what_it_is() {
    let letters = archived(vec![
        message("a", "x", given_up(&failures(), "first", &accepted())),
        message("b", "x", given_up(&failures(), "first-b", &MessageAttributes::new())),
        message("c", "x", accepted()),
        ReceivedMessage { redriven: true, ..message("d", "x", MessageAttributes::new()) },
        message("e", "x", MessageAttributes::new()),
    ]);
    let found: Vec<_> = letters.iter().map(facts).collect();
    assert_eq!(
        found,
        [
            ("first", FailureClass::Schema, 3, false),
            ("first-b", FailureClass::Schema, 3, true),
            ("c", FailureClass::ConsumerCrash, 20, false),
            ("d", FailureClass::ConsumerCrash, 20, true),
            ("e", FailureClass::Unprocessed, 0, true),
        ]
    );
    assert!(
        letters[4].last_failure().unwrap().message.starts_with("put straight into the dead letter queue")
    );
}

#[test]
fn failures_that_cannot_be_read_have_one_description() {
    for forged in ["", "[", "[]", "{}", "7", r#"[{"class":"schema"}]"#] {
        let letters = archived(vec![message("a", "x", given_up(forged, "first", &MessageAttributes::new()))]);
        let [letter] = &letters[..] else { panic!("{forged}: {letters:?}") };
        assert_eq!(facts(letter), ("a", FailureClass::Unprocessed, 0, true), "{forged}");
        assert_eq!(letter.failures.len(), 1, "{forged}");
    }
}

#[test]
fn an_id_that_no_queue_makes_is_not_believed() {
    for forged in ["../../alarms/x", "a/b", "", "a#b", "a b", &"a".repeat(101)] {
        let letters = archived(vec![message("a", "x", given_up(&failures(), forged, &accepted()))]);
        assert_eq!(letters[0].id.as_str(), "a", "{forged}");
    }
}

#[test]
fn a_replay_is_believed_if_its_log_has_the_letter() {
    let pipeline = MemoryPipeline::new(|state| {
        let failure = failure(FailureClass::Schema, "bad", Timestamp::UNIX_EPOCH);
        state.dead_letters.push(spillway_testkit::letters::dead_letter("m", "1", failure));
        state.start_replay(&"r".into(), &["m".into()], "ada", Timestamp::UNIX_EPOCH);
    });
    let back = |id: &str, replay: &str| {
        let senders = given_up(&failures(), "m", &MessageAttributes::new());
        let (replay, letter) = (ReplayId::new(replay), MessageId::new("m"));
        message(id, "x", of_replay(&senders, &replay, &letter, 1, Timestamp::UNIX_EPOCH))
    };
    archive(&pipeline, vec![back("a", "forged"), back("b", "r")]);
    let letters = pipeline.state().dead_letters.clone();
    let found: Vec<_> = letters.iter().map(|letter| (letter.id.as_str(), letter.generation)).collect();
    assert_eq!(found, [("m", 1), ("a", 0)]);
    assert_eq!(
        (letters[0].state.name(), letters[0].is_foreign, letters[1].is_foreign),
        ("archived", false, true)
    );
}

#[test]
fn an_event_that_is_nested_too_deeply_is_found_by_its_id() {
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let body = format!(r#"{{"specversion":"1.0","id":"e","source":"/s","type":"t","data":{deep}}}"#);
    let letters = archived(vec![message("a", &body, given_up(&failures(), "first", &accepted()))]);
    assert_eq!(letters[0].key, Some(EventKey::new("/s", "e")));
    assert_eq!(letters[0].event_type, Some("t".into()));
}
