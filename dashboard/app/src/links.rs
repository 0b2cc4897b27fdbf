//! Links within the dashboard.

use crate::context::{Page, encode};
use spillway_core::ids::{MessageId, ReplayId};
use spillway_dashboard_model::TimeRange;
use spillway_dashboard_model::alarms::RuleName;
use spillway_dashboard_model::catalogue::Stage;
use spillway_dashboard_model::flow::Target;
use spillway_dashboard_model::incidents::IncidentId;
use spillway_dashboard_pages::page_at;

/// A path with a query, if there is one.
pub(crate) fn with_query(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// One dead letter. `query` has the list's filters and page.
pub(crate) fn dead_letter(id: &MessageId, query: &str) -> String {
    with_query(&format!("/dead-letters/{}", encode(id.as_str())), query)
}

/// All dead letters that were archived in the page's range, in any state.
pub(crate) fn dead_letters_of_range(page: &Page) -> String {
    format!("/dead-letters?state=all&{}", page.range.to_query())
}

pub(crate) fn replay(page: &Page, id: &ReplayId) -> String {
    page.href(&format!("/replays/{}", encode(id.as_str())), "")
}

/// An alarm, with the page's range.
pub(crate) fn alarm(page: &Page, rule: &RuleName) -> String {
    page.href(&format!("/alarms/{}", encode(rule.as_str())), "")
}

/// An incident. Its page chooses its own range.
pub(crate) fn incident(id: &IncidentId) -> String {
    format!("/incidents/{}", encode(id.as_str()))
}

/// A page over a range, whatever the range of this page is.
pub(crate) fn with_range(path: &str, range: &TimeRange) -> String {
    let sign = if path.contains('?') { '&' } else { '?' };
    let (from, to) = (range.from().strftime(SECONDS), range.to().strftime(SECONDS));
    format!("{path}{sign}from={from}&to={to}")
}

/// Times in an address.
const SECONDS: &str = "%Y-%m-%dT%H:%M:%SZ";

/// The metrics of a stage, with the page's range. `anchor` is the key of a chart, or empty.
pub(crate) fn metrics(page: &Page, stage: Stage, anchor: &str) -> String {
    let href = page.href("/metrics", &format!("stage={}", stage.slug()));
    if anchor.is_empty() { href } else { format!("{href}#{anchor}") }
}

/// The evidence for a sentence. Dead letters wait at any age, so their link has no range.
pub(crate) fn target(page: &Page, target: &Target) -> String {
    match target {
        Target::Metrics(stage) => metrics(page, *stage, ""),
        Target::DeadLetters(_) | Target::Replays => target.path(),
    }
}

/// The page to return to after a form. It is the list of dead letters if the form may not return to the named page.
pub(crate) fn way_back(address: &str) -> &str {
    let is_ours = page_at(address).is_some_and(|page| page.is_way_back);
    if is_ours && address.bytes().all(|byte| byte.is_ascii_graphic()) { address } else { "/dead-letters" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_dashboard_pages::PAGES;

    #[test]
    fn links_keep_the_range_except_for_waiting_dead_letters() {
        let page = Page::of("/", "range=1h", "", "2026-03-10T12:00:00Z".parse().unwrap());
        assert_eq!(
            metrics(&page, Stage::Consumer, "receive-count"),
            "/metrics?range=1h&stage=consumer#receive-count"
        );
        assert_eq!(target(&page, &Target::DeadLetters(None)), "/dead-letters");
        assert_eq!(dead_letters_of_range(&page), "/dead-letters?state=all&range=1h");
        assert_eq!(dead_letter(&"m/1".into(), "a=b"), "/dead-letters/m%2F1?a=b");
    }

    #[test]
    fn forms_return_only_to_pages_of_the_dashboard() {
        assert_eq!(way_back("/dead-letters?type=a"), "/dead-letters?type=a");
        assert_eq!(way_back("/dead-letters/m1"), "/dead-letters/m1");
        for bad in [
            "",
            "//evil.example",
            "https://evil.example",
            "/dead-lettersx",
            "/dead-letters?a\r\nb",
            "/replays é",
        ] {
            assert_eq!(way_back(bad), "/dead-letters", "{bad}");
        }
    }

    #[test]
    fn the_table_of_pages_has_all_stages_of_the_catalogue() {
        let metrics = PAGES.iter().find(|page| page.path == "/metrics").unwrap();
        let slugs: Vec<_> = Stage::ALL.iter().copied().map(Stage::slug).collect();
        assert_eq!(metrics.choice, Some(("stage", slugs.as_slice())));
    }
}
