//! The dead letters that an operator selected: some, or all matches.

use super::{Filters, Shown};
use crate::{
    context::{Page, encode},
    error::ActionError,
};
use jiff::Timestamp;
use spillway_core::{
    ids::{Fingerprint, MessageId},
    ports::{ArchiveError, DeadLetters},
};

/// Maximum number of messages in one action. The next action takes the rest.
const MOST: usize = 1_000_000;

/// Dead letters that an operator selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// The messages with these ids.
    These(Vec<MessageId>),
    /// All matches of these filters.
    Matching(Filters),
}

impl Selection {
    /// The selection in a page's URL: `id=…` once or several times, or `all=matching` and filters. `None` if there is
    /// none.
    ///
    /// A URL without an end ends now. So the operator confirms only messages that the page showed, and none that
    /// arrived later. [`Self::fixed`] puts the end into the URL, and a refresh shows the same messages.
    pub fn of(page: &Page) -> Option<Self> {
        let ids: Vec<MessageId> = page
            .query
            .iter()
            .filter(|(name, value)| ["id", "ids[]"].contains(&name.as_str()) && !value.is_empty())
            .map(|(_, id)| MessageId::new(id.as_str()))
            .collect();
        if !ids.is_empty() {
            return Some(Self::These(ids));
        }
        let filters = Filters::of(page);
        let to = Some(filters.to.map_or(page.now, |to| to.min(page.now)));
        (page.parameter("all") == Some("matching")).then_some(Self::Matching(Filters { to, ..filters }))
    }

    /// The selection in a form.
    ///
    /// # Errors
    /// The form selects nothing, or its filters cannot be read.
    pub fn from_form(ids: Vec<String>, matching: &str, now: Timestamp) -> Result<Self, ActionError> {
        if !ids.is_empty() {
            return Ok(Self::These(ids.into_iter().map(MessageId::new).collect()));
        }
        if matching.is_empty() {
            return Err(ActionError::NothingSelected);
        }
        Filters::parse(matching, now).map(Self::Matching).map_err(|_| ActionError::Unreadable)
    }

    /// The ids of the selected messages that are in a state now.
    pub async fn ids(&self, archive: &dyn DeadLetters, shown: Shown) -> Result<Vec<MessageId>, ArchiveError> {
        match self {
            Self::These(ids) => Ok(ids.clone()),
            Self::Matching(filters) => {
                archive.ids(&Filters { shown, ..filters.clone() }.to_filter(), MOST).await
            }
        }
    }

    /// The same page with the selection's times in its URL; `None` if they are there or nothing is selected by time.
    /// Times that move with the clock would change what the operator confirms.
    pub fn fixed(page: &Page) -> Option<String> {
        let moves = page.parameter("range").is_some() || Filters::of(page).to.is_none();
        match Self::of(page)? {
            Self::Matching(filters) if moves => Some(format!(
                "{}?{}",
                page.path,
                matching(&filters, page.parameter("back").unwrap_or_default())
            )),
            _ => None,
        }
    }

    /// The query that selects all matches of the page's list: those that it shows, and none that arrives later. With
    /// `group`, only those of that group.
    pub fn all_query(page: &Page, group: Option<&Fingerprint>) -> String {
        let filters = Filters::of(page);
        let group = group.cloned().or(filters.group);
        let to = filters.to.or(Some(page.now));
        matching(&Filters { group, to, ..filters }, &page.here())
    }
}

fn matching(filters: &Filters, back: &str) -> String {
    format!("all=matching&{}&back={}", filters.to_query(), encode(back))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-03-10T12:00:00Z";

    fn page(query: &str) -> Page {
        Page::of("/dead-letters/replay", query, "", NOW.parse().unwrap())
    }

    #[test]
    fn single_messages_are_selected_in_the_url() {
        let selection = Selection::of(&page("id=a&id=b&ids%5B%5D=c&type=order&id="));
        assert_eq!(selection, Some(Selection::These(vec!["a".into(), "b".into(), "c".into()])));
        assert_eq!(Selection::of(&page("type=order")), None, "filters alone choose nothing");
    }

    #[test]
    fn all_matches_are_fixed_at_the_current_time() {
        let Some(Selection::Matching(filters)) = Selection::of(&page("all=matching&group=00ff")) else {
            panic!("filters")
        };
        assert_eq!(filters.to, Some(NOW.parse().unwrap()));
        let later = "2026-03-10T13:00:00Z".parse().unwrap();
        let sent = Selection::from_form(Vec::new(), &filters.to_query(), later);
        assert_eq!(sent, Ok(Selection::Matching(filters)));
    }

    #[test]
    fn a_form_without_a_selection_is_refused() {
        let now = NOW.parse().unwrap();
        assert_eq!(Selection::from_form(Vec::new(), "", now), Err(ActionError::NothingSelected));
        assert_eq!(Selection::from_form(Vec::new(), "class=x", now), Err(ActionError::Unreadable));
        // An unknown name would leave a filter out, and the action would match everything.
        for matching in ["clas=schema", "foo=bar", "type=a&type=b", "type=a&Group=00ff"] {
            let selection = Selection::from_form(Vec::new(), matching, now);
            assert_eq!(selection, Err(ActionError::Unreadable), "{matching}");
        }
    }

    #[test]
    fn all_matches_include_all_pages_of_the_list_and_nothing_later() {
        let list = Page::of("/dead-letters", "type=a&after=1.2&__n=1", "", NOW.parse().unwrap());
        assert_eq!(
            Selection::all_query(&list, None),
            "all=matching&type=a&before=2026-03-10T12%3A00%3A00Z&back=%2Fdead-letters%3Ftype%3Da%26after%3D1.2"
        );
        let list = Page::of("/dead-letters", "range=1h", "", NOW.parse().unwrap());
        let query = Selection::all_query(&list, Some(&"00ff".into()));
        let confirmed =
            |now: &str| Selection::of(&Page::of("/dead-letters/replay", &query, "", now.parse().unwrap()));
        let Some(Selection::Matching(filters)) = confirmed(NOW) else { panic!("{query}") };
        assert_eq!(filters.group, Some("00ff".into()));
        assert_eq!(filters.from, Some("2026-03-10T11:00:00Z".parse().unwrap()));
        assert_eq!(confirmed("2026-03-10T13:00:00Z"), Some(Selection::Matching(filters)), "an hour later");
    }

    #[test]
    fn an_address_whose_times_move_is_fixed_once() {
        for query in ["all=matching&type=a", "all=matching&range=1h&back=%2Freplays"] {
            let asked = page(query);
            let fixed = Selection::fixed(&asked).unwrap();
            let (path, query) = fixed.split_once('?').unwrap();
            let later = Page::of(path, query, "", "2026-03-10T13:00:00Z".parse().unwrap());
            assert_eq!(Selection::of(&later), Selection::of(&asked));
            assert_eq!(Selection::fixed(&later), None, "{fixed}");
            assert_eq!(later.parameter("back"), asked.parameter("back"));
        }
        assert_eq!(Selection::fixed(&page("id=a")), None);
        assert_eq!(Selection::fixed(&page("")), None);
    }
}
