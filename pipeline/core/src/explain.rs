//! Why an event became a dead letter, for the person who decides what to do: the failing place in its body, what the schema
//! expects there, how the last good event differs, and which fix fits.

mod advice;
mod compare;
mod place;

pub use advice::{Advice, Evidence, Fix};
pub use compare::{Compared, Row};
pub use place::FailingPlace;

use crate::Timestamp;
use crate::dead_letter::DeadLetter;
use crate::event::Event;
use crate::failure::{FailureClass, printable, shortened};
use crate::ports::StoredEvent;
use crate::schema::{Expected, SchemaSet, SchemaSource};
use serde::Serialize;

/// Why one dead letter failed, as far as it can be known now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Where its body breaks a rule. `None` if the failure is not about the body, or no single place is the cause.
    pub place: Option<FailingPlace>,
    /// What the schema expects there. `None` if it does not fail at the schema now.
    pub expected: Option<Expected>,
    /// The schema that is active for its type.
    pub schema: Option<SchemaSource>,
    /// Whether the consumer's checks would refuse it now.
    pub fails_now: bool,
    /// The last good event of its type beside it, if the failure is about the body and such an event is known.
    pub compared: Option<Compared>,
    /// What to do.
    pub advice: Advice,
}

impl Explanation {
    /// Whether a good event of its type helps to explain a dead letter: the failure is about its body.
    pub fn compares(letter: &DeadLetter) -> bool {
        let class = letter.last_failure().map(|failure| failure.class);
        !letter.is_lost && matches!(class, Some(FailureClass::Schema | FailureClass::Malformed))
    }

    /// Explains a dead letter. `good` is the last stored event of its type, and `since` the time of the first failure of its
    /// group.
    pub fn of(
        letter: &DeadLetter,
        schemas: &SchemaSet,
        good: Option<&StoredEvent>,
        since: Timestamp,
    ) -> Self {
        let failure = letter.last_failure();
        let class = failure.map(|failure| failure.class);
        let event = Event::from_structured(letter.body.as_bytes());
        let violation = event.as_ref().ok().and_then(|event| schemas.violation(event));
        let fails_now = letter.is_lost || violation.is_some() || event.is_err();
        let place = match (&violation, failure) {
            _ if letter.is_lost => None,
            (Some(violation), _) => FailingPlace::of_violation(&letter.body, violation),
            (None, Some(failure)) => FailingPlace::of_failure(&letter.body, failure),
            (None, None) => None,
        };
        let expected = violation.as_ref().and_then(|violation| violation.expected.clone());
        let schema = source(letter, schemas, expected.as_ref());
        let good = good
            .filter(|good| Self::compares(letter) && letter.event_type.as_ref() == Some(&good.event_type));
        let compared = good.map(|good| Compared::of(&letter.body, place.as_ref(), good));
        let case = advice::Case {
            letter,
            class,
            schemas,
            violation: violation.as_ref().filter(|_| !letter.is_lost),
            is_malformed: event.is_err(),
            schema: schema.as_ref(),
            good,
            since,
        };
        let advice = Advice::of(&case);
        Self { place, expected, schema, fails_now, compared, advice }
    }
}

/// Bytes of a text on one line.
const MAX_LINE: usize = 200;

/// A text that a sender chose, on one line, of at most 200 bytes, with characters escaped that could change the display of
/// others.
pub fn excerpt(text: &str) -> String {
    printable(&shortened(text, MAX_LINE))
}

/// The schema that says what is expected, or else that of the event's type.
fn source(letter: &DeadLetter, schemas: &SchemaSet, expected: Option<&Expected>) -> Option<SchemaSource> {
    let named = expected.and_then(|expected| expected.file.strip_suffix(".json"));
    let own = letter.event_type.as_ref().map(|event_type| event_type.as_str());
    let found = |name: &str| schemas.sources().get(name).cloned();
    named.and_then(found).or_else(|| own.and_then(found))
}

#[cfg(test)]
mod tests;
