//! Times, in the reader's zone.

use crate::context::use_page;
use jiff::{Timestamp, tz::TimeZone};
use leptos::prelude::*;
use spillway_dashboard_words::relative;

/// A time: `4 min ago` with the full time in the tooltip or, with `absolute`, the time itself.
#[component]
pub fn Time(
    at: Timestamp,
    /// Whether to write the time instead of its age.
    #[prop(optional)]
    absolute: bool,
) -> impl IntoView {
    let page = use_page();
    let full = full(at, &page.zone);
    let datetime = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    if absolute {
        let text = brief(at, page.now, &page.zone);
        view! { <time datetime=datetime title=full>{text}</time> }.into_any()
    } else {
        let text = relative(page.now.as_second() - at.as_second());
        view! { <time datetime=datetime title=full data-relative="">{text}</time> }.into_any()
    }
}

/// The full time with day, second and zone, for tooltips.
fn full(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%a %-d %b %Y %H:%M:%S %Z").to_string()
}

/// The short form: the time alone for today, with the day for other days, with the year for other years.
fn brief(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let [at, now] = [at, now].map(|moment| moment.to_zoned(zone.clone()));
    let format = if at.date() == now.date() {
        "%H:%M:%S"
    } else if at.year() == now.year() {
        "%-d %b %H:%M"
    } else {
        "%-d %b %Y %H:%M"
    };
    at.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_as_short_as_is_clear() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let now = "2026-03-10T00:30:00Z".parse().unwrap();
        let at = |text: &str| brief(text.parse().unwrap(), now, &berlin);
        assert_eq!(at("2026-03-09T23:30:05Z"), "00:30:05", "the same day in Berlin");
        assert_eq!(at("2026-03-09T13:40:00Z"), "9 Mar 14:40");
        assert_eq!(at("2025-12-24T17:00:00Z"), "24 Dec 2025 18:00");
        assert_eq!(full("2026-03-09T13:40:00Z".parse().unwrap(), &berlin), "Mon 9 Mar 2026 14:40:00 CET");
    }
}
