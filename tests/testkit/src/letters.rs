//! Dead letters for tests, and helpers to archive and count them.

use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetter, DeadLetterFilter, DeadLetterState, DeadLetterStatus};
use spillway_core::failure::{Failure, FailureClass};
use spillway_core::ids::{EventKey, EventType, MessageId};
use spillway_core::message::MessageAttributes;
use spillway_core::ports::{DeadLetterSink, DeadLetters};

/// Seconds after the first of March 2026.
pub fn at(second: i64) -> Timestamp {
    let start: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    Timestamp::from_second(start.as_second() + second).unwrap()
}

/// A dead letter that was archived in that second. Its event is `event-SECOND` from `/shop`.
pub fn letter(second: i64, event_type: &str, class: FailureClass, message: &str) -> DeadLetter {
    let event_type = EventType::new(event_type);
    let failure = Failure::new(class, message, &"v1".into(), at(second));
    DeadLetter {
        id: MessageId::random(),
        key: Some(EventKey::new("/shop", format!("event-{second}"))),
        event_type: Some(event_type.clone()),
        body: format!(
            r#"{{"specversion":"1.0","id":"event-{second}","source":"/shop","type":"{event_type}"}}"#
        ),
        attributes: MessageAttributes::new(),
        trace_header: None,
        first_sent_at: at(second - 60),
        archived_at: at(second),
        receive_count: 20,
        generation: 0,
        fingerprint: failure.fingerprint(Some(&event_type)),
        failures: vec![failure],
        state: DeadLetterState::Archived,
        replays: Vec::new(),
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
