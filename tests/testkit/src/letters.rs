//! Dead letters and other things of a pipeline for tests, and helpers to archive and count dead letters.

use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetter, DeadLetterFilter, DeadLetterState, DeadLetterStatus};
use spillway_core::failure::{Failure, FailureClass};
use spillway_core::ids::{EventKey, EventType, MessageId};
use spillway_core::message::MessageAttributes;
use spillway_core::ports::{AuditEntry, DeadLetterSink, DeadLetters, StoreItem};

/// Seconds after the first of March 2026.
pub fn at(second: i64) -> Timestamp {
    let start: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    Timestamp::from_second(start.as_second() + second).unwrap()
}

/// A failure of version `v1`.
pub fn failure(class: FailureClass, message: &str, at: Timestamp) -> Failure {
    Failure::new(class, message, &"v1".into(), at)
}

/// A dead letter of an order, archived when it failed. Its event is `event_id` from `/shop`.
pub fn dead_letter(id: impl Into<MessageId>, event_id: &str, failure: Failure) -> DeadLetter {
    let event_type = EventType::new("order.placed");
    let at = failure.last_at;
    DeadLetter {
        id: id.into(),
        key: Some(EventKey::new("/shop", event_id)),
        body: format!(r#"{{"specversion":"1.0","id":"{event_id}","source":"/shop","type":"{event_type}"}}"#),
        attributes: MessageAttributes::new(),
        trace_header: None,
        first_sent_at: at,
        archived_at: at,
        receive_count: 1,
        generation: 0,
        is_foreign: false,
        is_lost: false,
        glance: None,
        fingerprint: failure.fingerprint(Some(&event_type)),
        event_type: Some(event_type),
        failures: vec![failure],
        state: DeadLetterState::Archived,
        replays: Vec::new(),
    }
}

/// A dead letter that was archived in that second. Its event is `event-SECOND` from `/shop`.
pub fn letter(second: i64, event_type: &str, class: FailureClass, message: &str) -> DeadLetter {
    let event_type = EventType::new(event_type);
    let failure = failure(class, message, at(second));
    DeadLetter {
        body: format!(
            r#"{{"specversion":"1.0","id":"event-{second}","source":"/shop","type":"{event_type}"}}"#
        ),
        first_sent_at: at(second - 60),
        receive_count: 20,
        fingerprint: failure.fingerprint(Some(&event_type)),
        event_type: Some(event_type),
        ..dead_letter(MessageId::random(), &format!("event-{second}"), failure)
    }
}

/// The same letter after it came back from its `generation`th replay.
pub fn back(letter: &DeadLetter, generation: u32, second: i64) -> DeadLetter {
    let failure = Failure::new(FailureClass::StoreThrottled, "over capacity", &"v2".into(), at(second));
    DeadLetter {
        archived_at: at(second),
        generation,
        receive_count: 3,
        fingerprint: failure.fingerprint(letter.event_type.as_ref()),
        failures: vec![failure],
        ..letter.clone()
    }
}

/// Archives all of these letters.
pub async fn put(archive: &dyn DeadLetterSink, letters: &[DeadLetter]) {
    for answer in archive.put(letters).await {
        answer.unwrap();
    }
}

/// The ids of letters.
pub fn ids(letters: &[DeadLetter]) -> Vec<MessageId> {
    letters.iter().map(|letter| letter.id.clone()).collect()
}

/// The number of dead letters in a state.
pub async fn total(archive: &dyn DeadLetters, state: DeadLetterStatus) -> u64 {
    let filter = DeadLetterFilter { states: vec![state], ..DeadLetterFilter::default() };
    archive.list(&filter, None, 0).await.unwrap().total
}

/// An entry of the audit log: `ada` discarded something in that second.
pub fn audit_entry(second: i64, subject: &str, detail: &str) -> AuditEntry {
    AuditEntry {
        at: at(second),
        by: "ada".to_owned(),
        action: "discard".to_owned(),
        subject: subject.to_owned(),
        detail: detail.to_owned(),
    }
}

/// An order from `/shop` that is to be stored.
pub fn store_item(id: &str, message: &str, body: &str) -> StoreItem {
    StoreItem {
        key: EventKey::new("/shop", id),
        event_type: EventType::new("order.placed"),
        body: body.to_owned(),
        accepted_at: at(7),
        message_id: message.into(),
        replay_id: None,
    }
}
