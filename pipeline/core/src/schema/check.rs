//! Checks data against one schema. Time and memory grow with the data, and not exponentially with its depth.
//!
//! The validator collects an error for each alternative of an `anyOf` or `oneOf`, and again within each. A schema of
//! expression trees refers to itself from two alternatives. For data that nests n levels deep it then makes 2ⁿ
//! errors. A schema that refers to itself twice for the same value, such as from two parts of an `allOf`, makes it take 2ⁿ
//! steps to find an error beside valid data. The test for validity alone caches its results, so it comes first. If the data is
//! not valid, a copy of the schema gives the reason. Its alternatives only report whether they match, and what it refers to is
//! searched only if that test finds it not valid.

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
    /// The first violation, without the offending value.
    pub(super) fn run(&self, data: &Value) -> Result<(), Reason> {
        if self.validator.is_valid(data) {
            return Ok(());
        }
        let reason = match &self.explain {
            Explain::Itself => self.validator.validate(data).err().map(|error| reason(&error)),
            Explain::Copy(copy) => copy.validate(data).err().map(|error| reason(&error)),
            Explain::Not => None,
        };
        Err(reason.unwrap_or_else(|| Reason::grouped("the data: does not match its schema", "")))
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
fn wrapped_alternatives(error: &ValidationError<'_>) -> Option<&'static str> {
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
mod tests {
    use super::super::SchemaSet;
    use crate::event::Event;
    use crate::failure::Reason;
    use serde_json::{Value, json};

    fn check(schema: Value, data: &Value) -> Result<(), String> {
        reason(schema, data).map_err(|reason| reason.message)
    }

    fn reason(schema: Value, data: &Value) -> Result<(), Reason> {
        let set = SchemaSet::compile(&[("t".to_owned(), schema)].into()).expect("a schema");
        let event = json!({"specversion":"1.0","id":"1","source":"/s","type":"t","data":data});
        set.check(&Event::from_structured(event.to_string().as_bytes()).expect("an event"))
    }

    fn expressions(keyword: &str) -> Value {
        let operation = |name: &str| {
            json!({"type": "object", "required": ["op"], "properties": {
                "op": {"enum": [name]}, "arg": {"$ref": "#/$defs/expression"}}})
        };
        json!({"properties": {"filter": {"$ref": "#/$defs/expression"}}, "$defs": {"expression": {keyword: [
            operation("not"), operation("exists"),
            {"type": "object", "required": ["field"], "properties": {"field": {"type": "string"}}}]}}})
    }

    fn tree(depth: usize, leaf: Value) -> Value {
        (0..depth).fold(leaf, |arg, level| {
            let operation = if level % 2 == 0 { "not" } else { "exists" };
            json!({"op": operation, "arg": arg})
        })
    }

    #[test]
    fn an_expression_tree_is_checked_however_deep_it_is() {
        for keyword in ["anyOf", "oneOf"] {
            for depth in [1, 16, 40, 120] {
                let data = |leaf| json!({"filter": tree(depth, leaf)});
                assert_eq!(check(expressions(keyword), &data(json!({"field": "a"}))), Ok(()), "{depth}");
                let wrong = check(expressions(keyword), &data(json!("leaf"))).unwrap_err();
                assert!(wrong.starts_with("/filter: value is not valid under "), "{depth}: {wrong}");
                assert!(
                    wrong.ends_with(&format!("of the schemas listed in the '{keyword}' keyword")),
                    "{wrong}"
                );
            }
        }
    }

    #[test]
    fn two_recursive_parts_of_all_of_are_checked_too() {
        let part = || json!({"properties": {"arg": {"$ref": "#/$defs/e"}}});
        let schema = json!({"$ref": "#/$defs/e", "$defs": {"e": {
            "type": "object", "allOf": [part(), part()]}}});
        let wrong = check(schema, &tree(120, json!("leaf"))).unwrap_err();
        assert!(wrong.ends_with(": value is not of type \"object\""), "{wrong}");
    }

    #[test]
    fn a_violation_beside_a_deep_tree_that_is_valid_is_found() {
        let part = || json!({"properties": {"arg": {"$ref": "#/$defs/e"}}});
        let parts = json!({"type": "object", "allOf": [part(), part()]});
        let both = json!({"type": "object", "properties": {"arg": {"$ref": "#/$defs/e"}},
            "patternProperties": {"^a": {"$ref": "#/$defs/e"}}});
        let then = json!({"type": "object", "properties": {"arg": {"$ref": "#/$defs/e"}},
            "if": {"required": ["op"]}, "then": part()});
        for draft in
            ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"]
        {
            for e in [&parts, &both, &then] {
                let schema = json!({"$schema": draft, "$defs": {"e": e},
                    "properties": {"a": {"$ref": "#/$defs/e"}, "b": {"type": "string"}}});
                let (right, wrong) = (tree(120, json!({})), tree(120, json!(1)));
                assert_eq!(check(schema.clone(), &json!({"a": right, "b": "x"})), Ok(()), "{e}");
                let beside = check(schema.clone(), &json!({"a": right, "b": 1})).unwrap_err();
                assert_eq!(beside, "/b: value is not of type \"string\"", "{e}");
                let (group, within) = group(&schema, &json!({"a": wrong, "b": "x"}));
                assert!(within.ends_with(": value is not of type \"object\""), "{e}: {within}");
                assert_eq!(group, "t.json#/$defs/e/type", "{e}");
            }
        }
    }

    #[test]
    fn each_way_to_refer_to_itself_twice_is_checked_however_deep_the_data_is() {
        let arg = |name: &str, target: &str| json!({"properties": {"arg": {name: target}}});
        let static_part = || arg("$ref", "#/$defs/e");
        let dynamic = || arg("$dynamicRef", "#e");
        for e in [
            json!({"type": "object", "$dynamicAnchor": "e", "allOf": [dynamic(), dynamic()]}),
            json!({"type": "object", "allOf": [static_part(), static_part()], "unevaluatedProperties": {"type": "string"}}),
            json!({"type": "object", "anyOf": [static_part(), static_part()], "unevaluatedProperties": {"type": "string"}}),
            json!({"type": "object", "allOf": [{"not": {"not": static_part()}}, {"not": {"not": static_part()}}]}),
            json!({"type": "object", "dependentSchemas": {"op": static_part(), "arg": static_part()}}),
            json!({"type": "object", "properties": {"arg": {"$ref": "#/$defs/e"}},
                "additionalProperties": {"$ref": "#/$defs/e"}, "if": static_part(), "else": false}),
        ] {
            let schema =
                json!({"$defs": {"e": e}, "properties": {"a": {"$ref": "#/$defs/e"}}, "required": ["b"]});
            let right = json!({"a": tree(120, json!({"op": "leaf"})), "b": 1});
            let additional = e["additionalProperties"].is_object();
            if !additional {
                assert_eq!(check(schema.clone(), &right), Ok(()), "{e}");
            }
            for wrong in [json!({"a": tree(120, json!(1)), "b": 1}), json!({"a": tree(120, json!({}))})] {
                let wrong = check(schema.clone(), &wrong).unwrap_err();
                assert!(!wrong.is_empty(), "{e}");
            }
        }
    }

    #[test]
    fn the_search_for_a_reason_takes_no_more_memory_than_the_data() {
        // One error, and not one for each of the items in each alternative.
        let items = |kind: &str| json!({"items": {"type": kind}});
        let schema = json!({"anyOf": [items("string"), items("object")]});
        let wrong = check(schema, &json!(vec![1; 100_000])).unwrap_err();
        assert!(wrong.ends_with("listed in the 'anyOf' keyword"), "{wrong}");
    }

    #[test]
    fn what_a_reference_replaces_in_draft_7_gives_no_reason() {
        let schema = json!({"$schema": "http://json-schema.org/draft-07/schema#",
            "definitions": {"text": {"type": "string"}},
            "properties": {"a": {"$ref": "#/definitions/text", "maxLength": 1}, "b": {"type": "number"}}});
        assert_eq!(check(schema.clone(), &json!({"a": "long"})), Ok(()));
        let wrong = check(schema, &json!({"a": "long", "b": "x"})).unwrap_err();
        assert_eq!(wrong, "/b: value is not of type \"number\"");
    }

    #[test]
    fn a_violation_beside_alternatives_is_still_reported() {
        let schema = json!({
            "$defs": {"amount": {"anyOf": [{"type": "number"}, {"type": "null"}]}},
            "properties": {"amount": {"$ref": "#/$defs/amount"}, "id": {"type": "string"}},
            "required": ["id"],
        });
        assert_eq!(check(schema.clone(), &json!({"id": "a", "amount": 1})), Ok(()));
        let wrong = check(schema.clone(), &json!({"id": 7})).unwrap_err();
        assert_eq!(wrong, "/id: value is not of type \"string\"");
        let wrong = check(schema, &json!({"id": "a", "amount": "1"})).unwrap_err();
        assert_eq!(
            wrong,
            "/amount: value is not valid under any of the schemas listed in the 'anyOf' keyword"
        );
    }

    #[test]
    fn values_that_look_like_schemas_are_left_alone() {
        let schema = json!({"const": {"anyOf": [1], "$ref": "#"}, "properties": {"$ref": {}, "anyOf": true}});
        assert_eq!(super::without_contexts(&schema), schema);
        let schema = json!({"const": {"anyOf": [1]}, "$defs": {"x": {"$ref": "#"}}});
        assert_eq!(check(schema, &json!({"anyOf": [1]})), Ok(()));
    }

    fn group(schema: &Value, data: &Value) -> (String, String) {
        let reason = reason(schema.clone(), data).unwrap_err();
        (reason.group_key.unwrap(), reason.message)
    }

    #[test]
    fn names_of_the_payload_make_no_groups_and_no_long_text() {
        let closed = json!({"additionalProperties": false, "properties": {"a": {}}});
        let (first, message) = group(&closed, &json!({"a": 1, "x": 1, "y": 1}));
        assert_eq!(first, "t.json#/additionalProperties");
        // One of them is enough. A list of all errors could be as long as the data.
        assert_eq!(message, "the data: Additional properties are not allowed ('x' was unexpected)");
        let many: Value =
            (0..5000).map(|n| (format!("name {n}"), json!(1))).collect::<serde_json::Map<_, _>>().into();
        let long = json!({"n".repeat(200_000): 1});
        for (schema, data) in [
            (&closed, &many),
            (&closed, &long),
            (&json!({"propertyNames": {"maxLength": 3}}), &long),
            (&json!({"propertyNames": false}), &long),
            (&json!({"additionalProperties": {"type": "string"}}), &long),
            (&json!({"patternProperties": {"^n": {"type": "string"}}}), &long),
            (&json!({"unevaluatedProperties": false}), &long),
        ] {
            let (group, message) = group(schema, data);
            assert!(message.len() < 600, "{schema}: {message}");
            assert_eq!(group, self::group(schema, &json!({"name 2": 1})).0, "{schema}");
            assert!(!group.contains("name") && !group.contains("nn"), "{schema}: {group}");
        }
        let (group, message) = group(&json!({"propertyNames": {"maxLength": 3}}), &json!({"long name": 1}));
        assert!(group.ends_with("/maxLength"), "{group}");
        assert_eq!(message, "the data: the name 'long name' is longer than 3 characters");
    }

    #[test]
    fn each_place_in_a_schema_is_a_group_of_its_own_at_any_depth() {
        let required = json!({"required": ["a", "b"]});
        assert_ne!(group(&required, &json!({"a": 1})).0, group(&required, &json!({"b": 1})).0);
        let part = || json!({"properties": {"arg": {"$ref": "#/$defs/e"}}});
        let tree_schema =
            json!({"$ref": "#/$defs/e", "$defs": {"e": {"type": "object", "allOf": [part(), part()]}}});
        let (at_2, at_40) =
            (group(&tree_schema, &tree(2, json!(1))), group(&tree_schema, &tree(40, json!(1))));
        assert_eq!((at_2.0.as_str(), at_2.0 == at_40.0), ("t.json#/$defs/e/type", true));
        let (group, _) = group(&expressions("oneOf"), &json!({"filter": 1}));
        assert_eq!(group, "t.json#/$defs/expression/oneOf");
    }

    #[test]
    fn format_is_checked_in_every_draft() {
        for draft in
            ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"]
        {
            let schema = json!({"$schema": draft, "properties": {"at": {"format": "date-time"}}});
            assert_eq!(check(schema.clone(), &json!({"at": "2026-03-10T12:00:00Z"})), Ok(()), "{draft}");
            let wrong = check(schema, &json!({"at": "yesterday"})).unwrap_err();
            assert_eq!(wrong, "/at: value is not a \"date-time\"", "{draft}");
        }
    }
}
