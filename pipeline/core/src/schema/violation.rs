//! Where data breaks a schema, and what the schema expects there.

use super::BASE;
use super::check::wrapped_alternatives;
use crate::event::EventProblem;
use crate::event::raw;
use crate::failure::{Reason, printable, shortened};
use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Bytes of what a schema expects, in words for people.
const MAX_EXPECTED: usize = 300;
/// Names of members in one violation.
const MAX_NAMES: usize = 5;
/// Bytes of a name of the payload that may be as long as the payload.
const MAX_NAME: usize = 60;

/// The first place at which an event breaks the schema of its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The same in words, without the offending value.
    pub reason: Reason,
    /// The place: the parts of a JSON Pointer into the data.
    pub path: Vec<String>,
    /// Whether the path is one into the body instead, because the body has no data that can be read.
    pub is_in_body: bool,
    /// A member that is required and not there.
    pub missing: Option<String>,
    /// The first members that may not be there.
    pub unexpected: Vec<String>,
    /// What the schema expects. `None` if no single keyword of a schema is the cause.
    pub expected: Option<Expected>,
}

/// What a schema expects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expected {
    /// The file of the schema that says so: the event type's own, or one that it refers to.
    pub file: String,
    /// JSON Pointer to the keyword in that file, of at most 512 bytes.
    pub pointer: String,
    /// The keyword, such as `type`.
    pub keyword: String,
    /// Its value as JSON on one line, of at most 300 bytes: `"number"`. `None` if the file says it in another way.
    pub value: Option<String>,
}

impl Expected {
    /// On one line, as the schema has it: `"type": "number"`.
    pub fn text(&self) -> String {
        match &self.value {
            Some(value) => format!("\"{}\": {value}", self.keyword),
            None => format!("\"{}\"", self.keyword),
        }
    }
}

impl Violation {
    /// One that no single place is the cause of.
    pub(super) fn without_place(reason: Reason) -> Self {
        Self {
            reason,
            path: Vec::new(),
            is_in_body: false,
            missing: None,
            unexpected: Vec::new(),
            expected: None,
        }
    }

    /// Data that can't be read.
    pub(super) fn unreadable(problem: &EventProblem) -> Self {
        Self { path: raw::parts(&problem.pointer), is_in_body: true, ..Self::without_place(problem.reason()) }
    }

    /// What a validator has found.
    pub(super) fn of(error: &ValidationError<'_>, reason: Reason) -> Self {
        let (mut missing, mut unexpected) = (None, Vec::new());
        match error.kind() {
            ValidationErrorKind::Required { property } => missing = property.as_str().map(cut_name),
            ValidationErrorKind::AdditionalProperties { unexpected: names }
            | ValidationErrorKind::UnevaluatedProperties { unexpected: names } => {
                unexpected = names.iter().take(MAX_NAMES).cloned().collect();
            }
            ValidationErrorKind::PropertyNames { error } => {
                unexpected = error.instance().as_str().map(str::to_owned).into_iter().collect();
            }
            _ => {}
        }
        Self {
            path: raw::parts(error.instance_path().as_str()),
            missing,
            unexpected,
            expected: Some(Expected::at(error)),
            ..Self::without_place(reason)
        }
    }

    /// Adds the keyword's value, and the file if it is the type's own.
    pub(super) fn resolved(mut self, event_type: &str, schemas: &BTreeMap<String, Value>) -> Self {
        if let Some(expected) = &mut self.expected {
            if expected.file.is_empty() {
                expected.file = format!("{event_type}.json");
            }
            let schema = expected.file.strip_suffix(".json").and_then(|name| schemas.get(name));
            let value = schema.and_then(|schema| schema.pointer(&expected.pointer));
            if expected.value.is_none() {
                expected.value = value.map(|value| printable(&shortened(&value.to_string(), MAX_EXPECTED)));
            }
            // The end of a location is its most precise part.
            let too_long = expected.pointer.len().saturating_sub(super::MAX_LOCATION);
            expected.pointer.drain(..expected.pointer.ceil_char_boundary(too_long));
        }
        self
    }
}

impl Expected {
    fn at(error: &ValidationError<'_>) -> Self {
        let location = error.absolute_keyword_location().map(|uri| uri.as_str());
        let (file, pointer) = match location.and_then(|uri| uri.split_once('#')) {
            Some((file, pointer)) => (file.strip_prefix(BASE).unwrap_or(file), pointer),
            None => ("", error.schema_path().as_str()),
        };
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let (file, mut pointer) = (decoded(file), decoded(pointer));
        let mut keyword = error.kind().keyword().to_owned();
        if let Some(alternatives) = wrapped_alternatives(error) {
            keyword = alternatives.to_owned();
            pointer =
                format!("{}/{keyword}", pointer.rsplit_once("/allOf/").map_or("", |(schema, _)| schema));
        }
        let value = match error.kind() {
            // The keyword lists several names; this is the one that matters.
            ValidationErrorKind::Required { property } => {
                Some(printable(&shortened(&property.to_string(), MAX_EXPECTED)))
            }
            _ => None,
        };
        Self { file, pointer, keyword, value }
    }
}

fn cut_name(name: &str) -> String {
    shortened(name, MAX_NAME)
}
