//! How a replay continues when the queue accepts some messages and rejects others permanently.

#![expect(clippy::unwrap_used, reason = "test code")]

use spillway_core::Timestamp;
use spillway_core::dead_letter::DeadLetter;
use spillway_core::failure::FailureClass;
use spillway_core::ids::{MessageId, ReplayId};
use spillway_core::message::OutgoingMessage;
use spillway_core::ports::{QueueError, Replays as _};
use spillway_core::replay::ReplayItemState;
use spillway_testkit::letters::{dead_letter, failure};
use spillway_testkit::{MemoryPipeline, now};
use std::sync::Arc;

fn letter(body: &str) -> DeadLetter {
    let failure = failure(FailureClass::Schema, "bad", Timestamp::UNIX_EPOCH);
    DeadLetter { key: None, event_type: None, body: body.to_owned(), ..dead_letter(body, body, failure) }
}

/// A queue that judges messages by their bodies.
fn judge(_: usize, message: &OutgoingMessage) -> Option<QueueError> {
    match message.body.as_str() {
        "odd" => Some(QueueError::Rejected { reason: "odd".to_owned() }),
        "large" => Some(QueueError::TooLarge { bytes: 9, limit: 8 }),
        "late" => Some(QueueError::Throttled),
        _ => None,
    }
}

fn ids(names: &[&str]) -> Vec<MessageId> {
    names.iter().map(|name| MessageId::new(*name)).collect()
}

/// The messages of the replay in a state.
fn items(pipeline: &MemoryPipeline, state: ReplayItemState) -> Vec<MessageId> {
    let items = &pipeline.state().replays[0].1;
    items.iter().filter(|item| item.state == state).map(|item| item.dead_letter.clone()).collect()
}

/// Carries the replay on by up to two messages.
fn advance(pipeline: &Arc<MemoryPipeline>) -> usize {
    let carrier = pipeline.ports(Default::default()).carrier();
    now(carrier.advance(&ReplayId::new("r"), 2)).unwrap().sent
}

#[test]
fn a_message_that_the_queue_never_accepts_is_archived_again_with_the_reason_and_the_others_continue() {
    let names = ["odd", "large", "a", "late"];
    let pipeline = MemoryPipeline::new(|state| {
        state.dead_letters = names.map(letter).into();
        state.refuse(judge);
    });
    now(pipeline.create(&"r".into(), &ids(&names), "ada")).unwrap();
    let error = || pipeline.state().replays[0].0.error.clone();
    assert_eq!(advance(&pipeline), 0);
    assert_eq!(items(&pipeline, ReplayItemState::Returned), ids(&["odd", "large"]));
    assert_eq!(error(), None, "they are no error of the replay");
    let noted = pipeline.state().audit[1].clone();
    assert_eq!(noted.subject, "odd");
    assert!(noted.detail.ends_with("the queue does not accept this message: odd"), "{noted:?}");
    assert_eq!(advance(&pipeline), 1);
    assert_eq!(items(&pipeline, ReplayItemState::Sent), ids(&["a"]));
    assert_eq!(items(&pipeline, ReplayItemState::Waiting), ids(&["late"]));
    assert_eq!(error().as_deref(), Some("the queue is over its rate"));
}

#[test]
fn messages_that_cannot_exist_any_more_are_released_and_no_others() {
    let names = ["a", "b", "c"];
    let pipeline = MemoryPipeline::new(|state| state.dead_letters = names.map(letter).into());
    now(pipeline.create(&"r".into(), &ids(&names), "ada")).unwrap();
    assert_eq!(advance(&pipeline), 2);
    let carrier = pipeline.ports(Default::default()).carrier();
    let days = |days: u64| std::time::Duration::from_secs(days * 86_400);
    let release = || now(carrier.release_overdue(14 * 86_400, 10)).unwrap();
    pipeline.clock.advance(days(29));
    assert_eq!(release(), 0, "fourteen days in each queue, and a day more");
    pipeline.clock.advance(days(1));
    assert_eq!((release(), release()), (2, 0));
    assert_eq!(items(&pipeline, ReplayItemState::Returned), ids(&["a", "b"]));
    assert_eq!(items(&pipeline, ReplayItemState::Waiting), ids(&["c"]), "it was never put back");
    let audited = pipeline.state().audit.clone();
    assert_eq!(
        (audited.len(), audited[1].by.as_str(), audited[1].action.as_str()),
        (3, "spillway", "release")
    );
}

#[test]
fn a_letter_without_content_comes_back_with_the_reason() {
    let names = ["a", "b"];
    let pipeline = MemoryPipeline::new(|state| {
        state.dead_letters = names.map(letter).into();
        state.dead_letters[0].is_lost = true;
    });
    now(pipeline.create(&"r".into(), &ids(&names), "ada")).unwrap();
    assert_eq!(advance(&pipeline), 1);
    assert_eq!(items(&pipeline, ReplayItemState::Returned), ids(&["a"]));
    let noted = pipeline.state().audit[1].clone();
    assert_eq!(noted.subject, "a");
    assert!(noted.detail.ends_with("its content is gone from the archive"), "{noted:?}");
    let replayer = pipeline.ports(Default::default()).replayer();
    let forecast = now(replayer.preflight(&ids(&["a"]))).unwrap();
    assert_eq!(
        forecast[0].would_fail.as_ref().map(|reason| &*reason.message),
        Some("its content is gone from the archive")
    );
}
