//! The place in a body at which it breaks a rule.

use super::excerpt;
use crate::event::{Event, json, raw};
use crate::failure::{Failure, FailureClass, printable, shortened};
use crate::schema::Violation;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::ops::Range;

/// Bytes and characters that are shown before and after a place in a body that is not JSON.
const BEFORE: usize = 50;
const AROUND: usize = 100;
/// Bytes of a pointer or a name for people. Both can be as long as the payload.
const MAX_POINTER: usize = 400;
const MAX_NAME: usize = 60;

/// The place in a body at which it breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailingPlace {
    /// JSON Pointer (RFC 6901) into the body, such as `/data/amount`, of at most 400 bytes. Empty for the whole body.
    pub pointer: String,
    /// Its parts, whole.
    #[serde(skip)]
    pub path: Vec<String>,
    /// The bytes of the body that the value takes.
    pub bytes: Range<usize>,
    /// The value as the sender wrote it, on one line, of at most 200 bytes.
    pub value: String,
    /// Its JSON type, such as `string`. `None` if the body is not JSON.
    pub json_type: Option<&'static str>,
    /// A member that it lacks.
    pub missing: Option<String>,
    /// Members that it may not have, at most five.
    pub unexpected: Vec<String>,
}

impl FailingPlace {
    /// Where a body breaks its schema now.
    pub(super) fn of_violation(body: &str, violation: &Violation) -> Option<Self> {
        let has_cause = violation.expected.is_some() || violation.is_in_body || !violation.path.is_empty();
        if !has_cause {
            return None;
        }
        let mut place = match violation.is_in_body {
            true => Self::at(body, violation.path.clone())?,
            false => Self::in_data(body, &violation.path)?,
        };
        place.missing = violation.missing.clone().or(place.missing);
        place.unexpected =
            violation.unexpected.iter().map(|name| printable(&shortened(name, MAX_NAME))).collect();
        if let [one] = violation.unexpected.as_slice() {
            // The place of a member that may not be there is that member.
            let path = [place.path.as_slice(), std::slice::from_ref(one)].concat();
            if let Some(member) = Self::at(body, path).filter(|member| member.missing.is_none()) {
                return Some(Self { unexpected: place.unexpected, ..member });
            }
        }
        Some(place)
    }

    /// The place that the message of a failure names: `/amount: what is wrong`.
    pub fn of_failure(body: &str, failure: &Failure) -> Option<Self> {
        let message = failure.message.as_str();
        match failure.class {
            FailureClass::Schema => Self::named(message, |path| Self::in_data(body, path)),
            FailureClass::Malformed => {
                by_line(body, message).or_else(|| Self::named(message, |path| Self::at(body, path.to_vec())))
            }
            _ => None,
        }
    }

    /// A name may hold a colon and a space. So the place is the longest that is in the body.
    fn named(message: &str, find: impl Fn(&[String]) -> Option<Self>) -> Option<Self> {
        if message.starts_with("the data: ") {
            return find(&[]).map(|place| Self { missing: missing_name(message), ..place });
        }
        if !message.starts_with('/') {
            return None;
        }
        let mut shortest = None;
        for (end, _) in message.rmatch_indices(": ") {
            match find(&raw::parts(&message[..end])) {
                Some(place) if place.missing.is_none() => {
                    return Some(Self { missing: missing_name(&message[end..]), ..place });
                }
                place => shortest = place.or(shortest),
            }
        }
        shortest
    }

    /// A place in the data.
    fn in_data(body: &str, path: &[String]) -> Option<Self> {
        let whole = raw::document(body)?;
        if raw::child(whole, "data").is_some() || raw::child(whole, "data_base64").is_none() {
            return Self::at(body, [&["data".to_owned()], path].concat());
        }
        // The sender's text is in base64. The value is what it means.
        let place = Self::at(body, vec!["data_base64".to_owned()])?;
        let data = Event::from_structured(body.as_bytes()).ok()?.data().ok()?;
        let text = data.pointer(&json::pointer(path)).map(Value::to_string)?;
        let value: &RawValue = raw::document(&text)?;
        let full = [place.path.as_slice(), path].concat();
        Some(Self {
            pointer: printable(&shortened(&json::pointer(&full), MAX_POINTER)),
            value: excerpt(value.get()),
            json_type: Some(raw::json_type(value)),
            ..place
        })
    }

    /// A place in the body. If it is not there, the place is what should have it.
    fn at(body: &str, path: Vec<String>) -> Option<Self> {
        let mut value = raw::document(body)?;
        let mut found = 0;
        for part in &path {
            let Some(child) = raw::child(value, part) else { break };
            value = child;
            found += 1;
        }
        let missing = path.get(found).map(|name| printable(&shortened(name, MAX_NAME)));
        if path.len() > found + 1 {
            // It is not about this body.
            return None;
        }
        let path = path[..found].to_vec();
        Some(Self {
            pointer: printable(&shortened(&json::pointer(&path), MAX_POINTER)),
            path,
            bytes: raw::bytes_of(body, value)?,
            value: excerpt(value.get()),
            json_type: Some(raw::json_type(value)),
            missing,
            unexpected: Vec::new(),
        })
    }
}

/// The name in `…"birthday" is a required property`.
fn missing_name(message: &str) -> Option<String> {
    let quoted = message.strip_suffix(" is a required property")?;
    let start = quoted.find('"')?;
    serde_json::from_str::<String>(&quoted[start..]).ok().map(|name| shortened(&name, MAX_NAME))
}

/// The place where the body is no JSON: `… at line 3 column 14`. serde_json counts lines from 1 and a column's bytes from 1.
fn by_line(body: &str, message: &str) -> Option<FailingPlace> {
    let (_, rest) = message.rsplit_once(" at line ")?;
    let (line, column) = rest.split_once(" column ")?;
    let number = |text: &str| text.split(|c: char| !c.is_ascii_digit()).next()?.parse::<usize>().ok();
    let (line, column) = (number(line)?, number(column)?);
    let start: usize = body.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let at = body.floor_char_boundary((start + column.saturating_sub(1)).min(body.len()));
    let end = body[at..].chars().next().map_or(at, |c| at + c.len_utf8());
    let from = body.floor_char_boundary(at.saturating_sub(BEFORE));
    let near: String = body[from..].chars().take(AROUND).collect();
    Some(FailingPlace {
        pointer: String::new(),
        path: Vec::new(),
        bytes: at..end,
        value: excerpt(&near),
        json_type: None,
        missing: None,
        unexpected: Vec::new(),
    })
}
