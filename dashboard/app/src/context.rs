//! What pages and components know about the current request.

use crate::{
    error::FailedAction,
    ports::use_ports,
    preferences::Preferences,
    range::{Preset, Range, RangeError},
};
use http::request::Parts;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use leptos::prelude::{provide_context, use_context};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use spillway_dashboard_model::TimeRange;
use spillway_dashboard_pages::page_at;
use std::sync::Arc;

/// One page being drawn for one request.
#[derive(Clone, Debug)]
pub struct Page {
    /// The time of drawing, the same for the whole page.
    pub now: Timestamp,
    /// The reader's preferences.
    pub preferences: Preferences,
    /// The zone that times are written in.
    pub zone: TimeZone,
    /// The range of the page. The default, if the URL's range cannot be read.
    pub range: Range,
    /// Why the URL's range cannot be read.
    pub range_error: Option<RangeError>,
    /// A form of the page that failed.
    pub failed: Option<FailedAction>,
    /// The path in the URL.
    pub path: String,
    /// The decoded query in the URL, in order.
    pub query: Vec<(String, String)>,
}

impl Page {
    /// The page of a request.
    pub fn of(path: &str, query: &str, cookies: &str, now: Timestamp) -> Self {
        let query = decode(query);
        let find = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let preferences = Preferences::from_cookies(cookies);
        let zone = preferences.zone();
        let (range, range_error) = match Range::from_query(find, now, &zone) {
            Ok(range) => (range, None),
            Err(error) => (Range::last(Preset::default(), now), Some(error)),
        };
        let failed = FailedAction::from_query(find);
        Self { now, preferences, zone, range, range_error, failed, path: path.to_owned(), query }
    }

    /// A parameter in the URL's query, if it is there and not empty.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A part of the path that the page's route names, such as `:id`, decoded; empty if there is none. Leptos' router would
    /// decode it twice.
    pub fn path_parameter(&self, name: &str) -> String {
        let part = page_at(&self.path).and_then(|entry| entry.parameter(&self.path, name));
        percent_decode_str(part.unwrap_or_default()).decode_utf8_lossy().into_owned()
    }

    /// The range as ports take it.
    pub fn time_range(&self) -> TimeRange {
        // A page's range is never empty. If it were, this would read its last second.
        TimeRange::new(self.range.from, self.range.to)
            .unwrap_or_else(|_| TimeRange::last(SignedDuration::ZERO, self.range.to))
    }

    /// Whether the URL has a range.
    pub fn has_range(&self) -> bool {
        ["range", "from", "to"].iter().any(|name| self.parameter(name).is_some())
    }

    /// A link to another page with the same range. `query` is added to the query; it is encoded, or empty.
    pub fn href(&self, path: &str, query: &str) -> String {
        let range = if self.range == Range::last(Preset::default(), self.now) {
            String::new()
        } else {
            self.range.to_query()
        };
        let query: Vec<&str> = [range.as_str(), query].into_iter().filter(|part| !part.is_empty()).collect();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
    }

    /// A link to this page with some parameters changed; `None` removes one. The link has no error of a failed form.
    pub fn with(&self, changes: &[(&str, Option<&str>)]) -> String {
        let kept =
            self.query.iter().map(|(key, value)| (key.as_str(), value.as_str())).filter(|(key, _)| {
                !key.starts_with("__") && !changes.iter().any(|(changed, _)| changed == key)
            });
        let changed = changes.iter().filter_map(|(key, value)| value.map(|value| (*key, value)));
        let query: Vec<String> =
            kept.chain(changed).map(|(key, value)| format!("{}={}", encode(key), encode(value))).collect();
        if query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, query.join("&")) }
    }

    /// A link to this page, without the error of a failed form.
    pub fn here(&self) -> String {
        self.with(&[])
    }

    /// The error of a form on this page, if the last action of that path failed.
    pub fn failed(&self, action: &str) -> Option<&FailedAction> {
        self.failed.as_ref().filter(|failed| failed.path == action)
    }
}

/// All characters but RFC 3986's unreserved ones, which have no special meaning in a URL.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encodes a value for a URL's query, or for one segment of its path.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

fn decode(query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(key), decoded(value))
        })
        .collect()
}

/// The current page. It is read from the request once, and all components share it.
pub fn use_page() -> Arc<Page> {
    if let Some(page) = use_context::<Arc<Page>>() {
        return page;
    }
    let now = use_ports().pipeline.clock.now();
    // While leptos collects the routes, there is no request.
    let page = use_context::<Parts>().map_or_else(
        || Page::of("/", "", "", now),
        |parts| {
            let cookies: Vec<&str> = parts
                .headers
                .get_all(http::header::COOKIE)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .collect();
            Page::of(parts.uri.path(), parts.uri.query().unwrap_or_default(), &cookies.join(";"), now)
        },
    );
    let page = Arc::new(page);
    provide_context(Arc::clone(&page));
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str, query: &str) -> Page {
        Page::of(path, query, "spillway-theme=dark", "2026-03-10T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_request_is_parsed_completely() {
        let page = page("/dead-letters", "type=order.placed&reason=a+b%26c&range=1h&flag");
        assert_eq!(page.parameter("reason"), Some("a b&c"));
        assert_eq!(page.parameter("flag"), None, "an empty parameter is none");
        assert_eq!(page.range.preset, Some(Preset::Hour));
        assert_eq!(page.preferences.theme, crate::preferences::Theme::Dark);
    }

    #[test]
    fn a_part_of_the_path_is_decoded_once() {
        assert_eq!(page("/events/50%2525%2Fx", "").path_parameter("id"), "50%25/x");
        assert_eq!(page("/events", "").path_parameter("id"), "");
    }

    #[test]
    fn links_keep_the_range_and_filters_of_the_page() {
        let metrics = page("/metrics", "range=1h&stage=queue&__err=x&__path=y");
        assert_eq!(metrics.href("/", ""), "/?range=1h");
        assert_eq!(metrics.here(), "/metrics?range=1h&stage=queue");
        assert_eq!(metrics.with(&[("range", Some("7d"))]), "/metrics?stage=queue&range=7d");
        assert_eq!(metrics.with(&[("range", None), ("stage", Some("a b"))]), "/metrics?stage=a%20b");
        assert_eq!(page("/", "").href("/metrics", ""), "/metrics", "a link needs no default range");
    }

    #[test]
    fn an_invalid_range_is_reported_and_replaced() {
        let page = page("/", "range=fortnight");
        assert_eq!(page.range.preset, Some(Preset::Day));
        assert!(page.range_error.unwrap().to_string().contains("fortnight"));
    }
}
