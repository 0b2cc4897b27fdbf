//! JSON Schemas, one file an event type, checked by the consumer and never at the door.

use crate::event::Event;
use crate::ports::Schemas;
use jsonschema::{Draft, Registry, Validator};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

/// The schemas in force at one time.
#[derive(Debug, Default)]
pub struct SchemaSet {
    by_type: HashMap<String, Validator>,
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
    /// Compiles schemas, by event type. `$ref`s find one another by `<type>.json`.
    ///
    /// # Errors
    /// One of them is no schema (drafts 7 and 2020-12 are understood) or refers to something that isn't there.
    pub fn compile(schemas: &BTreeMap<String, Value>) -> Result<Self, SchemaError> {
        let fail =
            |name: &str, reason: String| SchemaError::Schema { path: format!("{name}.json").into(), reason };
        let mut registry = Registry::new();
        for (name, schema) in schemas {
            let resource = Draft::Draft202012.detect(schema).create_resource(schema.clone());
            registry = registry
                .add(format!("{BASE}{name}.json"), resource)
                .map_err(|error| fail(name, error.to_string()))?;
        }
        let registry = registry.prepare().map_err(|error| fail("the folder", error.to_string()))?;
        let mut by_type = HashMap::new();
        for (name, schema) in schemas {
            let validator = jsonschema::options()
                .with_registry(&registry)
                .with_base_uri(format!("{BASE}{name}.json"))
                .build(schema)
                .map_err(|error| fail(name, error.to_string()))?;
            by_type.insert(name.clone(), validator);
        }
        Ok(Self { by_type })
    }

    /// Checks an event's data against its type's schema; a type without a schema takes everything.
    ///
    /// # Errors
    /// The first violation as `/pointer: what is wrong`, without the offending value, so that the same mistake in two
    /// events reads the same and no payload gets into logs.
    pub fn check(&self, event: &Event) -> Result<(), String> {
        let Some(validator) = self.by_type.get(event.event_type.as_str()) else { return Ok(()) };
        let data = event.data();
        match validator.iter_errors(&data).next() {
            None => Ok(()),
            Some(error) => {
                let pointer = error.instance_path().to_string();
                let place = if pointer.is_empty() { "the data" } else { &pointer };
                Err(format!("{place}: {}", error.masked()))
            }
        }
    }

    /// The event types that have a schema.
    pub fn types(&self) -> Vec<&str> {
        let mut types: Vec<_> = self.by_type.keys().map(String::as_str).collect();
        types.sort_unstable();
        types
    }
}

/// A set that never changes.
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
