//! The request that carries an event, in each mode.

use super::{Mode, Options};
use crate::answer::CommandError;
use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;
use serde_json::value::RawValue;
use spillway_core::event::json::parse_strict;
use std::collections::BTreeMap;

/// The source of events for which none is named.
const DEFAULT_SOURCE: &str = "/spillway/cli";
const JSON: &str = "application/json";

/// A request that is ready to send.
#[derive(Debug)]
pub struct Outgoing {
    pub content_type: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Attributes that have an option of their own, that depend on the mode, or that are the data.
const NOT_FREE: [&str; 7] = ["specversion", "id", "source", "type", "datacontenttype", "data", "data_base64"];

/// Reads an attribute such as `subject=42`.
pub fn attribute(text: &str) -> Result<(String, String), String> {
    let Some((name, value)) = text.split_once('=') else {
        return Err("write it like subject=42".to_owned());
    };
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()) {
        return Err("an attribute's name has lower-case letters and digits only, as in subject=42".to_owned());
    }
    if NOT_FREE.contains(&name) {
        return Err(format!(
            "\"{name}\" is not a free attribute: there are --id, --source, --type and --content-type, and DATA is the data"
        ));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// Refuses options that would have no effect.
pub fn check(options: &Options) -> Result<(), CommandError> {
    let (mode, has_type) = (options.mode(), options.event_type.is_some());
    let usage = |what: String| Err(CommandError::Usage(what));
    match (mode, has_type) {
        (Mode::Plain, true) => {
            return usage("plain JSON has no --type: leave it out, or choose another --mode".to_owned());
        }
        (Mode::Binary, false) => {
            return usage("binary mode needs the event's type: add --type".to_owned());
        }
        (Mode::Batch, _) if options.ndjson => {
            return usage("with --ndjson each line is one event: leave --mode batch out".to_owned());
        }
        _ => {}
    }
    let whole = "without --type DATA is sent unchanged";
    let useless = [
        ("--source", options.source.is_some() && !has_type, whole),
        ("--attribute", !options.attributes.is_empty() && !has_type, whole),
        ("--id", options.id.is_some() && !has_type && mode != Mode::Plain, whole),
        (
            "--content-type",
            options.content_type.is_some() && mode != Mode::Binary,
            "only binary mode has data of another type than JSON",
        ),
    ];
    if let Some((option, _, why)) = useless.iter().find(|(_, is_useless, _)| *is_useless) {
        return usage(format!("{option} would have no effect, because {why}: leave it out"));
    }
    let mut names: Vec<_> = options.attributes.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => usage(format!("the attribute {} has two values: keep one", pair[0])),
        None => Ok(()),
    }
}

/// The request for some data.
pub fn request(options: &Options, id: &str, data: Vec<u8>) -> Result<Outgoing, CommandError> {
    let plain = |content_type: &str, body: Vec<u8>| Outgoing {
        content_type: content_type.to_owned(),
        headers: HeaderMap::new(),
        body: body.into(),
    };
    match (options.mode(), &options.event_type) {
        (Mode::Plain, _) => {
            let mut outgoing = plain(JSON, data);
            // A line that is sent again must not become a second event.
            if let Some(id) = options.id.as_deref().or(options.ndjson.then_some(id)) {
                outgoing.headers.insert("idempotency-key", header_value(id)?);
            }
            Ok(outgoing)
        }
        (Mode::Binary, event_type) => binary(options, id, event_type.as_deref().unwrap_or_default(), data),
        (Mode::Structured, None) => Ok(plain("application/cloudevents+json", data)),
        (Mode::Batch, None) => Ok(plain("application/cloudevents-batch+json", data)),
        (Mode::Structured, Some(event_type)) => {
            let event = envelope(options, id, event_type, &data)?;
            Ok(plain("application/cloudevents+json", event.into()))
        }
        (Mode::Batch, Some(event_type)) => {
            let event = envelope(options, id, event_type, &data)?;
            Ok(plain("application/cloudevents-batch+json", format!("[{event}]").into()))
        }
    }
}

/// A structured event around data, which stays the text that it is.
#[derive(Serialize)]
struct Envelope<'e> {
    specversion: &'static str,
    id: &'e str,
    source: &'e str,
    #[serde(rename = "type")]
    event_type: &'e str,
    #[serde(flatten)]
    attributes: BTreeMap<&'e str, &'e str>,
    datacontenttype: &'static str,
    data: &'e RawValue,
}

fn envelope(options: &Options, id: &str, event_type: &str, data: &[u8]) -> Result<String, CommandError> {
    let not_json = |problem: String| {
        CommandError::Usage(format!(
            "the data is not JSON ({problem}): fix it, or send it with --mode binary"
        ))
    };
    parse_strict(data).map_err(|problem| not_json(problem.to_string()))?;
    let data: &RawValue = serde_json::from_slice(data).map_err(|error| not_json(error.to_string()))?;
    let event = Envelope {
        specversion: "1.0",
        id,
        source: options.source.as_deref().unwrap_or(DEFAULT_SOURCE),
        event_type,
        attributes: options.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        datacontenttype: JSON,
        data,
    };
    serde_json::to_string(&event).map_err(|error| not_json(error.to_string()))
}

fn binary(options: &Options, id: &str, event_type: &str, data: Vec<u8>) -> Result<Outgoing, CommandError> {
    let mut headers = HeaderMap::new();
    let source = options.source.as_deref().unwrap_or(DEFAULT_SOURCE);
    let own = [("specversion", "1.0"), ("id", id), ("source", source), ("type", event_type)];
    let others = options.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in own.into_iter().chain(others) {
        let name = HeaderName::from_bytes(format!("ce-{name}").as_bytes())
            .map_err(|_| CommandError::Usage(format!("\"{name}\" is not a valid name of an attribute")))?;
        headers.insert(name, header_value(value)?);
    }
    let content_type = options.content_type.clone().unwrap_or_else(|| JSON.to_owned());
    Ok(Outgoing { content_type, headers, body: data.into() })
}

/// The characters that CloudEvents' HTTP binding (section 3.1.3.2) percent-encodes in a header.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

fn header_value(value: &str) -> Result<HeaderValue, CommandError> {
    HeaderValue::from_str(&utf8_percent_encode(value, ENCODED).to_string())
        .map_err(|_| CommandError::Usage(format!("\"{value}\" is not valid in a header")))
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use clap::Parser;
    use serde_json::{Value, json};
    use spillway_core::event::{Attributes, Event};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn make(line: &str) -> Result<Outgoing, CommandError> {
        let words = ["send", "--url", "http://127.0.0.1:1"].into_iter().chain(line.split(' '));
        let options = Line::try_parse_from(words).unwrap().options;
        let data = read(&options.data).unwrap();
        check(&options)?;
        request(&options, options.id.as_deref().unwrap_or("new-id"), data)
    }

    #[test]
    fn each_mode_is_a_cloud_event_with_the_same_meaning() {
        let attributes = "--type t --source /s --id 1 --attribute subject=x%20y";
        let structured = make(&format!("{{\"a\":1.50}} {attributes}")).unwrap();
        assert_eq!(structured.content_type, "application/cloudevents+json");
        let event = Event::from_structured(&structured.body).unwrap();
        assert_eq!((event.key.to_string().as_str(), event.data().unwrap()), ("1 from /s", json!({"a": 1.5})));

        let batch = make(&format!("{{\"a\":1.50}} {attributes} --mode batch")).unwrap();
        let items: Vec<Value> = serde_json::from_slice(&batch.body).unwrap();
        let item = Event::from_structured(items[0].to_string().as_bytes()).unwrap();
        assert_eq!((items.len(), item.data()), (1, event.data()));

        let binary = make(&format!("{{\"a\":1.50}} {attributes} --mode binary")).unwrap();
        assert_eq!(binary.headers["ce-subject"], "x%2520y");
        let read: Attributes = ["specversion", "id", "source", "type"]
            .map(|name| (name.to_owned(), binary.headers[format!("ce-{name}")].to_str().unwrap().to_owned()))
            .into();
        let from_binary = Event::from_binary(&read, Some(&binary.content_type), &binary.body).unwrap();
        assert_eq!((from_binary.key, from_binary.event_type), (event.key, event.event_type));
    }

    #[test]
    fn without_a_type_the_data_is_sent_as_it_is() {
        assert_eq!(make("{\"a\":}").unwrap().body, "{\"a\":}");
        assert_eq!(make("[] --mode batch").unwrap().content_type, "application/cloudevents-batch+json");
        assert_eq!(make("{} --id k").unwrap().headers["idempotency-key"], "k");
        assert!(make("{}").unwrap().headers.is_empty());
    }

    #[test]
    fn what_makes_no_sense_is_refused_before_anything_is_sent() {
        for line in ["{} --mode plain --type t", "{} --mode binary", "{ --type t"] {
            assert!(matches!(make(line), Err(CommandError::Usage(_))), "{line}");
        }
    }

    #[test]
    fn an_option_that_the_mode_has_no_use_for_is_refused() {
        for (line, option) in [
            ("{} --source /s", "--source"),
            ("{} --attribute a=b", "--attribute"),
            ("{} --content-type text/plain", "--content-type"),
            ("{} --mode structured --id 1", "--id"),
            ("{} --mode structured --source /s", "--source"),
            ("[] --mode batch --id 1", "--id"),
            ("[] --mode batch --attribute a=b", "--attribute"),
            ("{} --type t --content-type text/plain", "--content-type"),
            ("{} --type t --mode batch --content-type text/plain", "--content-type"),
            ("{} --ndjson --source /s", "--source"),
        ] {
            let error = make(line).err().unwrap_or_else(|| panic!("{line} was taken")).to_string();
            assert!(error.contains(option), "{line}: {error}");
        }
        for line in ["{} --id 1", "x --type t --mode binary --content-type text/plain --source /s --id 1"] {
            make(line).unwrap();
        }
    }

    #[test]
    fn attributes_that_have_an_option_of_their_own_or_are_data_or_come_twice_are_refused() {
        for wrong in [
            "data=x",
            "data_base64=x",
            "id=1",
            "type=t",
            "source=/s",
            "specversion=1.0",
            "datacontenttype=a/b",
        ] {
            assert!(attribute(wrong).is_err(), "{wrong}");
        }
        for wrong in ["Subject=1", "a-b=1", "é=1", "=1", "subject"] {
            assert!(attribute(wrong).is_err(), "{wrong}");
        }
        assert_eq!(attribute("subject=a=b"), Ok(("subject".to_owned(), "a=b".to_owned())));
        assert!(make("{} --type t --attribute a=1 --attribute a=2").is_err());
    }

    #[test]
    fn data_goes_into_the_envelope_as_it_is_written() {
        let data = r#"{"b":12345678901234567890123,"a":[0.10,-0,1E+2]}"#;
        for mode in ["structured", "batch"] {
            let body = make(&format!("{data} --type t --source /s --id 1 --mode {mode}")).unwrap().body;
            let body = String::from_utf8(body.to_vec()).unwrap();
            assert!(body.contains(&format!("\"data\":{data}")), "{body}");
        }
    }
}
