//! A pipeline in memory, and commands run on it as from the command line.

mod only;
mod pipeline;

pub use pipeline::{FakePipeline, State, readings, rejecting, running, throttled_after};

use crate::answer::ExitStatus;
use crate::arguments::Arguments;
use crate::commands;
use crate::console::Console;
use clap::Parser as _;
use spillway_core::Timestamp;
use spillway_core::dead_letter::DeadLetter;
use spillway_core::failure::{Failure, FailureClass};
use spillway_core::ids::{EventKey, EventType};
use spillway_core::ledger::Place;
use spillway_core::ports::Location;
use spillway_testkit::letters;
use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The time at which every test starts.
pub fn now() -> Timestamp {
    "2026-03-02T14:02:11Z".parse().expect("a time")
}

/// The time that is `seconds` before [`now`].
pub fn ago(seconds: u64) -> Timestamp {
    now() - Duration::from_secs(seconds)
}

/// The output of a command, and its exit code.
pub struct Output {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

impl Output {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).expect("one JSON document on standard output")
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.out)?;
        if !self.err.is_empty() {
            write!(f, "--- standard error\n{}", self.err)?;
        }
        write!(f, "--- exit code {}", self.status as u8)
    }
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a buffer").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Captured {
    fn console_stream(&self) -> Box<dyn Write + Send> {
        Box::new(anstream::StripStream::new(Box::new(self.clone()) as Box<dyn Write + Send>))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("a buffer").clone()).expect("UTF-8")
    }
}

/// Runs a command line (words are separated by spaces) on a pipeline, with no user to ask.
pub async fn run(line: &str, pipeline: &Arc<FakePipeline>) -> Output {
    let (out, err) = (Captured::default(), Captured::default());
    let status = start(line, pipeline, &out, &err).await;
    Output { status, out: out.text(), err: err.text() }
}

/// Runs a command that does not end by itself, until its output is as expected.
pub async fn run_until(line: &str, pipeline: &Arc<FakePipeline>, is_done: impl Fn(&str) -> bool) -> String {
    let (out, err) = (Captured::default(), Captured::default());
    let done = async {
        for _ in 0..10_000 {
            if is_done(&out.text()) {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("{line} did not come to it: {}{}", out.text(), err.text());
    };
    tokio::select! {
        status = start(line, pipeline, &out, &err) => panic!("it ended with {status:?}: {}", err.text()),
        () = done => out.text(),
    }
}

async fn start(line: &str, pipeline: &Arc<FakePipeline>, out: &Captured, err: &Captured) -> ExitStatus {
    let arguments = Arguments::try_parse_from(["spillway"].into_iter().chain(line.split(' ')))
        .unwrap_or_else(|error| panic!("{line}: {error}"));
    let raw = Box::new(out.clone());
    let mut console = Console::of(out.console_stream(), raw, err.console_stream(), arguments.format());
    match commands::run(arguments, async |_| Ok(pipeline.backend()), &mut console).await {
        Ok(status) => status,
        Err(error) => {
            console.error(&error);
            ExitStatus::of(&error)
        }
    }
}

/// A dead letter of an order whose amount was a string, archived `age_s` seconds ago.
pub fn dead_letter(number: u32, age_s: u64) -> DeadLetter {
    let message = "/amount: value is not of type \"number\"";
    let failure = Failure::new(FailureClass::Schema, message, &"2f1c".into(), ago(age_s));
    let body = format!(
        r#"{{"specversion":"1.0","id":"e{number}","source":"/shop","type":"order.placed","data":{{"amount":"9.90"}}}}"#
    );
    let letter = letters::dead_letter(format!("m{number}").as_str(), &format!("e{number}"), failure);
    DeadLetter { body, first_sent_at: ago(age_s + 2), ..letter }
}

/// An event at a place, accepted a minute ago.
pub fn location(id: &str, source: &str, place: Place) -> Location {
    Location {
        key: EventKey::new(source, id),
        event_type: EventType::new("page.viewed"),
        place,
        message_id: format!("m-{id}").as_str().into(),
        accepted_at: ago(60),
        stored_at: (place == Place::Stored).then(|| ago(60) + Duration::from_millis(340)),
        receive_count: None,
        visible_at: None,
        failure: None,
        body: format!(r#"{{"specversion":"1.0","id":"{id}","source":"{source}","type":"page.viewed"}}"#),
    }
}
