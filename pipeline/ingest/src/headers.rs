//! Headers: the attributes of an event in binary mode, the idempotency key, the trace.

use crate::problem::{Problem, ProblemKind};
use http::HeaderMap;
use percent_encoding::percent_decode;
use spillway_core::event::{Attributes, EventProblem};
use spillway_core::ids::EventId;
use spillway_core::trace::TraceHeader;
use std::borrow::Cow;

/// The header that carries a trace through AWS.
pub const TRACE_HEADER: &str = "x-amzn-trace-id";
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Reads the attributes of an event in binary mode.
///
/// # Errors
/// A duplicate header, one that is not UTF-8 after decoding, or one for the data or its content type. In binary mode
/// these two have their own place.
pub(crate) fn attributes(headers: &HeaderMap) -> Result<Attributes, EventProblem> {
    let mut attributes = Attributes::new();
    for (name, value) in headers {
        let Some(attribute) = name.as_str().strip_prefix("ce-") else {
            continue;
        };
        let problem =
            |detail: &str| EventProblem { pointer: format!("#/header/{name}"), detail: detail.to_owned() };
        match attribute {
            "data" | "data_base64" => return Err(problem("in binary mode the data is the body")),
            "datacontenttype" => {
                return Err(problem("in binary mode the data's media type is the header content-type"));
            }
            _ => {}
        }
        let value = decoded(value.as_bytes()).map_err(problem)?;
        if attributes.insert(attribute.to_owned(), value).is_some() {
            return Err(problem("appears twice"));
        }
    }
    Ok(attributes)
}

/// The sender's id for plain JSON; `None` if we choose it.
///
/// Accepted with and without the quotes of a structured header string, because senders use both.
///
/// # Errors
/// A key that is not valid as an event's id.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<EventId>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let problem = |detail: &str| {
        let error =
            EventProblem { pointer: format!("#/header/{IDEMPOTENCY_KEY}"), detail: detail.to_owned() };
        Problem::new(ProblemKind::InvalidRequest, "the idempotency-key can't be the id of an event")
            .with_errors(vec![error])
    };
    if values.next().is_some() {
        return Err(problem("appears twice"));
    }
    let key =
        std::str::from_utf8(&unquoted(value.as_bytes())).map_err(|_| problem("not valid UTF-8"))?.to_owned();
    // The rule for an event's id; the error names the header.
    if key.is_empty() {
        Err(problem("must not be empty"))
    } else if key.len() > 1024 {
        Err(problem("longer than 1,024 bytes"))
    } else if key.chars().any(char::is_control) {
        Err(problem("has a control character"))
    } else {
        Ok(Some(EventId::new(key)))
    }
}

/// The trace of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncomingTrace {
    /// Its root, its parent if that is well-formed, and whether it is sampled.
    pub header: TraceHeader,
    /// Whether the sender has decided on sampling; if not, `header.sampled` is false and the receiver decides.
    pub decided: bool,
}

/// Reads `X-Amzn-Trace-Id`; `None` without one that has a well-formed root.
pub fn incoming_trace(headers: &HeaderMap) -> Option<IncomingTrace> {
    let text = headers.get(TRACE_HEADER)?.to_str().ok()?;
    let mut header = TraceHeader::parse(text)?;
    let is_segment_id = |id: &String| id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    // The parent goes into segments and messages, so only a valid segment id is kept.
    header.parent = header.parent.filter(is_segment_id);
    let decided = text.split(';').any(|part| matches!(part.trim(), "Sampled=0" | "Sampled=1"));
    Some(IncomingTrace { header, decided })
}

/// The value of an attribute, by "HTTP header values" of the HTTP protocol binding: remove quotes, then
/// percent-decode once.
fn decoded(value: &[u8]) -> Result<String, &'static str> {
    let unquoted = unquoted(value);
    let bytes = percent_decode(&unquoted).collect::<Vec<u8>>();
    String::from_utf8(bytes).map_err(|_| "not valid UTF-8 once it is percent-decoded")
}

/// Removes the quotes of a quoted string (RFC 9110 §5.6.4).
fn unquoted(value: &[u8]) -> Cow<'_, [u8]> {
    let [b'"', inner @ .., b'"'] = value else {
        return value.into();
    };
    if !inner.contains(&b'\\') {
        return inner.into();
    }
    let mut bytes = inner.iter().copied();
    let mut unescaped = Vec::with_capacity(inner.len());
    while let Some(byte) = bytes.next() {
        unescaped.push(if byte == b'\\' { bytes.next().unwrap_or(byte) } else { byte });
    }
    unescaped.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn values_are_decoded_as_the_binding_says() {
        for (value, expected) in [
            ("plain", Ok("plain")),
            ("Euro%20%E2%82%AC%20%F0%9F%98%80", Ok("Euro € 😀")),
            ("100%", Ok("100%")),
            ("%2525", Ok("%25")),
            ("\"a \\\"b\\\" %43\"", Ok("a \"b\" C")),
            ("\"", Ok("\"")),
            ("", Ok("")),
            ("%ff", Err("not valid UTF-8 once it is percent-decoded")),
        ] {
            assert_eq!(decoded(value.as_bytes()).as_deref().map_err(|error| *error), expected, "{value}");
        }
    }

    #[test]
    fn a_trace_is_adopted_without_an_invalid_parent() {
        let read = |text| {
            let mut headers = HeaderMap::new();
            headers.insert(TRACE_HEADER, HeaderValue::from_static(text));
            incoming_trace(&headers).map(|trace| (trace.header.to_string(), trace.decided))
        };
        let root = "Root=1-5759e988-bd862e3fe1be46a994272793";
        assert_eq!(
            read("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"),
            Some((format!("{root};Parent=53995c3f42cd8ad8;Sampled=1"), true))
        );
        assert_eq!(
            read("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=x"),
            Some((format!("{root};Sampled=0"), false))
        );
        assert_eq!(
            read("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=?"),
            Some((format!("{root};Sampled=0"), false))
        );
        assert_eq!(read("Sampled=1"), None);
    }
}
