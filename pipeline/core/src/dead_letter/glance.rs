//! What of a dead letter fits into a line of a list.

use super::DeadLetter;
use crate::event::raw;
use crate::explain::FailingPlace;
use crate::failure::{printable, shortened};
use serde::{Deserialize, Serialize};

/// Bytes of each text: a list has many, and in AWS the index keeps them with each letter.
const MAX_SUBJECT: usize = 80;
const MAX_DATA_SCHEMA: usize = 160;
const MAX_VALUE: usize = 80;
const MAX_PLACE: usize = 120;

/// What distinguishes a dead letter from others with the same failure. Each text is on one line and bounded, with characters
/// escaped that could change the display of others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glance {
    /// The event's `subject`, of at most 80 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The event's `dataschema`: the version of the schema by which the sender made it. At most 160 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_schema: Option<String>,
    /// JSON Pointer into the body to the failing place, of at most 120 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The beginning of the value there, of at most 80 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Glance {
    /// Takes it from a dead letter's body.
    pub fn of(letter: &DeadLetter) -> Self {
        let whole = raw::document(&letter.body);
        let text = |name: &str, most: usize| {
            let text: String = serde_json::from_str(raw::child(whole?, name)?.get()).ok()?;
            Some(printable(&shortened(&text, most)))
        };
        let place = letter.last_failure().and_then(|failure| FailingPlace::of_failure(&letter.body, failure));
        let (place, value) = place.map(|place| (place.pointer, place.value)).unzip();
        Self {
            subject: text("subject", MAX_SUBJECT),
            data_schema: text("dataschema", MAX_DATA_SCHEMA),
            place: place.map(|place| shortened(&place, MAX_PLACE)),
            value: value.map(|value| shortened(&value, MAX_VALUE)),
        }
    }
}
