//! Links of rules and runbooks to the dashboard.

use spillway_dashboard_pages::{PAGES, page_at};

/// What is wrong with a link to the dashboard, if anything.
pub fn unknown_page(link: &str) -> Option<String> {
    let Some(page) = page_at(link) else {
        let pages: Vec<_> = PAGES.iter().map(|page| page.path).collect();
        return Some(format!("`{link}` is no page of the dashboard; its pages are {}", pages.join(", ")));
    };
    let (name, choices) = page.choice?;
    let (_, query) = link.split_once('?')?;
    let chosen = query.split(['&', '#']).find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    (!choices.contains(&chosen)).then(|| {
        let choices = choices.join(", ");
        format!("`{link}`: the dashboard has no {name} `{chosen}`; its {name}s are {choices}")
    })
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
