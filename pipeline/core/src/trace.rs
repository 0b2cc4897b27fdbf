//! Traces as X-Ray segment documents, and the header that links them.
//!
//! The format is AWS X-Ray's ("AWS X-Ray segment documents" in its developer guide): times are Unix seconds with a
//! fraction, and ids are hexadecimal. A subsegment has its parent's shape.

use crate::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Most characters of an annotation's text ("AWS X-Ray segment documents", Annotations).
const LONGEST_ANNOTATION: usize = 1_000;

/// Which traces to look for. A trace matches if one of its segments does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TraceFilter {
    /// Only those with a fault, an error or a throttle.
    pub failed: bool,
    /// Only those with a segment at least that long, in milliseconds.
    pub at_least_ms: u32,
    /// Only those with this event.
    pub event_id: Option<String>,
}

/// The content of an `X-Amzn-Trace-Id` header or an `AWSTraceHeader` attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceHeader {
    /// `1-` + 8 digits of time + `-` + 24 random digits.
    pub root: String,
    /// The segment that caused what follows.
    pub parent: Option<String>,
    /// Whether this request is traced.
    pub sampled: bool,
}

impl TraceHeader {
    /// A new root.
    pub fn new(now: Timestamp, sampled: bool) -> Self {
        let random = uuid::Uuid::new_v4().simple().to_string();
        Self { root: format!("1-{:08x}-{}", now.as_second(), &random[..24]), parent: None, sampled }
    }

    /// Reads a header; `None` if it has no well-formed root.
    pub fn parse(text: &str) -> Option<Self> {
        let mut header = Self { root: String::new(), parent: None, sampled: false };
        for part in text.split(';') {
            match part.trim().split_once('=') {
                Some(("Root", root)) => header.root = root.to_owned(),
                Some(("Parent", parent)) => header.parent = Some(parent.to_owned()),
                Some(("Sampled", sampled)) => header.sampled = sampled == "1",
                _ => {}
            }
        }
        let mut parts = header.root.split('-');
        let hexadecimal = |part: Option<&str>, digits: usize| {
            part.is_some_and(|part| part.len() == digits && part.bytes().all(|b| b.is_ascii_hexdigit()))
        };
        let well_formed =
            parts.next() == Some("1") && hexadecimal(parts.next(), 8) && hexadecimal(parts.next(), 24);
        (well_formed && parts.next().is_none()).then_some(header)
    }

    /// The same trace, one step further: what follows has this segment as its parent.
    pub fn child_of(&self, segment_id: &str) -> Self {
        Self { parent: Some(segment_id.to_owned()), ..self.clone() }
    }
}

impl fmt::Display for TraceHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Root={}", self.root)?;
        if let Some(parent) = &self.parent {
            write!(f, ";Parent={parent}")?;
        }
        write!(f, ";Sampled={}", u8::from(self.sampled))
    }
}

/// A new segment id: 16 hexadecimal digits.
pub fn segment_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..16].to_owned()
}

/// A segment or subsegment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// What did the work, such as the function's name.
    pub name: String,
    /// 16 hexadecimal digits.
    pub id: String,
    /// The trace it belongs to. Subsegments inside a segment have none of their own.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub trace_id: String,
    /// The segment that caused it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parent_id: Option<String>,
    /// Unix seconds.
    pub start_time: f64,
    /// Unix seconds.
    pub end_time: f64,
    /// Such as `AWS::Lambda::Function`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub origin: Option<String>,
    /// `aws` for a call of an AWS service.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub namespace: Option<String>,
    /// The callee failed (5xx).
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub fault: bool,
    /// The error was the caller's (4xx).
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub error: bool,
    /// Refused for lack of capacity (429).
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub throttle: bool,
    /// Indexed for search: `event_id`, `event_type`, `outcome`, `receive_count`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub annotations: BTreeMap<String, Value>,
    /// Request and response of an HTTP call.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub http: Option<Value>,
    /// About the AWS resource: `operation`, `request_id`, `table_name` and the like.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub aws: Option<Value>,
    /// Why it failed: an object with `exceptions`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<Value>,
    /// The work inside it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub subsegments: Vec<Segment>,
}

impl Segment {
    /// A segment from start to end.
    pub fn new(name: impl Into<String>, start: Timestamp, end: Timestamp) -> Self {
        Self {
            name: name.into(),
            id: segment_id(),
            start_time: seconds(start),
            end_time: seconds(end),
            ..Self::default()
        }
    }

    /// Adds an annotation. A text is cut to as many characters as X-Ray accepts: ids may be longer.
    pub fn annotated(mut self, name: &str, value: impl Into<Value>) -> Self {
        let mut value = value.into();
        if let Value::String(text) = &mut value
            && let Some((end, _)) = text.char_indices().nth(LONGEST_ANNOTATION)
        {
            text.truncate(end);
        }
        self.annotations.insert(name.to_owned(), value);
        self
    }
}

fn seconds(time: Timestamp) -> f64 {
    time.as_microsecond() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_a_round_trip() {
        let header = TraceHeader::new(Timestamp::UNIX_EPOCH, true).child_of(&segment_id());
        assert_eq!(TraceHeader::parse(&header.to_string()), Some(header));
        for bad in ["", "Root=1-x", "Root=2-5759e988-bd862e3fe1be46a994272793", "Parent=53995c3f42cd8ad8"] {
            assert_eq!(TraceHeader::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_document_has_xray_names_and_no_empty_members() {
        let segment = Segment {
            trace_id: "1-a-b".into(),
            ..Segment::new("f", Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH)
        };
        let document = serde_json::to_value(&segment).unwrap();
        let names: Vec<_> = document.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["end_time", "id", "name", "start_time", "trace_id"]);
    }

    #[test]
    fn an_annotation_is_cut_between_characters_where_xray_stops_reading() {
        let segment = Segment::default().annotated("event_id", "ä".repeat(1_024)).annotated("n", 7);
        assert_eq!(segment.annotations["event_id"], "ä".repeat(1_000));
        assert_eq!(segment.annotations["n"], 7);
    }
}
