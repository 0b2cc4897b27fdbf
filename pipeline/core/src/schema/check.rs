//! Checks data against one schema. Time and memory grow with the data, and not exponentially with its depth.
//!
//! The validator collects an error for each alternative of an `anyOf` or `oneOf`, and again within each. A schema of
//! expression trees refers to itself from two alternatives. For data that nests n levels deep it then makes 2ⁿ
//! errors. A schema that refers to itself twice for the same value, such as from two parts of an `allOf`, makes it take 2ⁿ
//! steps to find an error beside valid data. The test for validity alone caches its results, so it comes first. If the data is
//! not valid, a copy of the schema gives the reason. Its alternatives only report whether they match, and what it refers to is
//! searched only if that test finds it not valid.

use super::violation::Violation;
use super::{BASE, REFERENCES};
use crate::failure::{Reason, shortened};
use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, ValidationError, Validator};
use serde_json::{Map, Value, json};

/// Keywords that hold alternatives.
const ALTERNATIVES: [&str; 2] = ["anyOf", "oneOf"];
/// Keywords whose value is data and no schema.
const DATA: [&str; 4] = ["const", "default", "enum", "examples"];
/// What a schema with a `$ref` has beside it that still counts before draft 2019-09.
const BESIDE_REFERENCE: [&str; 4] = ["$id", "$schema", "$defs", "definitions"];
/// Keywords that compare any number exactly.
const EXACT: [&str; 2] = ["multipleOf", "uniqueItems"];
/// The least size of a negative integer without a 64-bit type: 2⁶³. That of a positive one is larger.
const BEYOND_64_BITS: f64 = 9_223_372_036_854_775_808.0;
/// Bytes of the pointer in a sentence, and of a name of the payload. Both can be as long as the payload.
const MAX_POINTER: usize = 400;
const MAX_NAME: usize = 60;
/// Names of the payload in a sentence.
const MAX_NAMES: usize = 5;

/// A schema, ready to check data.
#[derive(Debug)]
pub(super) struct Check {
    validator: Validator,
    explain: Explain,
    /// Whether it may compare integers beyond 64 bits, which are only known as floats.
    pub is_exact: bool,
}

/// How to find the reason why data is not valid.
#[derive(Debug)]
enum Explain {
    /// From the validator itself: the schema has no alternatives and refers to nothing, so the search is as short as the data.
    Itself,
    /// From the validator of [`without_contexts`].
    Copy(Box<Validator>),
    /// Not at all: the copy could not be made.
    Not,
}

impl Check {
    /// `copy` makes the validator of [`without_contexts`]; it is called only if it is needed.
    pub(super) fn new(
        validator: Validator,
        schema: &Value,
        copy: impl FnOnce() -> Option<Validator>,
    ) -> Self {
        let is_plain = !mentions(schema, &|name| refers(name) || ALTERNATIVES.contains(&name));
        let explain = if is_plain {
            Explain::Itself
        } else if mentions(schema, &|name| name.starts_with("unevaluated")) {
            // What alternatives have evaluated is not known without their contexts.
            Explain::Not
        } else {
            copy().map_or(Explain::Not, |validator| Explain::Copy(Box::new(validator)))
        };
        Self { validator, explain, is_exact: false }
    }

    /// The same, which may compare integers beyond 64 bits.
    pub(super) fn exact(self, is_exact: bool) -> Self {
        Self { is_exact, ..self }
    }

    /// Checks data.
    ///
    /// # Errors
    /// The first violation.
    pub(super) fn run(&self, data: &Value) -> Result<(), Box<Violation>> {
        if self.validator.is_valid(data) {
            return Ok(());
        }
        let violation = |error: ValidationError<'_>| Violation::of(&error, reason(&error));
        let violation = match &self.explain {
            Explain::Itself => self.validator.validate(data).err().map(violation),
            Explain::Copy(copy) => copy.validate(data).err().map(violation),
            Explain::Not => None,
        };
        let unknown = || Violation::without_place(Reason::grouped("the data: does not match its schema", ""));
        Err(Box::new(violation.unwrap_or_else(unknown)))
    }
}

fn reason(error: &ValidationError<'_>) -> Reason {
    Reason::grouped(sentence(error), location(error))
}

/// The place in the schema: the keyword that the data breaks, in which file. It has no names of the payload.
fn location(error: &ValidationError<'_>) -> String {
    let place = match error.absolute_keyword_location() {
        Some(uri) => uri.as_str().strip_prefix(BASE).unwrap_or(uri.as_str()).to_owned(),
        None => format!("#{}", error.schema_path().as_str()),
    };
    if let Some(keyword) = wrapped_alternatives(error) {
        let schema = place.rsplit_once("/allOf/").map_or(place.as_str(), |(schema, _)| schema);
        return format!("{schema}/{keyword}");
    }
    match error.kind() {
        // The keyword lists several names, all from the schema.
        ValidationErrorKind::Required { property } => {
            format!("{place}/{}", property.as_str().unwrap_or_default())
        }
        ValidationErrorKind::PropertyNames { error } => format!("{place}/{}", error.kind().keyword()),
        _ => place,
    }
}

fn sentence(error: &ValidationError<'_>) -> String {
    let pointer = error.instance_path().to_string();
    let place = if pointer.is_empty() { "the data".to_owned() } else { shortened(&pointer, MAX_POINTER) };
    match wrapped_alternatives(error) {
        Some("oneOf") => {
            format!(
                "{place}: value is not valid under exactly one of the schemas listed in the 'oneOf' keyword"
            )
        }
        Some(keyword) => {
            format!("{place}: value is not valid under any of the schemas listed in the '{keyword}' keyword")
        }
        None => match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                format!("{place}: Additional properties are not allowed ({})", names(unexpected))
            }
            ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                format!("{place}: Unevaluated properties are not allowed ({})", names(unexpected))
            }
            ValidationErrorKind::PropertyNames { error } => {
                let name = error.instance().as_str().unwrap_or_default();
                format!("{place}: {}", error.masked_with(format!("the name {}", quoted(name))))
            }
            ValidationErrorKind::FalseSchema => format!("{place}: the schema allows no value here"),
            _ => format!("{place}: {}", error.masked()),
        },
    }
}

/// `'a', 'b' and 3 more were unexpected`.
fn names(unexpected: &[String]) -> String {
    let some: Vec<_> = unexpected.iter().take(MAX_NAMES).map(|name| quoted(name)).collect();
    let more = match unexpected.len().saturating_sub(MAX_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let were = if unexpected.len() == 1 { "was" } else { "were" };
    format!("{}{more} {were} unexpected", some.join(", "))
}

fn quoted(name: &str) -> String {
    format!("'{}'", shortened(name, MAX_NAME))
}

/// The keyword that [`without_contexts`] wrapped, if it is the one that failed.
pub(super) fn wrapped_alternatives(error: &ValidationError<'_>) -> Option<&'static str> {
    let ValidationErrorKind::Not { schema } = error.kind() else { return None };
    let wrapped = schema.as_object().filter(|not| not.len() == 1)?.get("not")?.as_object()?;
    ALTERNATIVES.into_iter().find(|keyword| wrapped.len() == 1 && wrapped.contains_key(*keyword))
}

/// The same schema, which accepts the same data. Each `anyOf` and `oneOf` is inside a double `not`, and so reports only whether
/// the data matches. Each reference is inside an `if`, and so is searched for errors only if it has some.
pub(super) fn without_contexts(schema: &Value) -> Value {
    let is_old = matches!(Draft::Draft202012.detect(schema), Draft::Draft4 | Draft::Draft6 | Draft::Draft7);
    wrapped(schema, is_old)
}

fn wrapped(schema: &Value, is_old: bool) -> Value {
    match schema {
        Value::Array(items) => items.iter().map(|item| wrapped(item, is_old)).collect(),
        Value::Object(members) => {
            let is_reference = |name: &str, value: &Value| REFERENCES.contains(&name) && value.is_string();
            let ignores_others = is_old && members.iter().any(|(name, value)| is_reference(name, value));
            let mut copy = Map::new();
            let mut parts = Vec::new();
            for (name, value) in members {
                let name = name.as_str();
                if is_reference(name, value) {
                    parts.push(json!({"if": {"not": {name: value}}, "then": {name: value}}));
                } else if ignores_others && !BESIDE_REFERENCE.contains(&name) {
                    // Before draft 2019-09 a reference replaces what is beside it.
                } else if DATA.contains(&name) {
                    copy.insert(name.to_owned(), value.clone());
                } else if ALTERNATIVES.contains(&name) && value.is_array() {
                    parts.push(json!({"not": {"not": {name: wrapped(value, is_old)}}}));
                } else {
                    copy.insert(name.to_owned(), wrapped(value, is_old));
                }
            }
            if !parts.is_empty() {
                // Anything but an array is no schema, which its own validator has refused.
                if let Value::Array(all) = copy.entry("allOf").or_insert_with(|| json!([])) {
                    all.extend(parts);
                }
            }
            Value::Object(copy)
        }
        other => other.clone(),
    }
}

/// Whether a schema refers to others, or to itself.
pub(super) fn has_references(schema: &Value) -> bool {
    mentions(schema, &refers)
}

fn refers(keyword: &str) -> bool {
    REFERENCES.contains(&keyword)
}

/// Whether a schema may compare an integer beyond 64 bits with something that it equals as a 64-bit float. With others, such
/// as `maximum` of a smaller number, the float gives the right answer.
///
/// The library's feature `arbitrary-precision` would compare it. But then `serde_json` reads numbers in another way, in every
/// crate: an object whose only member has a certain name is read as a number, so wrong data would pass. Enums and flattened
/// structs with numbers are no longer read at all.
pub(super) fn compares_large_integers(schema: &Value) -> bool {
    match schema {
        Value::Number(number) => {
            number.is_f64() && number.as_f64().is_some_and(|number| number.abs() >= BEYOND_64_BITS)
        }
        Value::Array(items) => items.iter().any(compares_large_integers),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| EXACT.contains(&name.as_str()) || compares_large_integers(value)),
        _ => false,
    }
}

fn mentions(schema: &Value, keyword: &dyn Fn(&str) -> bool) -> bool {
    match schema {
        Value::Array(items) => items.iter().any(|item| mentions(item, keyword)),
        Value::Object(members) => {
            members.iter().any(|(name, value)| keyword(name) || mentions(value, keyword))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
