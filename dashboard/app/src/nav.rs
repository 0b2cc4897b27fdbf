//! The pages that the header lists. A page that is not there yet is not listed.

use crate::ports::Badges;

/// One page in the header.
#[derive(Clone, Copy, Debug)]
pub struct NavItem {
    /// Its name.
    pub label: &'static str,
    /// Where it is.
    pub path: &'static str,
    /// The letter that goes there after `g`.
    pub key: char,
    /// The number beside its name.
    pub badge: Option<Badge>,
}

/// A number beside a page's name.
#[derive(Clone, Copy, Debug)]
pub struct Badge {
    /// Where it comes from.
    pub count: fn(&Badges) -> Option<u64>,
    /// What it counts, for screen readers: one and many.
    pub words: (&'static str, &'static str),
}

/// The pages, in their order.
pub const NAV: &[NavItem] = &[
    NavItem { label: "Overview", path: "/", key: 'o', badge: None },
    NavItem { label: "Metrics", path: "/metrics", key: 'm', badge: None },
    NavItem {
        label: "Dead letters",
        path: "/dead-letters",
        key: 'd',
        badge: Some(Badge { count: |badges| badges.dead_letters, words: ("dead letter", "dead letters") }),
    },
    NavItem {
        label: "Alarms",
        path: "/alarms",
        key: 'a',
        badge: Some(Badge { count: |badges| badges.active_alarms, words: ("active alarm", "active alarms") }),
    },
    NavItem {
        label: "Replays",
        path: "/replays",
        key: 'r',
        badge: Some(Badge {
            count: |badges| badges.running_replays,
            words: ("replay is running", "replays are running"),
        }),
    },
];

/// Whether there is a page at that address of ours. Rules and runbooks name pages that a deployment may not have.
pub fn has_page(address: &str) -> bool {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    NAV.iter().any(|item| item.is_at(path)) || path.starts_with("/runbooks/") || path.starts_with("/events/")
}

impl NavItem {
    /// Whether a URL's path is this page or something below it.
    pub fn is_at(&self, path: &str) -> bool {
        path == self.path
            || (self.path != "/" && path.strip_prefix(self.path).is_some_and(|rest| rest.starts_with('/')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_one_page() {
        let at = |path: &str| {
            NAV.iter().filter(|item| item.is_at(path)).map(|item| item.label).collect::<Vec<_>>()
        };
        assert_eq!(at("/"), ["Overview"]);
        assert_eq!(at("/dead-letters/0197-abc"), ["Dead letters"]);
        assert_eq!(at("/metrics-of-old"), [""; 0]);
    }

    #[test]
    fn what_has_no_page_is_no_link() {
        assert!(
            ["/", "/metrics?stage=queue#age", "/dead-letters", "/alarms/queue-age-high"]
                .iter()
                .all(|at| has_page(at))
        );
        assert!(!has_page("/no-such-page") && !has_page("https://example.com/"));
    }

    #[test]
    fn keys_and_paths_are_distinct() {
        for (index, item) in NAV.iter().enumerate() {
            assert!(NAV[..index].iter().all(|other| other.key != item.key && other.path != item.path));
        }
    }
}
