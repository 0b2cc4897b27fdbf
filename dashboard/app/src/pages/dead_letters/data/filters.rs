//! The filters of the list, from the URL.

use super::GROUPS_AFTER;
use crate::{
    context::{Page, encode},
    range::aligned,
};
use jiff::Timestamp;
use spillway_core::{
    dead_letter::{DeadLetterFilter, DeadLetterStatus},
    failure::FailureClass,
    ids::Fingerprint,
};
use strum::{IntoStaticStr, VariantArray};

/// The state of the listed dead letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Shown {
    /// In the archive, waiting for a decision.
    #[default]
    #[strum(serialize = "archived")]
    Waiting,
    /// Being replayed: neither stored nor back yet.
    Replaying,
    /// Replayed and stored.
    Stored,
    Discarded,
    /// All of them.
    All,
}

impl Shown {
    /// All of them, in the order of the tabs.
    pub const EVERY: &'static [Self] = Self::VARIANTS;

    /// The value in the URL: the state's name, or `all`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The tab's label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::Replaying => "Replaying",
            Self::Stored => "Replayed and stored",
            Self::Discarded => "Discarded",
            Self::All => "All",
        }
    }

    /// The states that it includes; empty for all.
    pub fn states(self) -> Vec<DeadLetterStatus> {
        DeadLetterStatus::ALL.iter().copied().filter(|state| state.as_str() == self.name()).collect()
    }
}

/// The filters of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Their state.
    pub shown: Shown,
    /// Only this type.
    pub event_type: Option<String>,
    /// Only this class of failure.
    pub class: Option<FailureClass>,
    /// Only where the failure or an id contains this.
    pub contains: Option<String>,
    /// Only this group.
    pub group: Option<Fingerprint>,
    /// The start of the range. `None`: no start.
    pub from: Option<Timestamp>,
    /// The end of the range. `None`: now.
    pub to: Option<Timestamp>,
}

/// Parameters of the URL that select dead letters. Others, such as the cursor, affect only the display.
const CHOOSING: [&str; 10] =
    ["state", "type", "class", "contains", "group", "range", "from", "to", "zone", "before"];

impl Filters {
    /// Reads a page's query. Dead letters wait for a decision, so the page shows them at any age unless the URL has a
    /// range. Invalid values are ignored.
    pub fn of(page: &Page) -> Self {
        let text = |name| page.parameter(name).map(str::trim).filter(|text| !text.is_empty());
        let state = page.parameter("state");
        let shown =
            Shown::EVERY.iter().copied().find(|shown| Some(shown.name()) == state).unwrap_or_default();
        let ranged = page.has_range();
        let before = text("before").and_then(|at| at.parse::<Timestamp>().ok());
        let to = ranged.then_some(page.range.to);
        Self {
            shown,
            event_type: text("type").map(str::to_owned),
            class: text("class").and_then(FailureClass::parse),
            contains: text("contains").map(str::to_owned),
            group: text("group").map(Fingerprint::new),
            from: ranged.then_some(page.range.from),
            to: [before, to].into_iter().flatten().min(),
        }
    }

    /// Reads filters from a form, in the format of [`Self::to_query`].
    ///
    /// # Errors
    /// A name is unknown, or appears twice, or a value is invalid. An action on all matches must never match more than
    /// the page showed.
    pub fn parse(query: &str, now: Timestamp) -> Result<Self, Unreadable> {
        let page = Page::of("/", query, "", now);
        let filters = Self::of(&page);
        let lost = |name: &str, read: bool| {
            page.parameter(name).is_some_and(|text| !text.trim().is_empty()) && !read
        };
        let known = page.parameter("state").is_none_or(|state| filters.shown.name() == state);
        let names = || page.query.iter().map(|(name, _)| name.as_str());
        let unambiguous = names()
            .all(|name| CHOOSING.contains(&name) && names().filter(|other| *other == name).count() == 1);
        if page.range_error.is_some()
            || !unambiguous
            || !known
            || lost("class", filters.class.is_some())
            || lost("before", filters.to.is_some())
        {
            return Err(Unreadable);
        }
        Ok(filters)
    }

    /// Whether anything but the state narrows the list.
    pub fn is_narrow(&self) -> bool {
        *self != self.cleared()
    }

    /// Only the state.
    pub fn cleared(&self) -> Self {
        Self { shown: self.shown, ..Self::default() }
    }

    /// The filter for the archive.
    pub fn to_filter(&self) -> DeadLetterFilter {
        DeadLetterFilter {
            states: self.shown.states(),
            event_type: self.event_type.clone(),
            class: self.class,
            fingerprint: self.group.clone(),
            contains: self.contains.clone(),
            from: self.from,
            to: self.to,
        }
    }

    /// The filter for a list that refreshes. A range that follows the clock asks the same for a minute, and has no end.
    pub fn to_list_filter(&self, page: &Page) -> DeadLetterFilter {
        let mut filter = self.to_filter();
        if page.range.preset.is_some() && page.has_range() {
            filter.from = filter.from.map(aligned);
            filter.to = filter.to.filter(|to| *to != page.range.to);
        }
        filter
    }

    /// An encoded query for a URL. Times are absolute, so that the query means the same later.
    pub fn to_query(&self) -> String {
        let mut pairs: Vec<(&str, String)> = Vec::new();
        if self.shown != Shown::default() {
            pairs.push(("state", self.shown.name().to_owned()));
        }
        pairs.extend(self.event_type.clone().map(|text| ("type", text)));
        pairs.extend(self.class.map(|class| ("class", class.as_str().to_owned())));
        pairs.extend(self.contains.clone().map(|text| ("contains", text)));
        pairs.extend(self.group.clone().map(|group| ("group", group.into_string())));
        match (self.from, self.to) {
            (Some(from), Some(to)) => pairs.extend([("from", from.to_string()), ("to", to.to_string())]),
            (None, Some(to)) => pairs.push(("before", to.to_string())),
            (Some(_) | None, None) => {}
        }
        let pairs: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        pairs.join("&")
    }
}

/// A form's filters cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// The filters and the place in the list, as an encoded query. Links from the list have it, so that a message's page
/// links back and to the next message.
pub fn carried(page: &Page) -> String {
    carried_to(page, page.parameter("after"))
}

/// The same with another place in the list.
pub fn carried_to(page: &Page, after: Option<&str>) -> String {
    let is_kept = |name: &str| name == GROUPS_AFTER || CHOOSING.contains(&name);
    let kept = page.query.iter().filter(|(name, value)| !value.is_empty() && is_kept(name));
    let kept = kept.map(|(name, value)| (name.as_str(), value.as_str()));
    let after = after.filter(|after| !after.is_empty());
    let kept: Vec<String> = kept
        .chain(after.map(|after| ("after", after)))
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    kept.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-03-10T12:00:00Z";

    fn page(query: &str) -> Page {
        Page::of("/dead-letters", query, "", NOW.parse().unwrap())
    }

    #[test]
    fn waiting_dead_letters_are_shown_at_any_age() {
        let filters = Filters::of(&page(""));
        assert_eq!(filters.to_filter().states, [DeadLetterStatus::Archived]);
        assert_eq!((filters.from, filters.to), (None, None));
        assert!(!filters.is_narrow());
    }

    #[test]
    fn all_filters_are_read_from_the_url() {
        let filters = Filters::of(&page(
            "state=all&type=order.placed&class=schema&contains=+%2Famount+&group=00ff&range=1h&after=1.2",
        ));
        let filter = filters.to_filter();
        assert!(filter.states.is_empty() && filters.is_narrow());
        assert_eq!(filter.event_type.as_deref(), Some("order.placed"));
        assert_eq!(filter.class, Some(FailureClass::Schema));
        assert_eq!(filter.contains.as_deref(), Some("/amount"));
        assert_eq!(filter.fingerprint, Some("00ff".into()));
        assert_eq!(filter.from, Some("2026-03-10T11:00:00Z".parse().unwrap()));
    }

    #[test]
    fn filters_in_a_form_mean_the_same_later() {
        let shown = Filters::of(&page("type=a%26b&contains=50%25&class=too_large&range=1h"));
        let later = "2026-03-10T15:00:00Z".parse().unwrap();
        assert_eq!(Filters::parse(&shown.to_query(), later), Ok(shown));
        let unlimited = Filters { to: Some(NOW.parse().unwrap()), ..Filters::default() };
        assert_eq!(Filters::parse(&unlimited.to_query(), later), Ok(unlimited));
    }

    #[test]
    fn a_form_whose_filters_cannot_be_read_matches_nothing() {
        for bad in
            ["class=strange", "state=lost", "range=fortnight", "before=noon", "from=2026-03-10T00:00:00Z"]
        {
            assert_eq!(Filters::parse(bad, NOW.parse().unwrap()), Err(Unreadable), "{bad}");
        }
    }

    #[test]
    fn links_keep_filters_and_place_but_no_notices() {
        let page = page("type=a+b&after=5.6&__done=1&id=7&state=");
        assert_eq!(carried(&page), "type=a%20b&after=5.6");
    }
}
