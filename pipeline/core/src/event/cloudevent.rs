//! Reads a CloudEvent in structured and in binary mode, and wraps plain JSON in one. A batch is a list of
//! structured events; ingest splits it.
//!
//! This is own code and not a library. An error has to name the attribute and the item that are wrong, and
//! duplicate names have to be refused. The body has to be kept byte for byte, so that a dead letter shows
//! what the sender sent.

use super::json::{self, JsonProblem, parse_strict};
use super::rfc3339;
use crate::Timestamp;
use crate::failure::Reason;
use crate::ids::{EventId, EventKey, EventSource, EventType};
use base64::Engine as _;
use fluent_uri::{Uri, UriRef};
use mime::Mime;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// One event, checked against CloudEvents 1.0, with the text that carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What identifies it permanently.
    pub key: EventKey,
    /// Its type, which selects the schema.
    pub event_type: EventType,
    /// The event in CloudEvents' JSON format. Sent in structured or batch mode, it is the sender's own text.
    pub body: String,
}

/// What is wrong with an event, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {detail}")]
pub struct EventProblem {
    /// JSON Pointer (RFC 6901) to the place; `#/header/ce-id` for a header.
    pub pointer: String,
    /// What is wrong and what was expected.
    pub detail: String,
}

impl EventProblem {
    /// The same as the reason of a failure. It is grouped by the rule that is broken: the text can quote the payload.
    pub fn reason(&self) -> Reason {
        let attribute = self.pointer.split('/').nth(1).unwrap_or_default();
        let attribute = if KNOWN.contains(&attribute) { attribute } else { "" };
        let rule = self.detail.split(", found ").next().unwrap_or_default();
        let (before, after) = match (rule.split_once('"'), rule.rsplit_once('"')) {
            (Some((before, _)), Some((_, after))) => (before, after),
            _ => (rule, ""),
        };
        let rule: String = [before, after].concat().chars().filter(|c| !c.is_ascii_digit()).collect();
        Reason::grouped(self.to_string(), format!("{attribute}: {rule}"))
    }
}

impl From<JsonProblem> for EventProblem {
    fn from(problem: JsonProblem) -> Self {
        Self { pointer: problem.pointer, detail: problem.detail }
    }
}

/// Context attributes of a binary mode event, by name without the `ce-` prefix.
pub type Attributes = BTreeMap<String, String>;

/// How plain JSON becomes an event.
#[derive(Clone, Debug)]
pub struct Wrapping {
    /// `source` of the wrapped event.
    pub source: EventSource,
    /// `type` of the wrapped event.
    pub event_type: EventType,
}

impl Event {
    /// Reads an event in structured mode: one JSON object with attributes and data.
    ///
    /// # Errors
    /// The first thing that breaks CloudEvents 1.0.
    pub fn from_structured(bytes: &[u8]) -> Result<Self, EventProblem> {
        let value = parse_strict(bytes)?;
        let (key, event_type) = check(&value)?;
        // parse_strict has seen that it is UTF-8.
        let body = String::from_utf8_lossy(bytes).into_owned();
        Ok(Self { key, event_type, body: queue_safe(body) })
    }

    /// Reads an event in binary mode: attributes in headers, data in the body.
    ///
    /// JSON data stays as it is; text becomes a JSON string; everything else becomes `data_base64`. Data without a
    /// content type is JSON if it reads as JSON, and bytes otherwise.
    ///
    /// # Errors
    /// The first thing that breaks CloudEvents 1.0, or JSON data that isn't JSON.
    pub fn from_binary(
        attributes: &Attributes,
        content_type: Option<&str>,
        data: &[u8],
    ) -> Result<Self, EventProblem> {
        if let Some(name) = ["data", "data_base64"].into_iter().find(|name| attributes.contains_key(*name)) {
            return Err(problem(
                &format!("#/header/ce-{name}"),
                "an attribute can't have this name; data is the body",
            ));
        }
        let mut envelope: Map<String, Value> =
            attributes.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
        if let Some(content_type) = content_type {
            envelope.insert("datacontenttype".to_owned(), content_type.into());
        }
        let (key, event_type) = check(&Value::Object(envelope.clone())).map_err(|found| EventProblem {
            pointer: format!("#/header/ce-{}", found.pointer.trim_start_matches('/')),
            detail: found.detail,
        })?;
        let data = member_for(content_type, data)?;
        let body = with_data(&Value::Object(envelope), data);
        Ok(Self { key, event_type, body: queue_safe(body) })
    }

    /// Wraps a plain JSON object in an event.
    ///
    /// # Errors
    /// Not JSON, or JSON that is not an object.
    pub fn wrap(
        bytes: &[u8],
        id: EventId,
        now: Timestamp,
        wrapping: &Wrapping,
    ) -> Result<Self, EventProblem> {
        if !json::parse_within(bytes, json::MAX_DEPTH - 1)?.is_object() {
            return Err(problem(
                "",
                "plain JSON has to be an object; send anything else as the data of a CloudEvent",
            ));
        }
        check_text("/id", id.as_str())?;
        let key = EventKey { source: wrapping.source.clone(), id };
        let envelope = json!({
            "specversion": "1.0",
            "id": key.id,
            "source": key.source,
            "type": wrapping.event_type,
            "time": now.to_string(),
            "datacontenttype": "application/json",
        });
        let body = with_data(&envelope, Some(("data", String::from_utf8_lossy(bytes).into_owned())));
        Ok(Self { key, event_type: wrapping.event_type.clone(), body: queue_safe(body) })
    }

    /// The event's data as JSON, as a schema sees it: `data` itself. `data_base64` is decoded if `datacontenttype` says that it
    /// is JSON, and is the base64 text otherwise. Null where there is no data.
    ///
    /// # Errors
    /// `data_base64` is said to be JSON and is not.
    pub fn data(&self) -> Result<Value, EventProblem> {
        let Some(mut members) = self.members() else { return Ok(Value::Null) };
        if let Some(data) = members.remove("data") {
            return Ok(data);
        }
        match encoded_json(&members)? {
            Some(bytes) => parse_strict(&bytes).map_err(|found| problem("/data_base64", &found.detail)),
            None => Ok(members.remove("data_base64").unwrap_or(Value::Null)),
        }
    }

    /// Whether the data has an integer beyond 64 bits. [`Self::data`] has it as a 64-bit float, which loses digits.
    pub fn has_large_integer(&self) -> bool {
        let encoded = self.members().and_then(|members| encoded_json(&members).ok().flatten());
        // No attribute is such an integer.
        json::has_large_integer(encoded.as_deref().unwrap_or(self.body.as_bytes()))
    }

    fn members(&self) -> Option<Map<String, Value>> {
        serde_json::from_str(&self.body).ok()
    }
}

/// The bytes of `data_base64`, if `datacontenttype` says that they are JSON.
fn encoded_json(members: &Map<String, Value>) -> Result<Option<Vec<u8>>, EventProblem> {
    let content_type = members.get("datacontenttype").and_then(Value::as_str);
    let Some(Value::String(text)) = members.get("data_base64") else { return Ok(None) };
    if !content_type.is_some_and(is_json) {
        return Ok(None);
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(text);
    bytes.map(Some).map_err(|_| problem("/data_base64", "expected a string in base64"))
}

/// The member that carries the data, with its JSON text.
fn member_for(
    content_type: Option<&str>,
    data: &[u8],
) -> Result<Option<(&'static str, String)>, EventProblem> {
    if data.is_empty() {
        return Ok(None);
    }
    let as_json = || json::parse_within(data, json::MAX_DEPTH - 1);
    match content_type {
        Some(content_type) if is_json(content_type) => {
            as_json()?;
            return Ok(Some(("data", String::from_utf8_lossy(data).into_owned())));
        }
        None if as_json().is_ok() => {
            return Ok(Some(("data", String::from_utf8_lossy(data).into_owned())));
        }
        _ => {}
    }
    let media_type = content_type.map(essence).unwrap_or_default();
    if media_type.starts_with("text/")
        && let Ok(text) = std::str::from_utf8(data)
    {
        return Ok(Some(("data", Value::from(text).to_string())));
    }
    let encoded = base64::engine::general_purpose::STANDARD.encode(data);
    Ok(Some(("data_base64", Value::from(encoded).to_string())))
}

/// A media type without its parameters, in lower case.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_json(content_type: &str) -> bool {
    let essence = essence(content_type);
    essence == "application/json" || essence == "text/json" || essence.ends_with("+json")
}

/// Appends the data to an envelope without parsing it again, so that its text stays as it was.
fn with_data(envelope: &Value, data: Option<(&str, String)>) -> String {
    let mut body = envelope.to_string();
    if let Some((name, text)) = data {
        body.truncate(body.len() - 1);
        body.push_str(&format!(",\"{name}\":{text}}}"));
    }
    body
}

/// SQS refuses U+FFFE and U+FFFF in a body (they are not XML characters). In JSON they can only be inside
/// strings, where an escape means the same.
fn queue_safe(body: String) -> String {
    if body.contains(['\u{fffe}', '\u{ffff}']) {
        body.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff")
    } else {
        body
    }
}

fn problem(pointer: &str, detail: &str) -> EventProblem {
    EventProblem { pointer: pointer.to_owned(), detail: detail.to_owned() }
}

/// Checks an envelope against CloudEvents 1.0, sections "Context attributes" and "JSON format".
fn check(value: &Value) -> Result<(EventKey, EventType), EventProblem> {
    let Value::Object(members) = value else {
        return Err(problem("", "an event is a JSON object"));
    };
    match members.get("specversion") {
        Some(Value::String(version)) if version == "1.0" => {}
        Some(other) => {
            return Err(problem("/specversion", &format!("expected \"1.0\", found {other}")));
        }
        None => {
            return Err(problem("/specversion", "missing; a CloudEvent has \"specversion\": \"1.0\""));
        }
    }
    let id = required(members, "id")?;
    let source = required(members, "source")?;
    if UriRef::parse(source).is_err() {
        return Err(problem(
            "/source",
            "expected a URI reference (RFC 3986), such as /orders or https://example.com/orders",
        ));
    }
    let event_type = required(members, "type")?;
    optional(members, "subject")?;
    if let Some(schema) = optional(members, "dataschema")?
        && Uri::parse(schema).is_err()
    {
        return Err(problem(
            "/dataschema",
            "expected an absolute URI (RFC 3986), such as https://example.com/order.json",
        ));
    }
    if let Some(content_type) = optional(members, "datacontenttype")?
        && !is_media_type(content_type)
    {
        return Err(problem("/datacontenttype", "expected a media type such as application/json"));
    }
    if let Some(time) = optional(members, "time")?
        && !rfc3339::is_date_time(time)
    {
        return Err(problem("/time", "expected RFC 3339, such as 2026-01-31T08:00:00Z"));
    }
    // Null means that a member is not set (CloudEvents 1.0, JSON format, "Unset attributes").
    match members.get("data_base64") {
        None | Some(Value::Null) => {}
        Some(_) if members.contains_key("data") => {
            return Err(problem("/data_base64", "an event has data or data_base64, not both"));
        }
        Some(Value::String(text)) if base64::engine::general_purpose::STANDARD.decode(text).is_ok() => {}
        Some(_) => return Err(problem("/data_base64", "expected a string in base64")),
    }
    check_extensions(members)?;
    Ok((EventKey::new(source, id), EventType::new(event_type)))
}

const KNOWN: [&str; 10] = [
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "dataschema",
    "datacontenttype",
    "time",
    "data",
    "data_base64",
];

fn check_extensions(members: &Map<String, Value>) -> Result<(), EventProblem> {
    for (name, value) in members.iter().filter(|(name, _)| !KNOWN.contains(&name.as_str())) {
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
            return Err(problem(&pointer, "attribute names have lower-case letters and digits only"));
        }
        match value {
            Value::Object(_) | Value::Array(_) => {
                return Err(problem(&pointer, "an extension attribute is a string, a number or a boolean"));
            }
            Value::Number(number) if number.as_i64().is_none_or(|n| i32::try_from(n).is_err()) => {
                return Err(problem(&pointer, "a number in an extension attribute is a 32-bit integer"));
            }
            // Unlike the attributes of the specification itself, an extension may be an empty string.
            Value::String(text) => check_characters(&pointer, text)?,
            _ => {}
        }
    }
    Ok(())
}

fn required<'m>(members: &'m Map<String, Value>, name: &str) -> Result<&'m str, EventProblem> {
    optional(members, name)?.ok_or_else(|| problem(&format!("/{name}"), "missing; a CloudEvent must have it"))
}

fn optional<'m>(members: &'m Map<String, Value>, name: &str) -> Result<Option<&'m str>, EventProblem> {
    let pointer = format!("/{name}");
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => {
            check_text(&pointer, text)?;
            Ok(Some(text))
        }
        Some(other) => Err(problem(&pointer, &format!("expected a string, found {}", kind(other)))),
    }
}

/// An attribute of the specification itself is not empty.
fn check_text(pointer: &str, text: &str) -> Result<(), EventProblem> {
    if text.is_empty() {
        return Err(problem(pointer, "must not be empty"));
    }
    check_characters(pointer, text)
}

/// A `String` has no control characters and no noncharacters (CloudEvents 1.0, "Type system").
fn check_characters(pointer: &str, text: &str) -> Result<(), EventProblem> {
    if text.len() > 1024 {
        return Err(problem(pointer, "longer than 1,024 bytes"));
    }
    // Nearly all text is printable ASCII, for which a look at the bytes is enough.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(());
    }
    if text.chars().any(char::is_control) {
        return Err(problem(pointer, "has a control character"));
    }
    if text.chars().any(is_noncharacter) {
        return Err(problem(pointer, "has a code point that is no character, such as U+FFFE"));
    }
    Ok(())
}

/// The 66 code points that Unicode will never assign: U+FDD0 to U+FDEF, and the last two of each plane.
fn is_noncharacter(c: char) -> bool {
    let code = u32::from(c);
    (0xfdd0..=0xfdef).contains(&code) || code & 0xfffe == 0xfffe
}

/// `type/subtype` with parameters (RFC 2045). The wildcard of `Accept` is no type of data.
fn is_media_type(text: &str) -> bool {
    text.parse::<Mime>().is_ok_and(|mime| !mime.subtype().as_str().is_empty()) && !text.contains("*/*")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
