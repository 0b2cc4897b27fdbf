//! Checks data against one schema. Time and memory grow with the data, and not exponentially with its depth.
//!
//! The validator collects an error for each alternative of an `anyOf` or `oneOf`, and again within each. A schema of
//! expression trees refers to itself from two alternatives. For data that nests n levels deep it then makes 2ⁿ
//! errors. The test for validity alone caches its results, so it comes first. If the data is not valid, a copy of the
//! schema gives the reason. Its alternatives only report whether they match.

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value, json};

/// Keywords that hold alternatives.
const ALTERNATIVES: [&str; 2] = ["anyOf", "oneOf"];
/// Keywords whose value is data and no schema.
const DATA: [&str; 4] = ["const", "default", "enum", "examples"];

/// A schema, ready to check data.
#[derive(Debug)]
pub(super) struct Check {
    validator: Validator,
    explain: Explain,
}

/// How to find the reason why data is not valid.
#[derive(Debug)]
enum Explain {
    /// From the validator itself: the schema refers to nothing, so it has no more errors than keywords.
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
        let explain = if !mentions(schema, &|name| name.ends_with("Ref") || name == "$ref") {
            Explain::Itself
        } else if mentions(schema, &|name| name.starts_with("unevaluated")) {
            // What alternatives have evaluated is not known without their contexts.
            Explain::Not
        } else {
            copy().map_or(Explain::Not, |validator| Explain::Copy(Box::new(validator)))
        };
        Self { validator, explain }
    }

    /// Checks data.
    ///
    /// # Errors
    /// The first violation, without the offending value.
    pub(super) fn run(&self, data: &Value) -> Result<(), String> {
        if self.validator.is_valid(data) {
            return Ok(());
        }
        let reason = match &self.explain {
            Explain::Itself => self.validator.iter_errors(data).next().map(|error| sentence(&error)),
            Explain::Copy(copy) => copy.validate(data).err().map(|error| sentence(&error)),
            Explain::Not => None,
        };
        Err(reason.unwrap_or_else(|| "the data: does not match its schema".to_owned()))
    }
}

fn sentence(error: &ValidationError<'_>) -> String {
    let pointer = error.instance_path().to_string();
    let place = if pointer.is_empty() { "the data" } else { &pointer };
    match wrapped_alternatives(error) {
        Some("oneOf") => {
            format!(
                "{place}: value is not valid under exactly one of the schemas listed in the 'oneOf' keyword"
            )
        }
        Some(keyword) => {
            format!("{place}: value is not valid under any of the schemas listed in the '{keyword}' keyword")
        }
        None => format!("{place}: {}", error.masked()),
    }
}

/// The keyword that [`without_contexts`] wrapped, if it is the one that failed.
fn wrapped_alternatives(error: &ValidationError<'_>) -> Option<&'static str> {
    let ValidationErrorKind::Not { schema } = error.kind() else { return None };
    let wrapped = schema.as_object().filter(|not| not.len() == 1)?.get("not")?.as_object()?;
    ALTERNATIVES.into_iter().find(|keyword| wrapped.len() == 1 && wrapped.contains_key(*keyword))
}

/// The same schema, with each `anyOf` and `oneOf` inside a double `not`: it accepts the same data, and reports only
/// whether the data matches.
pub(super) fn without_contexts(schema: &Value) -> Value {
    match schema {
        Value::Array(items) => items.iter().map(without_contexts).collect(),
        Value::Object(members) => {
            let mut copy = Map::new();
            let mut wrapped = Vec::new();
            for (name, value) in members {
                if DATA.contains(&name.as_str()) {
                    copy.insert(name.clone(), value.clone());
                } else if ALTERNATIVES.contains(&name.as_str()) && value.is_array() {
                    wrapped.push(json!({"not": {"not": {name.as_str(): without_contexts(value)}}}));
                } else {
                    copy.insert(name.clone(), without_contexts(value));
                }
            }
            if !wrapped.is_empty() {
                // Anything but an array is no schema, which its own validator has refused.
                if let Value::Array(all) = copy.entry("allOf").or_insert_with(|| json!([])) {
                    all.extend(wrapped);
                }
            }
            Value::Object(copy)
        }
        other => other.clone(),
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
    use serde_json::{Value, json};

    fn check(schema: Value, data: &Value) -> Result<(), String> {
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
        assert!(wrong.ends_with("/arg: value is not of type \"object\""), "{wrong}");
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
        let schema = json!({"const": {"anyOf": [1]}, "$defs": {"x": {"$ref": "#"}}});
        assert_eq!(super::without_contexts(&schema), schema);
        assert_eq!(check(schema, &json!({"anyOf": [1]})), Ok(()));
    }
}
