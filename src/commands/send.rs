//! `spillway send`: one event in any of the formats that the API accepts, or one for each line of a file.

mod answer;
mod lines;
mod request;

use crate::answer::{CommandError, ExitStatus};
use crate::backend;
use crate::console::Console;
use crate::http_client::{self, HttpClient};
use crate::target::Target;
use crate::values;
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use http::Uri;
use spillway_core::ids::EventId;
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
a whole CloudEvent with --mode structured, an array of them with --mode batch, any JSON object otherwise. Data goes into the \
envelope as it is written: numbers and the order of members do not change. An option that the mode has no use for is refused.

With --ndjson, each line of DATA is one event: a whole CloudEvent, or with --type an event's data. Lines are sent as they \
arrive, several at once, and one that gets no answer or a 408, 429 or 5xx is sent up to five times. \
\"spillway events export\" writes such lines.

Sending the same --source and --id again is safe: the event is stored once.

  spillway send '{\"hello\":\"world\"}' --url http://127.0.0.1:8080
  spillway send @order.json --type order.placed --source /shop --url http://127.0.0.1:8080
  jq -c . order.json | spillway send --mode binary --type order.placed --url http://127.0.0.1:8080
  spillway events export --embedded DIR | spillway send --ndjson --url http://127.0.0.1:8080

With --json: {\"accepted\": bool, \"status\": 202, \"answer\": what the API answered}. With --ndjson one such document on a \
line for each event, with \"line\" and \"error\" (why there is no answer, or why it was not sent).

Exit code 1: an event was refused; fix it first. 5: no answer, or the API takes nothing at the moment; run the same command \
again, with the same --id.";

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
    /// Format in which it is sent [default: structured with --type or --ndjson, otherwise plain]
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// The event's type, such as order.placed
    #[arg(long = "type", value_name = "TYPE", value_parser = values::some_text)]
    event_type: Option<String>,
    /// The event's source, a URI reference [default: /spillway/cli]
    #[arg(long, value_parser = values::some_text)]
    source: Option<String>,
    /// The event's id [default: a new UUIDv7]
    #[arg(long, value_parser = values::some_text)]
    id: Option<String>,
    /// Another attribute, such as subject=42; can be repeated
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = request::attribute)]
    attributes: Vec<(String, String)>,
    /// Media type of the data in binary mode [default: application/json]
    #[arg(long, value_name = "TYPE", value_parser = values::some_text)]
    content_type: Option<String>,
    /// Send each line of DATA as one event
    #[arg(long, conflicts_with = "id")]
    ndjson: bool,
}

impl Options {
    fn mode(&self) -> Mode {
        let default = if self.event_type.is_some() || self.ndjson { Mode::Structured } else { Mode::Plain };
        self.mode.unwrap_or(default)
    }
}

pub async fn run(options: &Options, target: &Target, console: &mut Console) -> anyhow::Result<ExitStatus> {
    request::check(options)?;
    if options.ndjson {
        return lines::run(options, target, console).await;
    }
    let data = read(&options.data)?;
    let id = options.id.clone().unwrap_or_else(|| EventId::at(backend::clock().now()).into_string());
    let request = request::request(options, &id, data)?;
    let url = backend::api_url(target, options.url.as_ref())?;
    let client = HttpClient::new(url.clone(), 1)?;
    let answer = client
        .post(&request.content_type, &request.headers, request.body)
        .await
        .map_err(|error| http_client::unreachable(&url, &error))?;
    answer::report(&answer, &url, console)
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
