//! Texts that several pages use.

use spillway_core::{dead_letter::DeadLetter, failure::FailureClass};

/// Bytes of a failure's message in a list. The page of a single dead letter has all of it.
pub(crate) const MAX_FAILURE: usize = 300;

/// A short label for a class of failures.
pub(crate) fn class_label(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Malformed => "No CloudEvent",
        FailureClass::Schema => "Breaks its schema",
        FailureClass::TooLarge => "Too large",
        FailureClass::StoreThrottled => "Store throttled",
        FailureClass::StoreUnavailable => "Store unavailable",
        FailureClass::StoreTimeout => "Store timed out",
        FailureClass::ConsumerCrash => "Consumer crashed",
        FailureClass::Unprocessed => "Never received",
    }
}

/// A dead letter in a list: the event's type, and the event's id or, if that cannot be read, its own id.
pub(crate) fn event_names(letter: &DeadLetter) -> (String, String) {
    let name = letter.event_type.as_ref().map_or_else(|| "unknown type".to_owned(), ToString::to_string);
    let event = letter.key.as_ref().map_or_else(|| letter.id.to_string(), |key| key.id.to_string());
    (name, event)
}
