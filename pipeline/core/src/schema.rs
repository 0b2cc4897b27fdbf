//! JSON Schemas, one file for each event type. The consumer checks them; ingest does not.

mod check;

use crate::event::Event;
use crate::ports::Schemas;
use check::Check;
use jsonschema::{Draft, Registry};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

/// The active schemas at one time.
#[derive(Debug, Default)]
pub struct SchemaSet {
    by_type: HashMap<String, Check>,
}

/// Why a folder of schemas can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The folder or a file in it can't be read.
    #[error("can't read {path}: {reason}", path = path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file is no JSON.
    #[error("{path} is not JSON: {reason}", path = path.display())]
    Json {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file is no schema, or refers to something outside the folder.
    #[error("{path} is not a usable JSON Schema: {reason}", path = path.display())]
    Schema {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Base of the URIs by which files in the folder refer to each other.
const BASE: &str = "spillway:///";

impl SchemaSet {
    /// Compiles schemas, by event type. A `$ref` names another schema as `<type>.json`.
    ///
    /// # Errors
    /// One of them is no schema (drafts 7 and 2020-12 are supported) or refers to a missing one.
    pub fn compile(schemas: &BTreeMap<String, Value>) -> Result<Self, SchemaError> {
        let fail =
            |name: &str, reason: String| SchemaError::Schema { path: format!("{name}.json").into(), reason };
        let registry = registry(schemas, fail)?;
        // Best effort: without these copies, a check can only report that data does not match.
        let copies: BTreeMap<_, _> =
            schemas.iter().map(|(name, schema)| (name.clone(), check::without_contexts(schema))).collect();
        let copies_registry = self::registry(&copies, fail).ok();
        let mut by_type = HashMap::new();
        for (name, schema) in schemas {
            let build = |registry: &Registry, schema: &Value| {
                jsonschema::options()
                    .with_registry(registry)
                    .with_base_uri(format!("{BASE}{name}.json"))
                    .build(schema)
            };
            let validator = build(&registry, schema).map_err(|error| fail(name, error.to_string()))?;
            let copy = || build(copies_registry.as_ref()?, copies.get(name)?).ok();
            by_type.insert(name.clone(), Check::new(validator, schema, copy));
        }
        Ok(Self { by_type })
    }

    /// Checks an event's data against its type's schema; a type without a schema accepts everything.
    ///
    /// # Errors
    /// The first violation as `/pointer: what is wrong`, without the offending value. So the same mistake in two
    /// events reads the same, and no payload gets into logs.
    pub fn check(&self, event: &Event) -> Result<(), String> {
        let Some(check) = self.by_type.get(event.event_type.as_str()) else { return Ok(()) };
        let data = event.data().map_err(|problem| problem.to_string())?;
        check.run(&data)
    }

    /// The event types that have a schema.
    pub fn types(&self) -> Vec<&str> {
        let mut types: Vec<_> = self.by_type.keys().map(String::as_str).collect();
        types.sort_unstable();
        types
    }
}

/// The files of a folder, by the URIs with which they refer to each other.
fn registry(
    schemas: &BTreeMap<String, Value>,
    fail: impl Fn(&str, String) -> SchemaError,
) -> Result<Registry<'static>, SchemaError> {
    let mut registry = Registry::new();
    for (name, schema) in schemas {
        let resource = Draft::Draft202012.detect(schema).create_resource(schema.clone());
        registry = registry
            .add(format!("{BASE}{name}.json"), resource)
            .map_err(|error| fail(name, error.to_string()))?;
    }
    registry.prepare().map_err(|error| fail("the folder", error.to_string()))
}

/// A set that never changes; without any schema by default.
#[derive(Default)]
pub struct FixedSchemas(pub Arc<SchemaSet>);

impl Schemas for FixedSchemas {
    fn current(&self) -> Arc<SchemaSet> {
        Arc::clone(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(event_type: &str, data: Value) -> Event {
        let text =
            json!({"specversion":"1.0","id":"1","source":"/s","type":event_type,"data":data}).to_string();
        Event::from_structured(text.as_bytes()).unwrap()
    }

    fn orders() -> BTreeMap<String, Value> {
        BTreeMap::from([
            (
                "order".to_owned(),
                json!({
                    "$schema": "https://json-schema.org/draft/2020-12/schema",
                    "properties": {"amount": {"$ref": "money.json"}},
                }),
            ),
            (
                "money".to_owned(),
                json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "number", "minimum": 0}),
            ),
        ])
    }

    #[test]
    fn says_where_and_what_without_the_value() {
        let set = SchemaSet::compile(&orders()).unwrap();
        assert_eq!(set.check(&event("order", json!({"amount": 3}))), Ok(()));
        assert_eq!(set.check(&event("unknown", json!("anything"))), Ok(()));
        let text = set.check(&event("order", json!({"amount": "secret"}))).unwrap_err();
        assert!(
            text.starts_with("/amount: ") && text.contains("number") && !text.contains("secret"),
            "{text}"
        );
    }

    #[test]
    fn a_reference_out_of_the_folder_is_refused() {
        let outside = BTreeMap::from([("a".to_owned(), json!({"$ref": "https://example.com/x.json"}))]);
        assert!(SchemaSet::compile(&outside).is_err());
    }
}
