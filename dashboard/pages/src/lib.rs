//! The pages of the dashboard, as one table.
//!
//! The dashboard's navigation, keyboard help, range menu and forms read it. So does code that may not depend on the
//! dashboard: the check of links in alarm rules, the browser tests, and the program for screenshots. A test of the
//! server compares it with the actual routes.

/// Every page. If several match an address, the first one applies. So paths without a parameter come first.
pub const PAGES: &[PageEntry] = &[
    PageEntry {
        navigation: Some(Navigation { label: "Overview", key: 'o', badge: None }),
        range: RangeUse::Always,
        examples: &[("overview", "/")],
        ..PageEntry::at("/")
    },
    PageEntry {
        navigation: Some(Navigation { label: "Metrics", key: 'm', badge: None }),
        range: RangeUse::Always,
        choice: Some(("stage", &STAGES)),
        examples: &[
            ("metrics", "/metrics"),
            ("metrics-compared", "/metrics?stage=queue&compare=on&range=1h"),
        ],
        ..PageEntry::at("/metrics")
    },
    PageEntry {
        navigation: Some(Navigation { label: "Dead letters", key: 'd', badge: Some(Badge::DeadLetters) }),
        range: RangeUse::IfAsked,
        is_way_back: true,
        examples: &[
            ("dead-letters", "/dead-letters"),
            ("dead-letters-group", "/dead-letters?group={group}"),
            ("dead-letters-all", "/dead-letters?state=all"),
            ("dead-letters-discarded", "/dead-letters?state=discarded"),
            ("dead-letters-none", "/dead-letters?contains=nothing"),
        ],
        ..PageEntry::at("/dead-letters")
    },
    PageEntry {
        is_way_back: true,
        examples: &[
            ("replay-confirm", "/dead-letters/replay?all=matching"),
            ("replay-nothing", "/dead-letters/replay"),
        ],
        ..PageEntry::at("/dead-letters/replay")
    },
    PageEntry {
        is_way_back: true,
        examples: &[
            ("discard-confirm", "/dead-letters/discard?id={dead-letter}"),
            ("discard-all", "/dead-letters/discard?all=matching"),
        ],
        ..PageEntry::at("/dead-letters/discard")
    },
    PageEntry {
        is_way_back: true,
        examples: &[("dead-letter", "/dead-letters/{dead-letter}")],
        ..PageEntry::at("/dead-letters/:id")
    },
    PageEntry { is_way_back: true, examples: &[("event-search", "/events")], ..PageEntry::at("/events") },
    PageEntry {
        is_way_back: true,
        examples: &[("event", "/events/{event}")],
        ..PageEntry::at("/events/:id")
    },
    PageEntry {
        navigation: Some(Navigation { label: "Incidents", key: 'i', badge: None }),
        is_way_back: true,
        examples: &[("incidents", "/incidents")],
        ..PageEntry::at("/incidents")
    },
    PageEntry {
        range: RangeUse::IfAsked,
        is_way_back: true,
        examples: &[("incident", "/incidents/{incident}")],
        ..PageEntry::at("/incidents/:id")
    },
    PageEntry {
        navigation: Some(Navigation { label: "Alarms", key: 'a', badge: Some(Badge::ActiveAlarms) }),
        range: RangeUse::Always,
        examples: &[("alarms", "/alarms"), ("alarms-filtered", "/alarms?tier=high&state=ok")],
        ..PageEntry::at("/alarms")
    },
    PageEntry {
        range: RangeUse::Always,
        examples: &[
            ("alarm", "/alarms/records-retried-high"),
            ("alarm-quiet", "/alarms/queue-age-high"),
            ("alarm-composite", "/alarms/availability-burn-14x-high?range=7d"),
        ],
        ..PageEntry::at("/alarms/:name")
    },
    PageEntry {
        navigation: Some(Navigation { label: "Replays", key: 'r', badge: Some(Badge::RunningReplays) }),
        is_way_back: true,
        examples: &[("replays", "/replays")],
        ..PageEntry::at("/replays")
    },
    PageEntry {
        is_way_back: true,
        examples: &[("replay", "/replays/{replay}")],
        ..PageEntry::at("/replays/:id")
    },
    PageEntry { examples: &[("runbook", "/runbooks/queue-age")], ..PageEntry::at("/runbooks/:name") },
];

/// Stages of the pipeline, the values of `/metrics?stage=…`.
pub const STAGES: [&str; 8] = ["api", "ingest", "queue", "consumer", "table", "dlq", "archiver", "account"];

/// One page.
#[derive(Clone, Copy, Debug)]
pub struct PageEntry {
    /// Its address in the router's format. A part that begins with a colon matches any text.
    pub path: &'static str,
    /// Its place in the header, if the header lists it. The header keeps the order of the table.
    pub navigation: Option<Navigation>,
    /// How it uses a time range.
    pub range: RangeUse,
    /// Whether a form may return to it.
    pub is_way_back: bool,
    /// A parameter of its query with a fixed set of values.
    pub choice: Option<(&'static str, &'static [&'static str])>,
    /// Addresses for tests and screenshots, each with a name. `{…}` is replaced by an id of the running system.
    pub examples: &'static [(&'static str, &'static str)],
}

/// A page's place in the header.
#[derive(Clone, Copy, Debug)]
pub struct Navigation {
    /// The page's name.
    pub label: &'static str,
    /// The letter that opens it after `g`.
    pub key: char,
    /// The number beside the name.
    pub badge: Option<Badge>,
}

/// A number beside a page's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Badge {
    /// Dead letters that wait for a decision.
    DeadLetters,
    /// Active alarms.
    ActiveAlarms,
    /// Replays that have not ended.
    RunningReplays,
}

/// How a page uses a time range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeUse {
    /// It shows data of the range.
    Always,
    /// It shows everything, unless the address has a range.
    IfAsked,
    /// It shows one item, independent of the range.
    Never,
}

impl PageEntry {
    const fn at(path: &'static str) -> Self {
        Self {
            path,
            navigation: None,
            range: RangeUse::Never,
            is_way_back: false,
            choice: None,
            examples: &[],
        }
    }

    /// Whether a path, without its query, is this page's.
    pub fn is_at(&self, path: &str) -> bool {
        let mut given = path.split('/');
        let fits = self.path.split('/').all(|part| match given.next() {
            Some(text) if part.starts_with(':') => !text.is_empty(),
            Some(text) => text == part,
            None => false,
        });
        fits && given.next().is_none()
    }

    /// The part of a path at the position of `:name` in this page's path, still encoded.
    pub fn parameter<'a>(&self, path: &'a str, name: &str) -> Option<&'a str> {
        let place = self.path.split('/').position(|part| part.strip_prefix(':') == Some(name))?;
        path.split('/').nth(place)
    }

    /// Whether a path is this page's or below it, so that the header marks this page.
    pub fn is_above(&self, path: &str) -> bool {
        path == self.path
            || (self.path != "/" && path.strip_prefix(self.path).is_some_and(|rest| rest.starts_with('/')))
    }
}

/// The page at an address of the dashboard, with or without a query; `None` if there is none.
pub fn page_at(address: &str) -> Option<&'static PageEntry> {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    PAGES.iter().find(|page| page.is_at(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_belongs_to_one_page() {
        for (address, path) in [
            ("/", "/"),
            ("/metrics?stage=dlq#age", "/metrics"),
            ("/dead-letters/replay?id=1", "/dead-letters/replay"),
            ("/dead-letters/0197-abc", "/dead-letters/:id"),
            ("/alarms/queue-age-low?from=1&to=2", "/alarms/:name"),
        ] {
            assert_eq!(page_at(address).map(|page| page.path), Some(path), "{address}");
        }
        for none in ["", "/no-such-page", "/metrics/queue", "/events/", "https://example.com/"] {
            assert!(page_at(none).is_none(), "{none}");
        }
    }

    #[test]
    fn a_parameter_is_a_segment_of_the_path() {
        let parameter = |path, name| page_at(path).and_then(|page| page.parameter(path, name));
        assert_eq!(parameter("/events/a%2Fb", "id"), Some("a%2Fb"));
        assert_eq!(parameter("/events", "id"), None);
        assert_eq!(parameter("/alarms/x", "id"), None);
    }

    #[test]
    fn the_header_marks_one_page() {
        let marked = |path: &str| {
            let listed = PAGES.iter().filter(|page| page.navigation.is_some());
            listed.filter(|page| page.is_above(path)).map(|page| page.path).collect::<Vec<_>>()
        };
        assert_eq!(marked("/"), ["/"]);
        assert_eq!(marked("/dead-letters/0197-abc"), ["/dead-letters"]);
        assert_eq!(marked("/metrics-of-old"), [""; 0]);
    }

    #[test]
    fn paths_keys_and_names_of_examples_are_distinct_and_examples_are_at_their_page() {
        let keys: Vec<_> = PAGES.iter().filter_map(|page| page.navigation).map(|place| place.key).collect();
        let names: Vec<_> = PAGES.iter().flat_map(|page| page.examples).map(|(name, _)| name).collect();
        for (index, page) in PAGES.iter().enumerate() {
            assert!(PAGES[..index].iter().all(|other| other.path != page.path), "{}", page.path);
            assert!(!page.examples.is_empty(), "{}: which address do tests visit?", page.path);
            for (name, address) in page.examples {
                assert_eq!(page_at(address).map(|found| found.path), Some(page.path), "{name}");
            }
        }
        assert!((1..keys.len()).all(|index| !keys[..index].contains(&keys[index])), "{keys:?}");
        assert!((1..names.len()).all(|index| !names[..index].contains(&names[index])), "{names:?}");
    }

    #[test]
    fn pages_about_one_item_have_no_range() {
        let range = |path: &str| page_at(path).map(|page| page.range);
        assert_eq!([range("/"), range("/metrics")], [Some(RangeUse::Always); 2]);
        assert_eq!(range("/dead-letters"), Some(RangeUse::IfAsked));
        for path in
            ["/dead-letters/1", "/dead-letters/replay", "/replays", "/replays/1", "/events/1", "/runbooks/x"]
        {
            assert_eq!(range(path), Some(RangeUse::Never), "{path}");
        }
    }
}
