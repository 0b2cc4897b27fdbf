//! `spillway send`: one event, in any of the formats that the API accepts.

use crate::answer::{CommandError, ExitStatus};
use crate::backend;
use crate::console::Console;
use crate::http_client::{self, Answer, HttpClient};
use crate::target::Target;
use crate::text;
use anyhow::Context as _;
use bytes::Bytes;
use clap::{Args, ValueEnum};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{StatusCode, Uri};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};
use spillway_core::event::json::parse_strict;
use spillway_core::ids::EventId;
use spillway_dashboard_words::duration;
use std::io::Read as _;

/// The format in which an event is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// One JSON document with attributes and data
    Structured,
    /// Attributes in headers, data in the body
    Binary,
    /// A JSON array of structured events
    Batch,
    /// Any JSON object; the API creates an event from it
    Plain,
}

const LONG_HELP: &str = "\
With --type, DATA is the event's data, and the command adds the envelope. Without --type, DATA is sent unchanged: \
a whole CloudEvent with --mode structured, an array of them with --mode batch, any JSON object otherwise.

Sending the same --source and --id again is safe: the event is stored once.

  spillway send '{\"hello\":\"world\"}' --url http://127.0.0.1:8080
  spillway send @order.json --type order.placed --source /shop --url http://127.0.0.1:8080
  jq -c . order.json | spillway send --mode binary --type order.placed --url http://127.0.0.1:8080

With --json: {\"accepted\": bool, \"status\": 202, \"answer\": what the API answered}.";

/// Options of `send`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// The data: JSON text, @FILE, or - for standard input
    #[arg(default_value = "-", value_name = "DATA")]
    data: String,
    /// The API, such as http://127.0.0.1:8080/events; without a path, /events is used [default: that of --topology]
    #[arg(long, value_parser = http_client::events_url, env = "SPILLWAY_URL")]
    url: Option<Uri>,
    /// Format in which it is sent [default: structured with --type, otherwise plain]
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// The event's type, such as order.placed
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// The event's source, a URI reference
    #[arg(long, default_value = "/spillway/cli")]
    source: String,
    /// The event's id [default: a new UUIDv7]
    #[arg(long)]
    id: Option<String>,
    /// Another attribute, such as subject=42; can be repeated
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = attribute)]
    attributes: Vec<(String, String)>,
    /// Media type of the data in binary mode
    #[arg(long, default_value = "application/json", value_name = "TYPE")]
    content_type: String,
}

fn attribute(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it like subject=42".to_owned()),
    }
}

pub async fn run(options: &Options, target: &Target, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let data = read(&options.data)?;
    let id = options.id.clone().unwrap_or_else(|| EventId::at(backend::clock().now()).into_string());
    let request = request(options, &id, data)?;
    let url = backend::api_url(target, options.url.as_ref())?;
    let client = HttpClient::new(url.clone(), 1)?;
    let answer = client
        .post(&request.content_type, &request.headers, request.body)
        .await
        .map_err(|error| http_client::unreachable(&url, &error))?;
    report(&answer, console)
}

/// A request that is ready to send.
struct Outgoing {
    content_type: String,
    headers: HeaderMap,
    body: Bytes,
}

fn read(data: &str) -> anyhow::Result<Vec<u8>> {
    if data == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
        return Ok(bytes);
    }
    match data.strip_prefix('@') {
        Some(file) => std::fs::read(file)
            .map_err(|error| CommandError::Usage(format!("cannot read {file}: {error}")).into()),
        None => Ok(data.as_bytes().to_vec()),
    }
}

fn request(options: &Options, id: &str, data: Vec<u8>) -> Result<Outgoing, CommandError> {
    let default = if options.event_type.is_some() { Mode::Structured } else { Mode::Plain };
    let mode = options.mode.unwrap_or(default);
    let plain = |content_type: &str, body: Vec<u8>| Outgoing {
        content_type: content_type.to_owned(),
        headers: HeaderMap::new(),
        body: body.into(),
    };
    match (mode, &options.event_type) {
        (Mode::Plain, Some(_)) => Err(CommandError::Usage(
            "plain JSON has no --type: leave it out, or choose another --mode".to_owned(),
        )),
        (Mode::Plain, None) => {
            let mut outgoing = plain("application/json", data);
            if let Some(id) = &options.id {
                outgoing.headers.insert("idempotency-key", header_value(id)?);
            }
            Ok(outgoing)
        }
        (Mode::Binary, Some(event_type)) => binary(options, id, event_type, data),
        (Mode::Binary, None) => {
            Err(CommandError::Usage("binary mode needs the event's type: add --type".to_owned()))
        }
        (Mode::Structured, None) => Ok(plain("application/cloudevents+json", data)),
        (Mode::Batch, None) => Ok(plain("application/cloudevents-batch+json", data)),
        (Mode::Structured, Some(event_type)) => {
            let event = envelope(options, id, event_type, &data)?;
            Ok(plain("application/cloudevents+json", event.to_string().into()))
        }
        (Mode::Batch, Some(event_type)) => {
            let event = envelope(options, id, event_type, &data)?;
            Ok(plain("application/cloudevents-batch+json", json!([event]).to_string().into()))
        }
    }
}

fn envelope(options: &Options, id: &str, event_type: &str, data: &[u8]) -> Result<Value, CommandError> {
    let data = parse_strict(data).map_err(|problem| {
        CommandError::Usage(format!(
            "the data is not JSON ({problem}): fix it, or send it with --mode binary"
        ))
    })?;
    let mut event = Map::new();
    let mut set = |name: &str, value: Value| event.insert(name.to_owned(), value);
    set("specversion", "1.0".into());
    set("id", id.into());
    set("source", options.source.as_str().into());
    set("type", event_type.into());
    for (name, value) in &options.attributes {
        set(name, value.as_str().into());
    }
    set("datacontenttype", "application/json".into());
    set("data", data);
    Ok(Value::Object(event))
}

fn binary(options: &Options, id: &str, event_type: &str, data: Vec<u8>) -> Result<Outgoing, CommandError> {
    let mut headers = HeaderMap::new();
    let own = [("specversion", "1.0"), ("id", id), ("source", &options.source), ("type", event_type)];
    let others = options.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in own.into_iter().chain(others) {
        let name = HeaderName::from_bytes(format!("ce-{name}").as_bytes())
            .map_err(|_| CommandError::Usage(format!("\"{name}\" is not a valid name of an attribute")))?;
        headers.insert(name, header_value(value)?);
    }
    Ok(Outgoing { content_type: options.content_type.clone(), headers, body: data.into() })
}

/// The characters that CloudEvents' HTTP binding (section 3.1.3.2) percent-encodes in a header.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

fn header_value(value: &str) -> Result<HeaderValue, CommandError> {
    HeaderValue::from_str(&utf8_percent_encode(value, ENCODED).to_string())
        .map_err(|_| CommandError::Usage(format!("\"{value}\" is not valid in a header")))
}

fn report(answer: &Answer, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let document: Value = serde_json::from_slice(&answer.body)
        .unwrap_or_else(|_| String::from_utf8_lossy(&answer.body).into_owned().into());
    let accepted = answer.status.is_success() && answer.status != StatusCode::MULTI_STATUS;
    if console.json() {
        let status = answer.status.as_u16();
        console.document(&json!({"accepted": accepted, "status": status, "answer": document}))?;
    } else {
        print(answer, &document, accepted, console)?;
    }
    Ok(if accepted { ExitStatus::Ok } else { ExitStatus::No })
}

fn print(answer: &Answer, document: &Value, accepted: bool, console: &mut Console) -> anyhow::Result<()> {
    if let Some(results) = document["results"].as_array() {
        for result in results {
            let id = text::clean(result["id"].as_str().unwrap_or_default());
            match result["detail"].as_str() {
                None => console.line(&id)?,
                Some(detail) => console.note(&format!("{id}: {}", text::clean(detail))),
            }
        }
    } else if accepted {
        console.line(&text::clean(document["id"].as_str().unwrap_or_default()))?;
    } else {
        let part = |name: &str| text::clean(document[name].as_str().unwrap_or_default());
        console.note(&format!("refused ({}): {}. {}", answer.status.as_u16(), part("title"), part("detail")));
        for error in document["errors"].as_array().into_iter().flatten() {
            let part = |name: &str| text::clean(error[name].as_str().unwrap_or_default());
            console.note(&format!("  {}: {}", part("pointer"), part("detail")));
        }
        if let Some(wait) = answer.retry_after {
            console.note(&format!("Retry in {}.", duration(wait.as_secs_f64())));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
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
}
