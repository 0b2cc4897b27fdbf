//! Test data.

pub(crate) mod script;

use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetter, DeadLetterState};
use spillway_core::failure::{Failure, FailureClass};
use spillway_core::ids::EventKey;
use spillway_core::message::MessageAttributes;

/// A dead letter that broke its schema.
pub(crate) fn letter(id: &str, event_id: &str) -> DeadLetter {
    let at: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    let failure = Failure::new(FailureClass::Schema, "/amount: expected number", &"v1".into(), at);
    DeadLetter {
        id: id.into(),
        key: Some(EventKey::new("/shop", event_id)),
        event_type: Some("order.placed".into()),
        body: "{\"amount\":\"three\"}".to_owned(),
        attributes: MessageAttributes::from([("tenant".to_owned(), "a".to_owned())]),
        trace_header: Some("Root=1-5759e988-bd862e3fe1be46a994272793".to_owned()),
        first_sent_at: at,
        archived_at: at,
        receive_count: 1,
        generation: 0,
        fingerprint: failure.fingerprint(Some(&"order.placed".into())),
        failures: vec![failure],
        state: DeadLetterState::Archived,
        replays: Vec::new(),
    }
}
