//! JSON Schemas, one file for each event type. The consumer checks them; ingest does not.

mod check;
mod source;
mod violation;

pub use source::SchemaSource;
pub use violation::{Expected, Violation};

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
    /// The schemas themselves, to say what they expect.
    schemas: Arc<BTreeMap<String, Value>>,
    /// Their texts, by event type, as far as the adapter has said.
    sources: Arc<BTreeMap<String, SchemaSource>>,
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
/// Bytes of a place in a schema.
const MAX_LOCATION: usize = 512;
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
        Ok(Self { by_type: Arc::new(by_type), schemas: Arc::new(schemas.clone()), ..Self::default() })
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
        let mut sources = BTreeMap::new();
        for (name, text) in texts {
            sources.insert(name.clone(), SchemaSource::of(name, text.as_ref()));
            match Self::parse(Path::new(&format!("{name}.json")), text.as_ref()) {
                Ok(schema) => drop(schemas.insert(name.clone(), schema)),
                Err(error) => drop(refused.insert(name.clone(), error)),
            }
        }
        let mut set = Self::compile_usable(&schemas).with_sources(sources);
        set.refused.extend(refused);
        set
    }

    /// The same schemas, with the text of each.
    #[must_use]
    pub fn with_sources(self, sources: BTreeMap<String, SchemaSource>) -> Self {
        Self { sources: Arc::new(sources), ..self }
    }

    /// The texts of the schemas by event type, as far as they are known.
    pub fn sources(&self) -> &BTreeMap<String, SchemaSource> {
        &self.sources
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
        self.run(event).map_err(|violation| violation.reason)
    }

    /// Why an event breaks its type's schema, with the place in it and what the schema expects; `None` if it does not.
    pub fn violation(&self, event: &Event) -> Option<Violation> {
        let violation = *self.run(event).err()?;
        Some(violation.resolved(event.event_type.as_str(), &self.schemas))
    }

    fn run(&self, event: &Event) -> Result<(), Box<Violation>> {
        let fail = |reason| Err(Box::new(Violation::without_place(reason)));
        let unusable = self.refused.get(event.event_type.as_str()).or(self.unreadable.as_ref());
        if let Some(reason) = unusable {
            let message = format!("the schema of this type can't be used: {reason}");
            return fail(Reason::grouped(message, "no schema"));
        }
        let Some(check) = self.by_type.get(event.event_type.as_str()) else { return Ok(()) };
        let data = event.data().map_err(|problem| Box::new(Violation::unreadable(&problem)))?;
        if check.is_exact && event.has_large_integer() {
            let message =
                "the data: its schema can't compare an integer beyond 64 bits exactly; send it as a string";
            return fail(Reason::grouped(message, "an integer beyond 64 bits"));
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
mod tests;
