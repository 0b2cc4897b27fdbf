//! The pages of the dashboard that a link may lead to. A test compares the list with the dashboard's router.

/// Every page, as the router has it; a segment that begins with a colon matches anything.
pub const PAGES: [&str; 13] = [
    "/",
    "/metrics",
    "/dead-letters",
    "/dead-letters/replay",
    "/dead-letters/discard",
    "/dead-letters/:id",
    "/events",
    "/events/:id",
    "/replays",
    "/replays/:id",
    "/alarms",
    "/alarms/:name",
    "/runbooks/:name",
];

/// Stages that `/metrics?stage=…` knows.
pub const STAGES: [&str; 8] = ["api", "ingest", "queue", "consumer", "table", "dlq", "archiver", "account"];

/// What is wrong with a link to the dashboard, if anything.
pub fn unknown_page(link: &str) -> Option<String> {
    let (path, query) = link.split_once('?').unwrap_or((link, ""));
    let path = path.split('#').next().unwrap_or_default();
    if !PAGES.iter().any(|page| matches(page, path)) {
        return Some(format!("`{link}` is no page of the dashboard; its pages are {}", PAGES.join(", ")));
    }
    let stage = query.split(['&', '#']).find_map(|pair| pair.strip_prefix("stage="))?;
    (!STAGES.contains(&stage)).then(|| {
        format!("`{link}`: the dashboard has no stage `{stage}`; its stages are {}", STAGES.join(", "))
    })
}

fn matches(page: &str, path: &str) -> bool {
    let mut given = path.split('/');
    let fits = page.split('/').all(|part| match given.next() {
        Some(text) if part.starts_with(':') => !text.is_empty(),
        Some(text) => text == part,
        None => false,
    });
    fits && given.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_that_are_there() {
        for good in
            ["/", "/metrics?stage=dlq", "/metrics", "/events/e-1", "/alarms/queue-age-low?from=1&to=2"]
        {
            assert_eq!(unknown_page(good), None, "{good}");
        }
        for bad in ["/traces", "/metrics/queue", "/metrics?stage=queues", "/events/", "", "/budget?range=24h"]
        {
            assert!(unknown_page(bad).is_some(), "{bad}");
        }
    }
}
