//! Reads a CloudEvent in structured and in binary mode, and wraps plain JSON in one. A batch is a list of
//! structured events; ingest splits it.
//!
//! This is own code and not a library. An error has to name the attribute and the item that are wrong, and
//! duplicate names have to be refused. The body has to be kept byte for byte, so that a dead letter shows
//! what the sender sent.

use super::json::{JsonProblem, parse_strict};
use crate::Timestamp;
use crate::ids::{EventId, EventKey, EventSource, EventType};
use base64::Engine as _;
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
    /// JSON data stays as it is; text becomes a JSON string; everything else becomes `data_base64`.
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
        if !parse_strict(bytes)?.is_object() {
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

    /// The event's data as JSON: `data` itself, or `data_base64` as the string it is. Null where there is none.
    pub fn data(&self) -> Value {
        match serde_json::from_str::<Value>(&self.body) {
            Ok(Value::Object(mut members)) => {
                members.remove("data").or_else(|| members.remove("data_base64")).unwrap_or(Value::Null)
            }
            _ => Value::Null,
        }
    }
}

/// The member that carries the data, with its JSON text.
fn member_for(
    content_type: Option<&str>,
    data: &[u8],
) -> Result<Option<(&'static str, String)>, EventProblem> {
    if data.is_empty() {
        return Ok(None);
    }
    let media_type = content_type.unwrap_or("application/json").split(';').next().unwrap_or("").trim();
    let media_type = media_type.to_ascii_lowercase();
    if media_type == "application/json" || media_type == "text/json" || media_type.ends_with("+json") {
        parse_strict(data)?;
        return Ok(Some(("data", String::from_utf8_lossy(data).into_owned())));
    }
    if media_type.starts_with("text/")
        && let Ok(text) = std::str::from_utf8(data)
    {
        return Ok(Some(("data", Value::from(text).to_string())));
    }
    let encoded = base64::engine::general_purpose::STANDARD.encode(data);
    Ok(Some(("data_base64", Value::from(encoded).to_string())))
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
    check_uri("/source", source)?;
    let event_type = required(members, "type")?;
    optional(members, "subject")?;
    if let Some(schema) = optional(members, "dataschema")? {
        check_uri("/dataschema", schema)?;
    }
    if let Some(content_type) = optional(members, "datacontenttype")?
        && !content_type.contains('/')
    {
        return Err(problem("/datacontenttype", "expected a media type such as application/json"));
    }
    if let Some(time) = optional(members, "time")?
        && time.parse::<Timestamp>().is_err()
    {
        return Err(problem("/time", "expected RFC 3339, such as 2026-01-31T08:00:00Z"));
    }
    if members.contains_key("data") && members.contains_key("data_base64") {
        return Err(problem("/data_base64", "an event has data or data_base64, not both"));
    }
    if members.get("data_base64").is_some_and(|data| {
        data.as_str().is_none_or(|text| base64::engine::general_purpose::STANDARD.decode(text).is_err())
    }) {
        return Err(problem("/data_base64", "expected a string in base64"));
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
            Value::String(text) => check_text(&pointer, text)?,
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

/// A `String` attribute is not empty and has no control characters (CloudEvents 1.0, "Type system").
fn check_text(pointer: &str, text: &str) -> Result<(), EventProblem> {
    if text.is_empty() {
        return Err(problem(pointer, "must not be empty"));
    }
    if text.len() > 1024 {
        return Err(problem(pointer, "longer than 1,024 bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err(problem(pointer, "has a control character"));
    }
    Ok(())
}

fn check_uri(pointer: &str, text: &str) -> Result<(), EventProblem> {
    // RFC 3986 allows fewer characters than these. White space is the forbidden character that senders use in
    // practice.
    if text.chars().any(|c| c.is_whitespace() || "<>\"{}|\\^`".contains(c)) {
        return Err(problem(
            pointer,
            "expected a URI reference, such as /orders or https://example.com/orders",
        ));
    }
    Ok(())
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
mod tests {
    use super::*;

    fn structured(change: impl FnOnce(&mut Value)) -> Result<Event, EventProblem> {
        let mut event = json!({"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"a":1}});
        change(&mut event);
        Event::from_structured(event.to_string().as_bytes())
    }

    #[test]
    fn structured_keeps_the_senders_text() {
        let text =
            "{ \"specversion\":\"1.0\", \"id\":\"1\",\n\"source\":\"/s\",\"type\":\"t\",\"data\":1.50 }";
        let event = Event::from_structured(text.as_bytes()).unwrap();
        assert_eq!(event.body, text);
        assert_eq!(event.key, EventKey::new("/s", "1"));
    }

    #[test]
    fn each_broken_attribute_is_named() {
        let cases: [(&str, Value); 9] = [
            ("/specversion", json!("0.3")),
            ("/id", json!("")),
            ("/id", json!(7)),
            ("/source", json!("a b")),
            ("/type", json!(null)),
            ("/time", json!("yesterday")),
            ("/datacontenttype", json!("json")),
            ("/data_base64", json!("eA==")),
            ("/badName", json!("x")),
        ];
        for (pointer, value) in cases {
            let found = structured(|event| event[&pointer[1..]] = value.clone()).unwrap_err();
            assert_eq!(found.pointer, pointer, "{value}: {found}");
        }
    }

    #[test]
    fn binary_mode_carries_json_text_and_bytes() {
        let attributes: Attributes = [("specversion", "1.0"), ("id", "1"), ("source", "/s"), ("type", "t")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let read = |content_type, data: &[u8]| Event::from_binary(&attributes, content_type, data).unwrap();
        assert_eq!(read(Some("application/json"), b"{\"a\": 1.50}").data(), json!({"a": 1.5}));
        assert!(read(Some("application/json"), b"{\"a\": 1.50}").body.ends_with(",\"data\":{\"a\": 1.50}}"));
        assert_eq!(read(Some("text/plain"), b"hi").data(), json!("hi"));
        assert_eq!(read(Some("image/png"), &[1, 2]).data(), json!("AQI="));
        assert_eq!(read(None, b"").data(), Value::Null);
        for event in [read(Some("text/plain"), b"hi"), read(None, b"[1]")] {
            assert_eq!(Event::from_structured(event.body.as_bytes()).unwrap(), event);
        }
        let mut with_data = attributes.clone();
        with_data.insert("data".to_owned(), "x".to_owned());
        assert_eq!(Event::from_binary(&with_data, None, b"1").unwrap_err().pointer, "#/header/ce-data");
        let mut without = attributes.clone();
        without.remove("id");
        assert_eq!(Event::from_binary(&without, None, b"").unwrap_err().pointer, "#/header/ce-id");
    }

    #[test]
    fn wrapped_json_is_a_cloud_event() {
        let wrapping = Wrapping { source: "/api".into(), event_type: "json".into() };
        let event = Event::wrap(b"{\"a\":1}", "k".into(), Timestamp::UNIX_EPOCH, &wrapping).unwrap();
        assert_eq!(Event::from_structured(event.body.as_bytes()).unwrap(), event);
        assert!(Event::wrap(b"[1]", "k".into(), Timestamp::UNIX_EPOCH, &wrapping).is_err());
    }

    #[test]
    fn characters_that_sqs_refuses_are_escaped() {
        let event = structured(|event| event["data"] = json!("a\u{ffff}b")).unwrap();
        assert!(event.body.contains("a\\uffffb"));
        assert_eq!(event.data(), json!("a\u{ffff}b"));
    }

    proptest::proptest! {
        #[test]
        fn no_input_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = Event::from_structured(&bytes);
        }
    }
}
