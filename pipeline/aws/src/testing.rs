//! Test data.

pub(crate) mod script;

use spillway_core::dead_letter::DeadLetter;
use spillway_core::failure::FailureClass;
use spillway_core::message::MessageAttributes;
use spillway_testkit::letters::{dead_letter, failure};

/// A dead letter that broke its schema.
pub(crate) fn letter(id: &str, event_id: &str) -> DeadLetter {
    let at = "2026-03-01T12:00:00Z".parse().unwrap();
    DeadLetter {
        body: "{\"amount\":\"three\"}".to_owned(),
        attributes: MessageAttributes::from([("tenant".to_owned(), "a".into())]),
        trace_header: Some("Root=1-5759e988-bd862e3fe1be46a994272793".to_owned()),
        ..dead_letter(id, event_id, failure(FailureClass::Schema, "/amount: expected number", at))
    }
}
