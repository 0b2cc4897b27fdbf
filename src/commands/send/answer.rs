//! What the API answered, in words or as JSON.

use crate::answer::ExitStatus;
use crate::console::Console;
use crate::http_client::{Answer, Verdict};
use crate::json_text;
use crate::text;
use http::Uri;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use spillway_dashboard_words::duration;

/// The JSON document that `--json` prints.
#[derive(Debug, Serialize)]
pub struct Document {
    pub accepted: bool,
    pub status: u16,
    pub answer: Option<Box<RawValue>>,
}

impl Document {
    pub fn of(answer: &Answer) -> Self {
        Self {
            accepted: answer.verdict() == Verdict::Promised,
            status: answer.status.as_u16(),
            answer: body(answer),
        }
    }
}

/// The answer's body: JSON as it is, or else a text.
fn body(answer: &Answer) -> Option<Box<RawValue>> {
    let text = String::from_utf8_lossy(&answer.body);
    json_text::as_it_is(&text).or_else(|| to_raw_value(&text).ok())
}

pub fn status(verdict: Verdict) -> ExitStatus {
    match verdict {
        Verdict::Promised => ExitStatus::Ok,
        Verdict::TryAgain => ExitStatus::TryAgain,
        Verdict::Refused => ExitStatus::No,
    }
}

pub fn report(answer: &Answer, url: &Uri, console: &mut Console) -> anyhow::Result<ExitStatus> {
    if console.json() {
        console.document(&Document::of(answer))?;
    } else {
        print(answer, url, console)?;
    }
    Ok(status(answer.verdict()))
}

fn print(answer: &Answer, url: &Uri, console: &mut Console) -> anyhow::Result<()> {
    let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if let Some(results) = document["results"].as_array() {
        for result in results {
            let id = text::clean(result["id"].as_str().unwrap_or_default());
            match result["detail"].as_str() {
                None => console.line(&id)?,
                Some(detail) => console.note(&format!("{id}: {}", text::clean(detail))),
            }
        }
    } else if answer.verdict() == Verdict::Promised {
        console.line(&id(answer))?;
    } else {
        refusal(answer, url).iter().for_each(|line| console.note(line));
    }
    Ok(())
}

/// The id of a promised event.
pub fn id(answer: &Answer) -> String {
    let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    text::clean(document["id"].as_str().unwrap_or_default())
}

/// Why an event was not accepted, in lines.
pub fn refusal(answer: &Answer, url: &Uri) -> Vec<String> {
    let status = answer.status.as_u16();
    if answer.status.is_success() || answer.status.is_redirection() {
        return vec![format!(
            "{url} answered {status}, which is no answer of Spillway's API: check the address"
        )];
    }
    let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let part = |value: &Value, name: &str| text::clean(value[name].as_str().unwrap_or_default());
    let words = [part(&document, "title"), part(&document, "detail")];
    let words: Vec<_> = words.into_iter().filter(|words| !words.is_empty()).collect();
    let what = match answer.leaves_open() {
        true => format!("not known to be accepted ({status})"),
        false => format!("refused ({status})"),
    };
    let mut lines = vec![match words.is_empty() {
        true => format!("{what} without the reason that Spillway's API would give: check the address {url}"),
        false => format!("{what}: {}", words.join(". ")),
    }];
    for error in document["errors"].as_array().into_iter().flatten() {
        // An empty pointer is the whole document.
        lines.push(match part(error, "pointer").as_str() {
            "" => format!("  {}", part(error, "detail")),
            pointer => format!("  {pointer}: {}", part(error, "detail")),
        });
    }
    if let Some(wait) = answer.retry_after {
        lines.push(format!("Retry in {}.", duration(wait.as_secs_f64())));
    }
    lines
}
