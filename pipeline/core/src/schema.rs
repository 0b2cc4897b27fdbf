//! JSON Schemas, one file for each event type. The consumer checks them; ingest does not.

mod check;

use crate::event::Event;
use crate::failure::Reason;
use crate::ports::Schemas;
use async_trait::async_trait;
use check::Check;
use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, ReferencingError, Registry, ValidationError};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The active schemas at one time.
#[derive(Clone, Debug, Default)]
pub struct SchemaSet {
    by_type: Arc<HashMap<String, Check>>,
    /// Why the schema of a type can't be used.
    refused: BTreeMap<String, SchemaError>,
    /// Why no schema can be read at all.
    unreadable: Option<SchemaError>,
    /// What is wrong and affects no event, because an earlier version is active.
    noted: Vec<SchemaError>,
}

/// Why a folder of schemas can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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

impl SchemaError {
    /// The file, or the folder.
    pub fn path(&self) -> &Path {
        let (Self::Read { path, .. } | Self::Json { path, .. } | Self::Schema { path, .. }) = self;
        path
    }

    /// The same error as one of this type's file, which may refer to the file that is the cause.
    fn in_file(self, name: &str) -> Self {
        let file = PathBuf::from(format!("{name}.json"));
        match self {
            Self::Schema { path, reason } if path == file || path == Path::new(FOLDER) => {
                Self::Schema { path: file, reason }
            }
            other => Self::Schema { path: file, reason: other.to_string() },
        }
    }
}

/// The mark with which some editors begin a UTF-8 file.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// What a file that is missing, or none in particular, is reported for.
const FOLDER: &str = "the folder.json";
/// Base of the URIs by which files in the folder refer to each other.
const BASE: &str = "spillway:///";
/// What a file name in a URI escapes: all but RFC 3986's unreserved characters.
const ESCAPED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The keywords that refer to another schema.
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

impl SchemaSet {
    /// Compiles schemas, by event type. A `$ref` names another schema as `<type>.json`, in the syntax of a URI: a space is
    /// `%20`.
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
        let compares_large_integers = schemas.values().any(check::compares_large_integers);
        let mut by_type = HashMap::new();
        for (name, schema) in schemas {
            let build = |registry: &Registry, schema: &Value| {
                jsonschema::options()
                    .with_registry(registry)
                    .with_base_uri(uri(name))
                    // The drafts differ in whether `format` is checked. Here it always is.
                    .should_validate_formats(true)
                    .build(schema)
            };
            let validator = build(&registry, schema).map_err(|error| fail(name, why_unusable(&error)))?;
            let copy = || build(copies_registry.as_ref()?, copies.get(name)?).ok();
            let is_exact = check::compares_large_integers(schema)
                || (compares_large_integers && check::has_references(schema));
            by_type.insert(name.clone(), Check::new(validator, schema, copy).exact(is_exact));
        }
        Ok(Self { by_type: Arc::new(by_type), ..Self::default() })
    }

    /// Compiles the schemas that can be used. Events of the others are refused: no event is stored without its check. A
    /// schema that refers to one that can't be used can't be used either.
    pub fn compile_usable(schemas: &BTreeMap<String, Value>) -> Self {
        let error = match Self::compile(schemas) {
            Ok(set) => return set,
            Err(error) => error,
        };
        let mut refused = BTreeMap::new();
        for name in schemas.keys() {
            if let Err(error) = Self::compile(&with_references(name, schemas)) {
                refused.insert(name.clone(), error.in_file(name));
            }
        }
        let mut usable = schemas.clone();
        usable.retain(|name, _| !refused.contains_key(name));
        let mut set = Self::compile(&usable).unwrap_or_else(|_| {
            // Each is right by itself, and together they are not, such as two with the same `$id`.
            refused.extend(usable.keys().map(|name| (name.clone(), error.clone())));
            Self::default()
        });
        set.refused = refused;
        set
    }

    /// Compiles the schemas that can be used of texts, by event type. Events of the others are refused.
    pub fn of_texts(texts: &BTreeMap<String, impl AsRef<[u8]>>) -> Self {
        let (mut schemas, mut refused) = (BTreeMap::new(), BTreeMap::new());
        for (name, text) in texts {
            match Self::parse(Path::new(&format!("{name}.json")), text.as_ref()) {
                Ok(schema) => drop(schemas.insert(name.clone(), schema)),
                Err(error) => drop(refused.insert(name.clone(), error)),
            }
        }
        let mut set = Self::compile_usable(&schemas);
        set.refused.extend(refused);
        set
    }

    /// Parses the text of a file. A byte order mark, with which some editors begin a UTF-8 file, is no error.
    ///
    /// # Errors
    /// It is not JSON.
    pub fn parse(path: &Path, text: &[u8]) -> Result<Value, SchemaError> {
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        serde_json::from_slice(text).map_err(|error| {
            let reason = error.to_string().replace("recursion limit exceeded", "it nests too deep");
            SchemaError::Json { path: path.to_owned(), reason }
        })
    }

    /// A set that refuses every event: it is not known which types have a schema.
    pub fn refusing_everything(reason: SchemaError) -> Self {
        Self { unreadable: Some(reason), ..Self::default() }
    }

    /// Refuses the events of a type, because its schema can't be used: no event is stored without its check.
    pub fn refuse(&mut self, event_type: impl Into<String>, reason: SchemaError) {
        self.refused.insert(event_type.into(), reason);
    }

    /// The types whose events are refused, and why.
    pub fn refused(&self) -> &BTreeMap<String, SchemaError> {
        &self.refused
    }

    /// The same schemas, with what is wrong and affects no event because an earlier version is active.
    #[must_use]
    pub fn noting(&self, noted: Vec<SchemaError>) -> Self {
        Self { noted, ..self.clone() }
    }

    /// What can't be used, one error for each file. If an earlier version is known, that one is active; otherwise events
    /// are refused.
    pub fn problems(&self) -> Vec<&SchemaError> {
        self.unreadable.iter().chain(self.refused.values()).chain(&self.noted).collect()
    }

    /// Checks an event's data against its type's schema; a type without a schema accepts everything.
    ///
    /// # Errors
    /// The first violation as `/pointer: what is wrong`, without the offending value. It is grouped by the place in
    /// the schema, so the same mistake in two events is in one group.
    pub fn check(&self, event: &Event) -> Result<(), Reason> {
        let unusable = self.refused.get(event.event_type.as_str()).or(self.unreadable.as_ref());
        if let Some(reason) = unusable {
            let message = format!("the schema of this type can't be used: {reason}");
            return Err(Reason::grouped(message, "no schema"));
        }
        let Some(check) = self.by_type.get(event.event_type.as_str()) else { return Ok(()) };
        let data = event.data().map_err(|problem| problem.reason())?;
        if check.is_exact && event.has_large_integer() {
            let message =
                "the data: its schema can't compare an integer beyond 64 bits exactly; send it as a string";
            return Err(Reason::grouped(message, "an integer beyond 64 bits"));
        }
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
        registry = registry.add(uri(name), resource).map_err(|error| fail(name, why_no_reference(&error)))?;
    }
    registry.prepare().map_err(|error| fail("the folder", why_no_reference(&error)))
}

/// Why a schema can't be used, without words of the library that only programmers know.
fn why_unusable(error: &ValidationError<'_>) -> String {
    match error.kind() {
        ValidationErrorKind::Referencing(error) => why_no_reference(error),
        _ => error.to_string(),
    }
}

fn why_no_reference(error: &ReferencingError) -> String {
    match error {
        ReferencingError::Unretrievable { uri, .. } => match uri.strip_prefix(BASE) {
            Some(file) => format!("it refers to {file}, and there is no such file"),
            None => format!("it refers to {uri}, which is not in the folder"),
        },
        ReferencingError::PointerToNowhere { pointer } => {
            format!("it refers to {pointer}, and there is no such place in the schema")
        }
        ReferencingError::NoSuchAnchor { anchor } => {
            format!("it refers to the anchor {anchor}, and no schema has it")
        }
        other => other.to_string(),
    }
}

/// The URI of a schema's file.
fn uri(name: &str) -> String {
    format!("{BASE}{}.json", utf8_percent_encode(name, &ESCAPED))
}

/// A schema, and all that it refers to, directly or not. If a reference names no file, all schemas with an `$id` are among
/// them: it may name one of those.
fn with_references(name: &str, schemas: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let mut open = vec![name.to_owned()];
    while let Some(name) = open.pop() {
        let Some(schema) = schemas.get(&name).filter(|_| !found.contains_key(&name)) else { continue };
        found.insert(name, schema.clone());
        let mut references = BTreeSet::new();
        collect_references(schema, &mut references);
        let (files, others): (Vec<_>, Vec<_>) =
            references.into_iter().partition(|reference| schemas.contains_key(reference));
        open.extend(files);
        if others.iter().any(|reference| !reference.is_empty()) {
            let with_id = schemas.iter().filter(|(_, schema)| schema.get("$id").is_some());
            open.extend(with_id.map(|(name, _)| name.clone()));
        }
    }
    found
}

/// Adds the files that a schema refers to, without `.json`. A reference within the schema is the empty text.
fn collect_references(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str().filter(|_| REFERENCES.contains(&name.as_str())) {
                    Some(reference) => {
                        let file = reference.split('#').next().unwrap_or_default();
                        let file = file.strip_prefix("./").unwrap_or(file);
                        let file = file.strip_suffix(".json").unwrap_or(file);
                        found.insert(percent_decode_str(file).decode_utf8_lossy().into_owned());
                    }
                    None => collect_references(value, found),
                }
            }
        }
        _ => {}
    }
}

/// A set that never changes; without any schema by default.
#[derive(Default)]
pub struct FixedSchemas(pub Arc<SchemaSet>);

#[async_trait]
impl Schemas for FixedSchemas {
    async fn current(&self) -> Arc<SchemaSet> {
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
        let text = set.check(&event("order", json!({"amount": "secret"}))).unwrap_err().message;
        assert!(
            text.starts_with("/amount: ") && text.contains("number") && !text.contains("secret"),
            "{text}"
        );
    }

    #[test]
    fn a_schema_that_cannot_be_used_refuses_its_own_type_and_those_that_refer_to_it() {
        let mut all = orders();
        all.insert("money".to_owned(), json!({"type": "nonsense"}));
        all.insert("user".to_owned(), json!({"type": "object"}));
        let set = SchemaSet::compile_usable(&all);
        let refused = set.refused();
        assert_eq!(refused.keys().collect::<Vec<_>>(), ["money", "order"]);
        assert!(refused["money"].to_string().contains("money.json"), "{}", refused["money"]);
        assert_eq!(set.check(&event("user", json!({}))), Ok(()));
        assert!(set.check(&event("user", json!(1))).is_err());
        let text = set.check(&event("order", json!({"amount": 3}))).unwrap_err().message;
        assert!(text.contains("can't be used") && text.contains("json"), "{text}");
        assert_eq!(set.check(&event("unknown", json!(1))), Ok(()));
    }

    #[test]
    fn any_file_name_can_be_an_event_type_and_be_referred_to() {
        for name in ["Order Placed", "größe", "a[0]", "100%", "a#b", "a?b", "a.json", ".", "a:b"] {
            let reference = format!("{}.json", utf8_percent_encode(name, &ESCAPED));
            let all = BTreeMap::from([
                (name.to_owned(), json!({"type": "number"})),
                ("referring".to_owned(), json!({"$ref": reference})),
            ]);
            let set = SchemaSet::compile(&all).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(set.check(&event(name, json!("x"))).is_err(), "{name}");
            assert!(set.check(&event("referring", json!("x"))).is_err(), "{name}");
            assert_eq!(set.check(&event("referring", json!(1))), Ok(()), "{name}");
        }
    }

    #[test]
    fn an_integer_beyond_64_bits_is_never_accepted_for_another_one() {
        // All three are the same 64-bit float.
        let (least, next, other) = ("18446744073709551616", "18446744073709551617", "18446744073709551618");
        let of = |schema: &str, data: &str, is_base64: bool| {
            let schema = SchemaSet::parse(Path::new("t.json"), schema.as_bytes()).unwrap();
            let set = SchemaSet::compile(&BTreeMap::from([("t".to_owned(), schema)])).unwrap();
            let data = match is_base64 {
                false => format!(r#""data":{data}"#),
                true => {
                    use base64::Engine as _;
                    let encoded = base64::engine::general_purpose::STANDARD.encode(data);
                    format!(r#""datacontenttype":"application/json","data_base64":"{encoded}""#)
                }
            };
            let text = format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t",{data}}}"#);
            set.check(&Event::from_structured(text.as_bytes()).unwrap()).map_err(|reason| reason.message)
        };
        let wrong = [
            (format!(r#"{{"const":{next}}}"#), other.to_owned()),
            (format!(r#"{{"const":-{next}}}"#), format!("-{other}")),
            (format!(r#"{{"enum":[{least},{next}]}}"#), other.to_owned()),
            (format!(r#"{{"maximum":{least}}}"#), next.to_owned()),
            (format!(r#"{{"exclusiveMinimum":{next}}}"#), next.to_owned()),
            (r#"{"multipleOf":2}"#.to_owned(), next.to_owned()),
            (format!(r#"{{"multipleOf":{next}}}"#), other.to_owned()),
            (r#"{"not":{"uniqueItems":true}}"#.to_owned(), format!("[{least},{next}]")),
            (format!(r##"{{"$ref":"#/$defs/a","$defs":{{"a":{{"const":{next}}}}}}}"##), other.to_owned()),
        ];
        for (schema, data) in &wrong {
            for is_base64 in [false, true] {
                let reason = of(schema, data, is_base64).unwrap_err();
                assert!(reason.contains("an integer beyond 64 bits"), "{schema}: {reason}");
            }
        }
        // Up to 64 bits each digit counts, and what no float can confuse is checked as ever.
        assert!(of(r#"{"const":18446744073709551615}"#, "18446744073709551614", false).is_err());
        assert!(of(r#"{"maximum":18446744073709551614}"#, "18446744073709551615", false).is_err());
        assert!(of(r#"{"multipleOf":2}"#, "9007199254740993", false).is_err());
        assert!(of(r#"{"maximum":10}"#, next, false).unwrap_err().contains("maximum of 10"));
        for (schema, data) in [
            (r#"{"type":"integer","minimum":1}"#, next),
            (r#"{"properties":{"id":{"type":"string"}}}"#, &*format!(r#"{{"large":{next},"id":"7"}}"#)),
            (r#"{"multipleOf":2}"#, r#"18446744073709551614"#),
            (r#"{"uniqueItems":true}"#, r#"["18446744073709551616","18446744073709551617",1.5e300]"#),
            (r#"{"maximum":1.7976931348623157e308}"#, "1e300"),
        ] {
            assert_eq!(of(schema, data, false), Ok(()), "{schema}");
        }
    }

    #[test]
    fn a_reference_out_of_the_folder_is_refused() {
        let outside = BTreeMap::from([("a".to_owned(), json!({"$ref": "https://example.com/x.json"}))]);
        let error = SchemaSet::compile(&outside).unwrap_err().to_string();
        assert!(
            error.ends_with("refers to https://example.com/x.json, which is not in the folder"),
            "{error}"
        );
    }

    #[test]
    fn a_schema_that_cannot_be_used_says_why_in_plain_words() {
        let why = |schema: Value| {
            let set = SchemaSet::compile_usable(&BTreeMap::from([("a".to_owned(), schema)]));
            set.refused()["a"].to_string()
        };
        assert_eq!(
            why(json!({"$ref": "nowhere.json"})),
            "a.json is not a usable JSON Schema: it refers to nowhere.json, and there is no such file"
        );
        assert!(why(json!({"$ref": "#/$defs/none"})).contains("no such place in the schema"));
        let deep =
            SchemaSet::parse(Path::new("a.json"), "[".repeat(1_000).as_bytes()).unwrap_err().to_string();
        assert!(deep.contains("nests too deep") && !deep.contains("recursion"), "{deep}");
        let set =
            SchemaSet::compile(&BTreeMap::from([("a".to_owned(), json!({"properties": {"b": false}}))]));
        let reason = set.unwrap().check(&event("a", json!({"b": 1}))).unwrap_err().message;
        assert_eq!(reason, "/b: the schema allows no value here");
    }
}
