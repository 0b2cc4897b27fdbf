//! The mode of an event in a request: the HTTP protocol binding of CloudEvents 1.0, and plain JSON.

use crate::problem::{Problem, ProblemKind, shortened};
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use http::{HeaderMap, header::GetAll};

/// The media types that every mode accepts, for `Accept-Post`.
const ACCEPTED: &str = "application/cloudevents+json, application/cloudevents-batch+json, application/json";
/// An event in binary mode has all four. One of them is enough to select binary mode.
const BINARY_MODE_HEADERS: [&str; 4] = ["ce-specversion", "ce-id", "ce-source", "ce-type"];

/// How to read the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode<'r> {
    /// One event as JSON.
    Structured,
    /// An array of events as JSON.
    Batch,
    /// Attributes in headers, data in the body, with its media type if it has one.
    Binary(Option<&'r str>),
    /// A JSON object that is not a CloudEvent.
    Plain,
}

impl<'r> Mode<'r> {
    /// Reads the mode from the headers.
    ///
    /// # Errors
    /// A content type or content encoding that is not accepted, or one that is not text.
    pub(crate) fn of(headers: &'r HeaderMap) -> Result<Self, Problem> {
        refuse_encodings(headers)?;
        let content_type = single(headers.get_all(CONTENT_TYPE), "content-type")?;
        let (essence, charset) = content_type.map_or(("", None), split);
        let mode = if starts_with(essence, "application/cloudevents") {
            if essence.eq_ignore_ascii_case("application/cloudevents+json") {
                Self::Structured
            } else if essence.eq_ignore_ascii_case("application/cloudevents-batch+json") {
                Self::Batch
            } else {
                return Err(unsupported(content_type));
            }
        } else if BINARY_MODE_HEADERS.iter().any(|name| headers.contains_key(*name)) {
            return Ok(Self::Binary(content_type));
        } else if essence.eq_ignore_ascii_case("application/json") {
            Self::Plain
        } else {
            return Err(unsupported(content_type));
        };
        match charset {
            Some(charset)
                if !charset.eq_ignore_ascii_case("utf-8") && !charset.eq_ignore_ascii_case("us-ascii") =>
            {
                Err(unsupported(content_type))
            }
            _ => Ok(mode),
        }
    }
}

/// The one value of a header as text.
///
/// # Errors
/// The header is duplicate, or not visible ASCII.
pub(crate) fn single<'r>(
    values: GetAll<'r, HeaderValue>,
    name: &'static str,
) -> Result<Option<&'r str>, Problem> {
    let mut values = values.iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Problem::new(ProblemKind::InvalidRequest, format!("the header {name} appears twice")));
    }
    value.to_str().map(Some).map_err(|_| {
        Problem::new(ProblemKind::InvalidRequest, format!("the header {name} has characters outside ASCII"))
    })
}

fn refuse_encodings(headers: &HeaderMap) -> Result<(), Problem> {
    let identity = |value: &HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    let chunked = |value: &HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
    let detail = if !headers.get_all(CONTENT_ENCODING).iter().all(identity) {
        "send the body as it is, without content-encoding"
    } else if !headers.get_all(TRANSFER_ENCODING).iter().all(chunked) {
        "send the body as it is: the only transfer-encoding that is understood is chunked"
    } else {
        return Ok(());
    };
    Err(Problem::new(ProblemKind::UnsupportedContentEncoding, detail)
        .with_header(ACCEPT_ENCODING, HeaderValue::from_static("identity")))
}

fn unsupported(content_type: Option<&str>) -> Problem {
    let found = content_type.map_or_else(
        || "the request has no content-type".to_owned(),
        |found| format!("the content-type is \"{}\"", shortened(found)),
    );
    let detail = format!(
        "{found}; send {ACCEPTED} in UTF-8, or any other type with the event's attributes in ce- headers"
    );
    Problem::new(ProblemKind::UnsupportedMediaType, detail)
        .with_header(HeaderName::from_static("accept-post"), HeaderValue::from_static(ACCEPTED))
}

/// The media type without parameters, and its `charset`.
fn split(content_type: &str) -> (&str, Option<&str>) {
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or("");
    let charset = parts
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("charset"))
        .map(|(_, value)| value.trim_matches('"'));
    (essence, charset)
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(pairs: &[(&'static str, &'static str)]) -> Result<String, ProblemKind> {
        let headers = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        Mode::of(&headers).map(|mode| format!("{mode:?}")).map_err(|problem| problem.kind())
    }

    #[test]
    fn the_content_type_decides_before_the_headers_do() {
        let ce = ("ce-id", "1");
        for (content_type, expected) in [
            ("application/cloudevents+json", "Structured"),
            ("Application/CloudEvents+JSON ; charset=\"UTF-8\"", "Structured"),
            ("application/cloudevents-batch+json", "Batch"),
            ("application/json; charset=utf-8", "Binary(Some(\"application/json; charset=utf-8\"))"),
        ] {
            assert_eq!(
                mode(&[("content-type", content_type), ce]),
                Ok(expected.to_owned()),
                "{content_type}"
            );
        }
        assert_eq!(mode(&[("content-type", "application/json")]), Ok("Plain".to_owned()));
        let chunked = [("content-type", "application/json"), ("transfer-encoding", "Chunked")];
        assert_eq!(mode(&chunked), Ok("Plain".to_owned()));
        assert_eq!(mode(&[ce]), Ok("Binary(None)".to_owned()));
    }

    #[test]
    fn what_is_not_accepted_is_named() {
        use ProblemKind::{InvalidRequest, UnsupportedContentEncoding, UnsupportedMediaType};
        for (pairs, expected) in [
            (&[][..], UnsupportedMediaType),
            (&[("content-type", "")], UnsupportedMediaType),
            (&[("content-type", "text/plain")], UnsupportedMediaType),
            (&[("content-type", "application/cloudevents")], UnsupportedMediaType),
            (&[("content-type", "application/cloudevents+xml")], UnsupportedMediaType),
            (&[("content-type", "application/json; charset=latin1")], UnsupportedMediaType),
            (
                &[("content-type", "application/json"), ("content-encoding", "gzip")],
                UnsupportedContentEncoding,
            ),
            (
                &[("content-type", "application/json"), ("content-encoding", "identity, br")],
                UnsupportedContentEncoding,
            ),
            (
                &[("content-type", "application/json"), ("transfer-encoding", "gzip, chunked")],
                UnsupportedContentEncoding,
            ),
        ] {
            assert_eq!(mode(pairs), Err(expected), "{pairs:?}");
        }
        let mut headers = HeaderMap::new();
        headers.append(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.append(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        assert_eq!(Mode::of(&headers).unwrap_err().kind(), InvalidRequest);
    }
}
